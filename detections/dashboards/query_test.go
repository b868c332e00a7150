package dashboards

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"github.com/grafana/alloy/okta/detections/lokitest"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

// span is the time range of the dashboards in these tests, up to the end of a fixture.
const span = 2 * time.Hour

// fixture is a log and the same in Loki, in both line formats.
type fixture struct {
	events []gjson.Result
	loki   map[LineFormat]*lokitest.Loki
	end    time.Time
}

func newFixture(t *testing.T, fill func(*oktasim.Org)) *fixture {
	t.Helper()
	f := &fixture{loki: map[LineFormat]*lokitest.Loki{}}
	var raw [][]byte
	synctest.Test(t, func(*testing.T) {
		org := &oktasim.Org{Seed: 1}
		fill(org)
		raw, f.end = org.Events(), org.Now()
	})
	for _, r := range raw {
		f.events = append(f.events, gjson.ParseBytes(r))
	}
	scanned, err := event.Scan(slices.Concat([]byte("["), bytes.Join(raw, []byte(",")), []byte("]")))
	require.NoError(t, err)
	for _, format := range []LineFormat{Envelope, Event} {
		formatter, err := event.New(event.Options{Org: "acme.okta.com", LineFormat: string(format)})
		require.NoError(t, err)
		f.loki[format] = &lokitest.Loki{}
		for _, e := range scanned {
			f.loki[format].Push(formatter.EntryIn(contextOf(e), e, f.end))
		}
	}
	return f
}

// contextOf says that who changes policies holds a role, and somebody to whom it is done.
func contextOf(e event.Event) (c event.Context) {
	if strings.HasPrefix(e.EventType, "policy.") {
		c = event.Context{ActorRoles: "ORG_ADMIN", TargetRoles: "READ_ONLY_ADMIN"}
	}
	return c
}

// attacked is an org in which everything has happened, alarming things and all attacks.
func attacked(t *testing.T) *fixture {
	attackedOnce.Do(func() {
		attackedFixture = newFixture(t, func(o *oktasim.Org) {
			var names []string
			for _, s := range oktasim.Scenarios() {
				names = append(names, s.Name)
			}
			require.NoError(t, o.GenerateWith(5000, span, names...))
		})
	})
	return attackedFixture
}

var (
	attackedOnce    sync.Once
	attackedFixture *fixture
)

// count is how many events are such.
func (f *fixture) count(is func(gjson.Result) bool) (n int) {
	for _, e := range f.events {
		if is(e) {
			n++
		}
	}
	return n
}

// run fills in the variables as Grafana does and returns how many series, or lines, the query finds, and the sum of an instant one.
func (f *fixture) run(t *testing.T, format LineFormat, target shownTarget, variables map[string]string) (found int, sum float64) {
	t.Helper()
	query := fillIn(target.Expr, variables)
	l := f.loki[format]
	switch {
	case target.QueryType == "instant":
		vector, err := l.Instant(t.Context(), query, f.end)
		require.NoError(t, err)
		for _, s := range vector {
			sum += s.F
		}
		return len(vector), sum
	case strings.Contains(query, "_over_time("):
		matrix, err := l.Range(t.Context(), query, f.end.Add(-span), f.end, 5*time.Minute)
		require.NoError(t, err)
		return len(matrix), 0
	default:
		lines, err := l.Lines(t.Context(), query, f.end.Add(-span), f.end.Add(1))
		require.NoError(t, err)
		return len(lines), 0
	}
}

func fillIn(expr string, variables map[string]string) string {
	expr = strings.NewReplacer("$__range", span.String(), "$__auto", "5m", "${job:raw}", "loki.source.okta").Replace(expr)
	return regexp.MustCompile(`\$\{(\w+):regex\}`).ReplaceAllStringFunc(expr, func(s string) string {
		name := strings.TrimSuffix(s[2:], ":regex}")
		if name == "org" && variables[name] == "" {
			return ".*"
		}
		return regexp.QuoteMeta(variables[name])
	})
}

// One org is chosen with the one line format, and all with the other: neither makes a difference here.
func TestEveryPanelFindsItsEvents(t *testing.T) {
	f := attacked(t)
	others := panels(t, Event)
	for name, p := range panels(t, Envelope) {
		found, sum := f.run(t, Envelope, p.Targets[0], map[string]string{"org": "acme.okta.com"})
		require.NotZero(t, found, "%s: %s", name, p.Targets[0].Expr)
		foundToo, sumToo := f.run(t, Event, others[name].Targets[0], nil)
		require.Equal(t, found, foundToo, name)
		if !strings.Contains(p.Targets[0].Expr, "bytes_") { // an envelope has more than its event
			require.InDelta(t, sum, sumToo, 1e-9, name)
		}
		none, _ := f.run(t, Envelope, p.Targets[0], map[string]string{"org": "other.okta.com"})
		require.Zero(t, none, "%s finds something in an org without events, where it should say what is missing", name)
	}
}

