// option: context, orgs, clustering, backfill, redact

package okta

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/internal/component/common/loki"
	"github.com/grafana/alloy/internal/component/common/relabel"

	"github.com/grafana/alloy/okta/internal/actors"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

// staffed is an org with administrators, whose users have profiles.
func staffed() *oktasim.Org {
	org := administered()
	org.Roles.Profiles = map[string]map[string]any{
		"00uSuper": {"department": "IT", "costCenter": "CC-7"}, "00uMember": {"department": "Finance"}, "00uNobody": {},
	}
	org.Roles.Groups["00gVIP"] = oktasim.Group{Name: "VIP", Members: []string{"00uMember"}}
	return org
}

const wantsActors = "context {\n profile = [\"department\", \"costCenter\"]\n groups = [\"VIP\"]\n}\n"

// actorOf is what an entry's metadata has of the actor.
func actorOf(e loki.Entry) map[string]string {
	return metadataOf(e, func(name string) bool { return strings.HasPrefix(name, "actor_") || name == "context_time" })
}

// actorsKnown is what is known of actors of the component's first org.
func (s *site) actorsKnown() actors.Status { return s.only().plan.Load().of.actors.known.Status() }

// knows waits until so many profiles are known, and the group is read.
func (s *site) knows(t *testing.T, profiles int) {
	t.Helper()
	until(t, "profiles and groups", func() bool {
		known := s.actorsKnown()
		return known.Profiles >= profiles && known.Waiting == 0 && !known.Refreshed.IsZero()
	})
}

func signsIn(id, actor string, at time.Time) []byte {
	return happened(id, "user.session.start", "", actor, "00uNobody", at)
}

func TestEntriesCarryProfilesAndGroupsAndTheLineStays(t *testing.T) {
	org := staffed()
	s := watch(t, org, wantsActors)
	s.knows(t, 0)
	now := time.Now()
	org.Append(signsIn("1", "00uSuper", now), signsIn("2", "00uMember", now))
	require.Empty(t, actorOf(s.take(t)), "the first one goes on without")
	require.Equal(t, map[string]string{"actor_groups": "VIP"}, actorOf(s.take(t)))
	s.knows(t, 2)
	org.Append(signsIn("3", "00uSuper", now), signsIn("4", "00uMember", now), signsIn("5", "00uMember", now.Add(-time.Hour)))
	for i, want := range []map[string]string{
		{"actor_department": "IT", "actor_cost_center": "CC-7"}, {"actor_department": "Finance", "actor_groups": "VIP"},
	} {
		e := s.take(t)
		require.Equal(t, want, actorOf(e))
		require.Equal(t, string(org.Events()[i+2]), gjson.Get(e.Line, "event").Raw)
	}
	require.NotEmpty(t, actorOf(s.take(t))["context_time"])
	for _, r := range aboutRoles(org) {
		require.NotContains(t, r, "/roles", "roles are not wanted")
		require.NotContains(t, r, "/iam/")
	}
	known, ok := value(t, s.registry, "known_actors", "profile")
	require.True(t, ok)
	require.Equal(t, 2.0, known)
	_, ok = value(t, s.registry, "role_holders", "user")
	require.False(t, ok)
	info := s.DebugInfo().(debugInfo).More.Context
	require.Equal(t, 2, info.Profiles)
	require.Empty(t, info.Unseen)
	require.Equal(t, 1, info.Members)
}

// An attribute that is spelled otherwise than in Okta is nothing wrong, as it may be one that few users have, and is shown.
func TestAnAttributeOfNoProfileIsShown(t *testing.T) {
	org := staffed()
	s := watch(t, org, "context {\n profile = [\"department\", \"costcenter\"]\n}\n")
	org.Append(signsIn("1", "00uSuper", time.Now()))
	s.take(t)
	until(t, "a profile", func() bool { return s.actorsKnown().Profiles == 1 })
	require.Equal(t, []string{"costcenter"}, s.DebugInfo().(debugInfo).More.Context.Unseen)
	require.Equal(t, component.HealthTypeHealthy, s.CurrentHealth().Health)
}

