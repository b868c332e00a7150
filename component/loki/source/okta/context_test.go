// option: context, orgs, clustering, backfill, redact

package okta

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/internal/component/common/loki"

	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/roles"
)

// administered is an org with administrators.
func administered() *oktasim.Org {
	return &oktasim.Org{Token: "right", Roles: oktasim.Roles{
		Users:   map[string][]string{"00uSuper": {"SUPER_ADMIN"}, "00uNight": {"Night shift"}},
		Groups:  map[string]oktasim.Group{"00gAdmins": {Roles: []string{"ORG_ADMIN"}, Members: []string{"00uMember"}}},
		Clients: map[string][]string{},
	}}
}

// happened is an event of a moment.
func happened(uuid, kind, granted, actor, target string, at time.Time) []byte {
	return fmt.Appendf(nil, `{"uuid":%q,"published":%q,"eventType":%q,"actor":{"type":"User","id":%q},"outcome":{"result":"SUCCESS"},`+
		`"debugContext":{"debugData":{"privilegeGranted":%q}},"target":[{"type":"User","id":%q}]}`,
		uuid, at.UTC().Format("2006-01-02T15:04:05.000Z"), kind, actor, granted, target)
}

// rolesOf is what an entry's metadata has of roles.
func rolesOf(e loki.Entry) map[string]string {
	return metadataOf(e, func(name string) bool { return strings.HasSuffix(name, "_roles") || name == "context_time" })
}

// metadataOf is that of an entry's metadata whose names are wanted.
func metadataOf(e loki.Entry, wanted func(name string) bool) map[string]string {
	all := map[string]string{}
	for _, m := range e.StructuredMetadata {
		if wanted(m.Name) {
			all[m.Name] = m.Value
		}
	}
	return all
}

// rolesKnown is what the table of the component's first org has.
func (s *site) rolesKnown() roles.Status { return s.only().plan.Load().of.identity.table.Status() }

// known waits until the table of the component's first org is there.
func (s *site) known(t *testing.T) {
	t.Helper()
	until(t, "a table of roles", func() bool {
		known := s.rolesKnown()
		return known.Users > 0 && known.Pending == 0
	})
}

func TestEntriesCarryRolesAndTheLineStays(t *testing.T) {
	org := administered()
	s := watch(t, org, "context {\n roles = true\n}\n")
	s.known(t)
	now := time.Now()
	org.Append(
		happened("1", "user.session.start", "", "00uSuper", "00uMember", now),
		happened("2", "user.account.privilege.grant", "Report administrator", "00uSuper", "00uNew", now),
		happened("3", "user.session.start", "", "00uNew", "00uNobody", now.Add(time.Second)),
		happened("4", "user.account.privilege.revoke", "", "00uSuper", "00uNew", now.Add(2*time.Second)),
		happened("5", "user.session.start", "", "00uNew", "00uNobody", now.Add(3*time.Second)),
		happened("6", "user.session.start", "", "00uSuper", "00uNobody", now.Add(-time.Hour)),
	)
	for i, want := range []map[string]string{
		{"actor_roles": "SUPER_ADMIN", "target_roles": "ORG_ADMIN"},
		{"actor_roles": "SUPER_ADMIN"},
		{"actor_roles": "REPORT_ADMIN"},
		{"actor_roles": "SUPER_ADMIN", "target_roles": "REPORT_ADMIN"},
		{},
	} {
		e := s.take(t)
		require.Equal(t, want, rolesOf(e), i+1)
		require.Equal(t, string(org.Events()[i]), gjson.Get(e.Line, "event").Raw)
	}
	old := rolesOf(s.take(t))
	at, err := time.Parse(time.RFC3339, old["context_time"])
	require.NoError(t, err, old)
	require.WithinRange(t, at, now.Truncate(time.Second), time.Now())

	info := s.DebugInfo().(debugInfo).More.Context
	require.Equal(t, 3, info.Users)
	require.Equal(t, 1, info.Groups)
	require.Empty(t, info.Error)
	users, ok := value(t, s.registry, "role_holders", "user")
	require.True(t, ok)
	require.InDelta(t, 3, users, 0)
	failing, ok := value(t, s.registry, "failing_seconds", "roles")
	require.True(t, ok)
	require.Zero(t, failing)
	for _, r := range org.Requests() { // the log's requests are the log's, and the rest has budgets of its own
		if !strings.Contains(r.URL, "/api/v1/logs") {
			require.Equal(t, "SSWS", r.Scheme)
		}
	}
	require.Equal(t, s.DebugInfo().(debugInfo).Budget.Used > 0, true)
}

// without is a gateway that takes a header out of answers.
type without struct {
	http.ResponseWriter
	header string
}