func TestFiguresAreThoseOfTheLog(t *testing.T) {
	f := attacked(t)
	typed := func(prefix, result string) func(gjson.Result) bool {
		return func(e gjson.Result) bool {
			return strings.HasPrefix(e.Get("eventType").Str, prefix) && (result == "" || e.Get("outcome.result").Str == result)
		}
	}
	all := panels(t, Envelope)
	for name, is := range map[string]func(gjson.Result) bool{
		"okta-sign-ins: Events":          typed("", ""),
		"okta-sign-ins: Sign-ins":        typed("user.session.start", "SUCCESS"),
		"okta-sign-ins: Failed factors":  typed("user.authentication.auth_via_mfa", "FAILURE"),
		"okta-security: API tokens made": typed("system.api_token.create", ""),
		"okta-security: Network zones":   typed("zone.", ""),
		"okta-security: Pushes denied":   typed("user.mfa.okta_verify.deny_push", ""),
		"okta-security: Impersonation":   typed("user.session.impersonation.", ""),
		"okta-security: Passwords shown": typed("application.user_membership.show_password", ""),
		"okta-investigation: Failures":   func(e gjson.Result) bool { return typed("", "FAILURE")(e) || typed("", "DENY")(e) },
		"okta-security: Proxies": func(e gjson.Result) bool {
			return typed("user.session.start", "")(e) && e.Get("securityContext.isProxy").Bool()
		},
		"okta-security: Phishing declined": func(e gjson.Result) bool {
			return e.Get("outcome.reason").Str == "FastPass declined phishing attempt"
		},
		"okta-security: New at the Admin Console": func(e gjson.Result) bool {
			return typed("policy.evaluate_sign_on", "")(e) && e.Get(`target.#(displayName=="Okta Admin Console")`).Exists() &&
				strings.Contains(e.Get("debugContext.debugData.behaviors").Str, "POSITIVE")
		},
	} {
		require.Contains(t, all, name)
		_, sum := f.run(t, Envelope, all[name].Targets[0], nil)
		require.Equal(t, f.count(is), int(sum), name)
	}
	_, failed := f.run(t, Envelope, all["okta-sign-ins: Failed"].Targets[0], nil)
	starts := f.count(typed("user.session.start", ""))
	require.InDelta(t, float64(f.count(typed("user.session.start", "FAILURE")))/float64(starts), failed, 1e-9)
}

// alight are the alarms that an attack sets off in a quiet org. Factors are reset there every day.
var alight = map[string][]string{
	"push-bombing":          {"Pushes denied"},
	"password-spray":        {"ThreatInsight"},
	"session-hijack":        {"Sessions elsewhere", "User risk"},
	"admin-takeover":        {"API tokens made", "Identity providers", "Network zones", "New at the Admin Console", "Policies", "Proxies", "Roles granted"},
	"help-desk":             {},
	"log-stream-tampering":  {"Log streams and hooks", "New at the Admin Console", "Roles granted"},
	"support-impersonation": {"Factor bypassed", "Impersonation", "New at the Admin Console"},
	"agent-hijack":          {"New at the Admin Console"},
	"cookie-replay":         {"User risk"},
	"credential-stuffing":   {"Proxies"},
	"app-sprawl":            {"New at the Admin Console", "Passwords shown", "Proxies"},
}

func TestAttacksLightUpTheirAlarmsOnly(t *testing.T) {
	all := panels(t, Envelope)
	for _, s := range oktasim.Scenarios() {
		t.Run(s.Name, func(t *testing.T) {
			f := newFixture(t, func(o *oktasim.Org) {
				o.Quiet = true
				require.NoError(t, o.GenerateWith(500, span, s.Name))
			})
			var lit []string
			for _, a := range alarms(Envelope) {
				if found, _ := f.run(t, Envelope, all["okta-security: "+a.title].Targets[0], nil); found > 0 && a.title != "Factors reset" {
					lit = append(lit, a.title)
				}
			}
			if s.Name != "push-bombing" { // now and then somebody denies a push
				lit = slices.DeleteFunc(lit, func(title string) bool { return title == "Pushes denied" })
			}
			require.ElementsMatch(t, alight[s.Name], lit)
		})
	}
}

func TestInvestigationIsNarrowedByItsVariables(t *testing.T) {
	f := newFixture(t, func(o *oktasim.Org) { require.NoError(t, o.GenerateWith(1500, span, "session-hijack")) })
	var hijacked gjson.Result
	for _, e := range f.events {
		if e.Get("eventType").Str == "user.risk.detect" {
			hijacked = e
		}
	}
	user, ip := hijacked.Get("actor.alternateId").Str, hijacked.Get("client.ipAddress").Str
	session := hijacked.Get("authenticationContext.externalSessionId").Str
	all := panels(t, Envelope)
	events := all["okta-investigation: Events"].Targets[0]
	for name, c := range map[string]struct {
		variables map[string]string
		is        func(gjson.Result) bool
	}{
		"user":          {map[string]string{"user": strings.ToUpper(user)}, func(e gjson.Result) bool { return strings.Contains(e.Raw, user) }},
		"ip":            {map[string]string{"ip": ip}, func(e gjson.Result) bool { return strings.HasPrefix(e.Get("client.ipAddress").Str, ip) }},
		"session":       {map[string]string{"session": session}, func(e gjson.Result) bool { return e.Get("authenticationContext.externalSessionId").Str == session }},
		"type":          {map[string]string{"eventType": "user.mfa"}, func(e gjson.Result) bool { return strings.HasPrefix(e.Get("eventType").Str, "user.mfa") }},
		"session at ip": {map[string]string{"session": session, "ip": ip}, func(e gjson.Result) bool { return e.Get("client.ipAddress").Str == ip }},
	} {
		_, sum := f.run(t, Envelope, events, c.variables)
		require.NotZero(t, sum, name)
		require.Equal(t, f.count(c.is), int(sum), name)
	}

	one := map[string]string{"session": session}
	_, networks := f.run(t, Envelope, all["okta-investigation: Networks"].Targets[0], one)
	require.Equal(t, 3, int(networks))
	_, actors := f.run(t, Envelope, all["okta-investigation: Actors"].Targets[0], one)
	require.NotZero(t, actors)
	several, most := f.run(t, Envelope, all["okta-security: Sessions in several networks"].Targets[0], nil)
	require.Positive(t, several)
	require.GreaterOrEqual(t, int(most), 3)
}