// Roles, profiles and groups go together, also with the blocks that change entries; back-fills have nothing of it.
func TestActorsAmongTheOtherBlocks(t *testing.T) {
	org := staffed()
	past := time.Now().AddDate(0, 0, -2)
	org.AppendAt(past, signsIn("past", "00uSuper", past))
	s := watch(t, org, `context {
 roles = true
 profile = ["department"]
 groups = ["VIP"]
}
redact {
}
backfill {
 since = "`+day(3)+`"
 until = "`+day(1)+`"
}
`)
	require.Empty(t, actorOf(s.take(t)), "of a range")
	s.known(t)
	org.Append(signsIn("1", "00uSuper", time.Now()), signsIn("2", "00uMember", time.Now()))
	s.take(t)
	s.take(t)
	s.knows(t, 2)
	org.Append(signsIn("3", "00uSuper", time.Now()), signsIn("4", "00uMember", time.Now()))
	require.Equal(t, map[string]string{"actor_department": "***", "actor_roles": "SUPER_ADMIN"}, actorOf(s.take(t)))
	require.Equal(t, map[string]string{"actor_department": "***", "actor_groups": "VIP", "actor_roles": "ORG_ADMIN"}, actorOf(s.take(t)))
}

// Forbidden, broken or slow: events go on, and health says so.
func TestEventsGoOnWithoutProfiles(t *testing.T) {
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	forbidden := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Okta-Request-Id", "req-7")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"errorCode":"E0000006","errorSummary":"You do not have permission"}`)
	})
	for name, c := range map[string]struct {
		answer http.Handler
		part   string
		health component.HealthType
		says   []string
	}{
		"forbidden": {forbidden, "/users/00", component.HealthTypeUnhealthy, []string{
			"profiles may not be read since", "403 E0000006", "okta.users.read", "req-7",
		}},
		"groups forbidden": {forbidden, "/api/v1/groups", component.HealthTypeHealthy, []string{"who is in the named groups is not known since", "403"}},
		"slow":             {http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { waitFor(r, hang) }), "/", component.HealthTypeHealthy, nil},
	} {
		t.Run(name, func(t *testing.T) {
			org := staffed()
			org.Roles.Intercept = func(_ int, r *http.Request) http.Handler {
				if strings.Contains(r.URL.Path, c.part) {
					return c.answer
				}
				return nil
			}
			s := watch(t, org, wantsActors)
			for i := range 5 {
				org.Append(signsIn(fmt.Sprint(i), fmt.Sprint("00u", i), time.Now()))
				require.Empty(t, actorOf(s.take(t)))
			}
			if c.says == nil {
				require.Equal(t, c.health, s.CurrentHealth().Health)
				return
			}
			until(t, "it says so", func() bool { return strings.Contains(s.CurrentHealth().Message, c.says[0]) })
			require.Equal(t, c.health, s.CurrentHealth().Health)
			for _, words := range c.says {
				require.Contains(t, s.CurrentHealth().Message, words)
			}
			failing, _ := value(t, s.registry, "failing_seconds", "profiles")
			require.Positive(t, failing)
			require.NoError(t, s.reload(t, fmt.Sprintf("url = %q\napi_token = \"right\"\n", s.only().plan.Load().org)))
			until(t, "healthy without the block", func() bool {
				h := s.CurrentHealth()
				return h.Health == component.HealthTypeHealthy && !strings.Contains(h.Message, c.says[0])
			})
		})
	}
}

// A group that is not there is named.
func TestAGroupThatDoesNotExistIsNamed(t *testing.T) {
	s := watch(t, staffed(), "context {\n groups = [\"Board\"]\n}\n")
	until(t, "it says so", func() bool { return strings.Contains(s.CurrentHealth().Message, `Okta has none called "Board"`) })
	require.Equal(t, component.HealthTypeHealthy, s.CurrentHealth().Health)
	require.Contains(t, s.logs.String(), "who is in the named groups is not known")
}

// A service app asks for each purpose with an access token of its own: a scope that was not granted costs only what it is for.
func TestProfilesHaveAnAccessTokenOfTheirOwn(t *testing.T) {
	org := staffed()
	app := serviceApp(t, org)
	org.Clients[0].Scopes = []string{"okta.logs.read", "okta.roles.read", "okta.groups.read"}
	server := httptest.NewServer(org)
	defer server.Close()
	s := runs(t, fmt.Sprintf("url = %q\npoll_interval = \"100ms\"\n%scontext {\n roles = true\n profile = [\"department\"]\n}\n", server.URL, app))
	s.known(t)
	for i := range 2 {
		org.Append(signsIn(fmt.Sprint(i), "00uSuper", time.Now()))
		require.Equal(t, map[string]string{"actor_roles": "SUPER_ADMIN"}, actorOf(s.take(t)))
	}
	until(t, "it says so", func() bool {
		m := s.CurrentHealth().Message
		return strings.Contains(m, "profiles may not be read since") && strings.Contains(m, "okta.users.read")
	})
	s.stop()
}