func (w without) WriteHeader(code int) {
	w.Header().Del(w.header)
	w.ResponseWriter.WriteHeader(code)
}

func (w without) Write(b []byte) (int, error) {
	w.Header().Del(w.header)
	return w.ResponseWriter.Write(b)
}

func TestContextBehindAGatewayThatTakesTheRequestID(t *testing.T) {
	org := staffed()
	host := serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		org.ServeHTTP(without{w, "X-Okta-Request-Id"}, r)
	}))
	s := runs(t, fmt.Sprintf("url = \"http://%s\"\napi_token = \"right\"\npoll_interval = \"100ms\"\n", host)+
		"context {\n roles = true\n profile = [\"department\"]\n groups = [\"VIP\"]\n}\n")
	s.known(t)
	org.Append(signsIn("1", "00uMember", time.Now()))
	s.take(t)
	s.knows(t, 1)
	org.Append(signsIn("2", "00uMember", time.Now()))
	require.Equal(t, map[string]string{"actor_roles": "ORG_ADMIN", "actor_department": "Finance", "actor_groups": "VIP"}, actorOf(s.take(t)))
}

// Forbidden, slow or wrong: no event waits or is missing, and health and a metric say what to do. The log's budget is as without.
func TestEventsGoOnWithoutRoles(t *testing.T) {
	okta := func(status int, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Okta-Request-Id", "req-7")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		})
	}
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	for name, c := range map[string]struct {
		answer http.Handler
		says   []string // "": healthy
	}{
		"forbidden": {okta(403, `{"errorCode":"E0000006","errorSummary":"You do not have permission"}`), []string{
			"who holds administrators' roles is not known since", "events go on, without actor_roles", "403 E0000006", "req-7", "okta.iam.read",
		}},
		"wrong": {okta(200, `{"value":7}`), nil},
		"slow":  {http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { waitFor(r, hang) }), nil},
	} {
		t.Run(name, func(t *testing.T) {
			org := administered()
			org.Roles.Intercept = func(int, *http.Request) http.Handler { return c.answer }
			s := watch(t, org, "context {\n roles = true\n}\n")
			org.Append(happened("1", "user.session.start", "", "00uSuper", "00uMember", time.Now()))
			require.Empty(t, rolesOf(s.take(t)))
			if c.says == nil {
				require.Equal(t, component.HealthTypeHealthy, s.CurrentHealth().Health)
				return
			}
			until(t, "unhealthy", func() bool { return s.CurrentHealth().Health == component.HealthTypeUnhealthy })
			for _, words := range c.says {
				require.Contains(t, s.CurrentHealth().Message, words)
			}
			require.Contains(t, s.logs.String(), "roles cannot be refreshed; events go on, with what is known or without")
			failing, _ := value(t, s.registry, "failing_seconds", "roles")
			require.Positive(t, failing)
			refused, _ := value(t, s.registry, "refused")
			require.Zero(t, refused, "the log is not refused")
			org.Append(happened("2", "user.session.start", "", "00uSuper", "00uMember", time.Now()))
			s.take(t)
			require.NoError(t, s.reload(t, fmt.Sprintf("url = %q\napi_token = \"right\"\n", s.only().plan.Load().org)))
			until(t, "healthy without the block", func() bool { return s.CurrentHealth().Health == component.HealthTypeHealthy })
			_, ok := value(t, s.registry, "failing_seconds", "roles")
			require.False(t, ok)
		})
	}
}

func waitFor(r *http.Request, end chan struct{}) {
	select {
	case <-r.Context().Done():
	case <-end:
	}
}

// A service app gets a token of its own for roles, with the scopes that they need: a scope that was not granted does not affect the log.
func TestRolesHaveAnAccessTokenOfTheirOwn(t *testing.T) {
	for name, c := range map[string]struct {
		granted []string
		known   bool
	}{
		"granted":     {[]string{"okta.logs.read", "okta.roles.read", "okta.groups.read"}, true},
		"not granted": {[]string{"okta.logs.read"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			org := administered()
			app := serviceApp(t, org)
			org.Clients[0].Scopes = c.granted
			server := httptest.NewServer(org)
			defer server.Close()
			s := runs(t, fmt.Sprintf("url = %q\npoll_interval = \"100ms\"\n%scontext {\n roles = true\n}\n", server.URL, app))
			if c.known {
				s.known(t)
			} else {
				until(t, "it says so", func() bool {
					return strings.Contains(s.CurrentHealth().Message, "okta.roles.read")
				})
			}
			org.Append(happened("1", "user.session.start", "", "00uSuper", "00uMember", time.Now()))
			require.Equal(t, c.known, len(rolesOf(s.take(t))) > 0)
			s.stop()
		})
	}
}

// Roles may be read with other credentials than the log.
func TestRolesWithCredentialsOfTheirOwn(t *testing.T) {
	org := administered()
	org.Token = ""
	app := serviceApp(t, org)
	org.Clients[0].Scopes = []string{"okta.roles.read", "okta.groups.read"}
	s := watch(t, org, "context {\n roles = true\n"+app+"}\n")
	s.known(t)
	until(t, "a page of the log", func() bool { return !s.only().live.snapshot().LastPoll.IsZero() }) // which is read at the same time
	schemes := map[string]string{}
	for _, r := range org.Requests() {
		path, _, _ := strings.Cut(r.URL, "?")
		schemes[path] = r.Scheme
	}
	require.Equal(t, "SSWS", schemes["/api/v1/logs"])
	require.Equal(t, "DPoP", schemes["/api/v1/iam/assignees/users"])
}

// A key file of context's that is wrong does not stop the log, at a start or a reload, and is told. A wrong key in the configuration is
// refused.
func TestAWrongKeyFileOfContextDoesNotStopTheLog(t *testing.T) {
	org := staffed()
	org.Token = ""
	app := serviceApp(t, org)
	org.Clients[0].Scopes = []string{"okta.roles.read", "okta.groups.read", "okta.users.read"}
	_, file, _ := strings.Cut(app, "private_key_file = \"")
	file, _, _ = strings.Cut(file, "\"")
	good, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, good[:len(good)/2], 0o600))
	url := fmt.Sprintf("url = \"http://%s\"\napi_token = \"right\"\npoll_interval = \"100ms\"\n", serving(t, org))
	on := func(refresh string) string {
		return fmt.Sprintf("context {\n roles = true\n profile = [\"department\"]\n groups = [\"VIP\"]\n refresh = %q\n%s}\n", refresh, app)
	}
	s := runs(t, url+on("1h"))
	for i, refresh := range []string{"1h", "2h"} {
		require.NoError(t, s.reload(t, url+on(refresh)))
		org.Append(signsIn(fmt.Sprint(i), "00uSuper", time.Now()))
		require.Empty(t, actorOf(s.take(t)))
		until(t, "it says so", func() bool { return strings.Contains(s.CurrentHealth().Message, "private_key_file") })
		require.Equal(t, component.HealthTypeUnhealthy, s.CurrentHealth().Health)
	}
	require.Contains(t, s.logs.String(), "roles cannot be refreshed")
	for _, part := range []string{"roles", "profiles"} {
		failing, _ := value(t, s.registry, "failing_seconds", part)
		require.Positive(t, failing, part)
	}

	require.NoError(t, os.WriteFile(file, good, 0o600))
	require.NoError(t, s.reload(t, url+on("1h")))
	s.known(t)
	s.knows(t, 1)
	org.Append(signsIn("good", "00uSuper", time.Now()))
	require.Equal(t, "IT", actorOf(s.take(t))["actor_department"])

	_, err = evaluate(t, url+"forward_to = [receiver]\n"+strings.ReplaceAll(on("1h"), "private_key_file", "private_key"))
	require.ErrorContains(t, err, "context: private_key_jwt: private_key")
}

// A back-fill says nothing of roles: what is known is of today. Redaction and relabeling see what the live log says.
func TestRolesAmongTheOtherBlocks(t *testing.T) {
	org := administered()
	past := time.Now().AddDate(0, 0, -2)
	org.AppendAt(past, happened("past", "user.session.start", "", "00uSuper", "00uNight", past))
	s := watch(t, org, `context {
 roles = true
}
redact {
}
backfill {
 since = "`+day(3)+`"
 until = "`+day(1)+`"
}
`)
	s.known(t)
	org.Append(happened("1", "user.session.start", "", "00uNight", "00uSuper", time.Now()))
	for range 2 {
		e := s.take(t)
		if e.Labels["backfill"] != "" {
			require.Empty(t, rolesOf(e))
			continue
		}
		require.Equal(t, map[string]string{"actor_roles": "CUSTOM", "target_roles": "SUPER_ADMIN"}, rolesOf(e))
	}
}