// A reload keeps what is known, unless it is about others.
func TestReloadsKeepProfiles(t *testing.T) {
	org := staffed()
	s := watch(t, org, wantsActors)
	org.Append(signsIn("0", "00uMember", time.Now()))
	s.take(t)
	s.knows(t, 1)
	holdBack(t, org)
	on := fmt.Sprintf("url = %q\napi_token = \"right\"\npoll_interval = \"100ms\"\n", s.only().plan.Load().org)
	n := 0
	next := func(context string) map[string]string {
		require.NoError(t, s.reload(t, on+context))
		n++
		org.Append(signsIn(fmt.Sprint(n), "00uMember", time.Now()))
		return actorOf(s.take(t))
	}
	all := map[string]string{"actor_department": "Finance", "actor_groups": "VIP"}
	require.Equal(t, all, next("context {\n profile = [\"department\", \"costCenter\"]\n groups = [\"VIP\"]\n refresh = \"1h\"\n}\n"))
	require.Equal(t, all, next(wantsActors))
	require.Empty(t, next("context {\n profile = [\"costCenter\", \"department\"]\n groups = [\"VIP\"]\n}\n"), "others are not known yet")
	require.Empty(t, next(""))
	require.Empty(t, next(wantsActors), "what passed by was not seen")
	requireNoMore(t, s.receiver)
}

func TestProfileArguments(t *testing.T) {
	one := "url = \"https://acme.okta.com\"\napi_token = \"right\"\nforward_to = [receiver]\n"
	for body, want := range map[string]string{
		"context {\n profile = []\n groups = []\n}":                                                 "",
		"context {\n profile = [\"department\", \"costCenter\"]\n}":                                 "",
		"context {\n groups = [\"VIP\", \"Staff & more\"]\n}":                                       "",
		"context {\n profile = \"department\"\n}":                                                   "should be array",
		"context {\n profile = [\"cost center\"]\n}":                                                `profile "cost center"`,
		"context {\n profile = [\"roles\"]\n}":                                                      "actor_roles",
		"context {\n profile = [\"type\"]\n}":                                                       "__okta_actor_type",
		"context {\n groups = [\"A, B\"]\n}":                                                        `context: groups: "A, B" has a comma`,
		"context {\n groups = [\"\"]\n}":                                                            `context: groups: "" is no name`,
		"labels = {actor_title = \"x\"}\ncontext {\n profile = [\"title\"]\n}":                      "a label in labels",
		"structured_metadata = {actor_title = \"eventType\"}\ncontext {\n profile = [\"title\"]\n}": "in structured_metadata",
	} {
		_, err := evaluate(t, one+body)
		if want == "" {
			require.NoError(t, err, body)
		} else {
			require.ErrorContains(t, err, want, body)
		}
	}
	for _, source := range []string{"__okta_actor_department", "__okta_actor_groups"} {
		require.ErrorContains(t, dropsBy(source), "which depends on "+source)
	}
}

// dropsBy is what a rule that drops entries by a label is refused with.
func dropsBy(source string) error {
	rule := &relabel.Config{}
	rule.SetToDefault()
	rule.Action, rule.SourceLabels = relabel.Drop, []string{source}
	args := DefaultArguments
	args.URL, args.APIToken, args.RelabelRules = "https://acme.okta.com", "right", relabel.Rules{rule}
	args.ForwardTo = []loki.LogsReceiver{loki.NewLogsReceiver()}
	args.Options.Context = &Context{Profile: []string{"department"}, Groups: []string{"VIP"}, Refresh: time.Hour}
	return args.Validate()
}

// An entry of orgs may have them, too, and one that is wrong costs that org only.
func TestProfilesOfSeveralOrgs(t *testing.T) {
	good, bad := staffed(), staffed()
	entry := func(name string, org *oktasim.Org, attribute string) string {
		return fmt.Sprintf(`{name = %q, url = "http://%s", api_token = "right", context = {profile = [%q]}}`, name, serving(t, org), attribute)
	}
	s := runs(t, "poll_interval = \"100ms\"\norgs = ["+entry("good", good, "department")+", "+entry("bad", bad, "cost center")+"]\n")
	require.ErrorContains(t, s.current()[1].err, `profile "cost center"`)
	for i := range 2 {
		good.Append(signsIn(fmt.Sprint(i), "00uMember", time.Now()))
		require.Equal(t, map[bool]string{true: "Finance"}[i > 0], actorOf(s.take(t))["actor_department"])
		until(t, "a profile", func() bool { return s.current()[0].plan.Load().of.actors.known.Status().Profiles == 1 })
	}
}