func TestRelabelRulesSeeRoles(t *testing.T) {
	args := load(t, []byte(`loki.relabel "roles" {
  forward_to = []

  rule {
    source_labels = ["__okta_actor_roles"]
    regex         = ".*SUPER_ADMIN.*"
    replacement   = "super"
    target_label  = "admin"
  }
}

loki.source.okta "default" {
  url           = "https://acme.okta.com"
  api_token     = "right"
  forward_to    = [loki.write.default.receiver]
  relabel_rules = loki.relabel.roles.rules

  context {
    roles = true
  }
}
`))
	org := administered()
	server := httptest.NewServer(org)
	t.Cleanup(server.Close)
	args.URL, args.PollInterval = server.URL, 100*time.Millisecond
	args.ForwardTo = []loki.LogsReceiver{loki.NewLogsReceiver()}
	s := runsIn(t, t.TempDir(), args)
	s.known(t)
	org.Append(happened("1", "user.session.start", "", "00uSuper", "00uNobody", time.Now()),
		happened("2", "user.session.start", "", "00uNobody", "00uSuper", time.Now()))
	require.Equal(t, model.LabelValue("super"), s.take(t).Labels["admin"])
	require.NotContains(t, s.take(t).Labels, model.LabelName("admin"))
}

// holdBack makes requests about roles wait until the test ends.
func holdBack(t *testing.T, org *oktasim.Org) {
	t.Helper()
	end := make(chan struct{})
	t.Cleanup(func() { close(end) })
	org.Set(func(o *oktasim.Org) {
		o.Roles.Intercept = func(int, *http.Request) http.Handler {
			return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { waitFor(r, end) })
		}
	})
}

// Reloads keep the table; one without roles ends it, as what passes by then changes no table. The log notices nothing.
func TestReloadsKeepTheTable(t *testing.T) {
	org := administered()
	s := watch(t, org, "context {\n roles = true\n}\n")
	s.known(t)
	on := fmt.Sprintf("url = %q\napi_token = \"right\"\npoll_interval = \"100ms\"\n", s.only().plan.Load().org)
	holdBack(t, org)
	n := 0
	next := func() map[string]string {
		n++
		org.Append(happened(fmt.Sprint(n), "user.session.start", "", "00uSuper", "00uNobody", time.Now()))
		return rolesOf(s.take(t))
	}
	for _, refresh := range []string{"1h", "2h"} {
		require.NoError(t, s.reload(t, on+"context {\n roles = true\n refresh = \""+refresh+"\"\n}\n"))
		require.Equal(t, "SUPER_ADMIN", next()["actor_roles"], "before it is asked again")
	}
	require.NoError(t, s.reload(t, on))
	require.Empty(t, next())
	require.Nil(t, s.DebugInfo().(debugInfo).More.Context)
	org.Append(happened("revoked", "user.account.privilege.revoke", "", "00uRoot", "00uSuper", time.Now()))
	require.Empty(t, rolesOf(s.take(t)))
	require.NoError(t, s.reload(t, on+"context {\n roles = true\n}\n"))
	require.Empty(t, next(), "roles of before are none")
	requireNoMore(t, s.receiver)
}

// Only the node that reads an org asks who holds roles. A node that takes it over uses neither the other's table nor its own old one:
// events have passed by elsewhere since.
func TestANodeThatTakesAnOrgOverAsksAnew(t *testing.T) {
	org := staffed()
	body := fmt.Sprintf(`
		url           = "http://%s"
		api_token     = "right"
		poll_interval = "100ms"
		replay_window = "0s"
		context {
			roles   = true
			profile = ["department"]
			groups  = ["VIP"]
		}
		`+inCluster, serving(t, org))
	shared := newSharedCluster(true)
	a, b := runsAs(t, shared, "node-a", body), runsAs(t, shared, "node-b", body)
	move := func(to string) {
		shared.set(func() { shared.owner = to })
		a.NotifyClusterChange()
		b.NotifyClusterChange()
	}
	n := 0
	next := func(s *site, kind, actor, target string) map[string]string {
		n++
		org.Append(happened(fmt.Sprint(n), kind, "", actor, target, time.Now()))
		return rolesOf(s.take(t))
	}
	for _, c := range []struct {
		to   string
		site *site
	}{{"node-a", a}, {"node-b", b}} {
		before := len(aboutRoles(org))
		require.Zero(t, c.site.rolesKnown().Users)
		move(c.to)
		c.site.known(t)
		c.site.knows(t, 0)
		require.Greater(t, len(aboutRoles(org)), before)
		require.Equal(t, "SUPER_ADMIN", next(c.site, "user.session.start", "00uSuper", "00uNobody")["actor_roles"])
	}
	next(b, "user.account.privilege.revoke", "00uRoot", "00uSuper")
	require.Zero(t, a.rolesKnown(), "it is forgotten when the org leaves")
	require.Zero(t, a.actorsKnown())
	b.knows(t, 1)
	holdBack(t, org)
	move("node-a")
	require.Empty(t, next(a, "user.session.start", "00uSuper", "00uNobody"))
}
