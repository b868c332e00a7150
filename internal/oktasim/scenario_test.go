package oktasim

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"
)

// played is what a scenario alone leaves in the log of a new org, and the time at which it began.
func played(t *testing.T, seed int64, name string) (events []gjson.Result, start time.Time) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o := &Org{Seed: seed, Clock: 90 * time.Minute}
		require.NoError(t, o.PlayLast(name))
		attack, err := attackNamed(name)
		require.NoError(t, err)
		start = o.Now().Add(-time.Duration(attack.Lasts))
		for _, raw := range o.Events() {
			require.True(t, json.Valid(raw))
			events = append(events, gjson.ParseBytes(raw))
		}
	})
	return events, start
}

func publishedAt(t *testing.T, e gjson.Result) time.Time {
	t.Helper()
	at, err := time.Parse(oktaTime, e.Get("published").Str)
	require.NoError(t, err)
	return at
}

func TestScenariosHaveOktasShapesAndEndInTime(t *testing.T) {
	types := map[string]bool{}
	for _, s := range Scenarios() {
		t.Run(s.Name, func(t *testing.T) {
			events, start := played(t, 1, s.Name)
			require.GreaterOrEqual(t, len(events), 9)
			uuids := map[string]bool{}
			for _, e := range events {
				requireOktasShape(t, e, uuids)
				types[e.Get("eventType").Str] = true
				at := publishedAt(t, e)
				require.False(t, at.Before(start.Truncate(time.Millisecond)), "before the start")
				require.False(t, at.After(start.Add(s.Lasts)), "after the end: %s", at.Sub(start))
			}
			require.GreaterOrEqual(t, len(types), 4)
			last := publishedAt(t, events[len(events)-1])
			require.Greater(t, last.Sub(start), s.Lasts*6/10, "Lasts says more than is true")
		})
	}
	require.Equal(t, typesIn(attacks), types)
}

func TestAScenarioIsTheSameForTheSameSeed(t *testing.T) {
	run := func(seed int64, events int, times int) (attacks [][]byte) {
		synctest.Test(t, func(t *testing.T) {
			o := &Org{Seed: seed}
			o.Generate(events, time.Hour)
			before := o.Len()
			for range times {
				require.NoError(t, o.PlayLast("admin-takeover"))
			}
			attacks = o.EventsFrom(before)
		})
		return attacks
	}
	once := run(7, 0, 1)
	require.Equal(t, once, run(7, 0, 1))
	require.Equal(t, once, run(7, 500, 1), "whatever the traffic was")
	require.NotEqual(t, once, run(8, 0, 1))
	twice := run(7, 0, 2)
	require.Len(t, twice, 2*len(once))
	uuids := map[string]bool{}
	for _, raw := range twice {
		uuids[gjson.GetBytes(raw, "uuid").Str] = true
	}
	require.Len(t, uuids, len(twice), "the second time it is somebody else's turn")
}

func TestAnAttackUnfoldsAsTheClockRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &Org{}
		require.NoError(t, o.Play("push-bombing", o.Now()))
		require.Zero(t, o.Len())
		time.Sleep(3 * time.Minute)
		half := o.Len()
		require.NotZero(t, half)
		time.Sleep(5 * time.Minute)
		require.Greater(t, o.Len(), half)
		for _, e := range o.log.events {
			require.GreaterOrEqual(t, e.persisted-e.published, int64(500))
			require.LessOrEqual(t, e.persisted-e.published, longestLag.Milliseconds())
		}
	})
}

func TestAttacksAreMixedIntoTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alone, traffic := &Org{Quiet: true}, &Org{Quiet: true}
		require.NoError(t, alone.GenerateWith(0, 0, "help-desk", "app-sprawl"))
		require.NoError(t, traffic.GenerateWith(3000, time.Hour, "help-desk", "app-sprawl"))
		attack := alone.Events()
		require.Equal(t, 3000+len(attack), traffic.Len())
		var places []int
		for i, raw := range traffic.Events() {
			if slices.ContainsFunc(attack, func(a []byte) bool { return bytes.Equal(a, raw) }) {
				places = append(places, i)
			}
		}
		require.Len(t, places, len(attack), "an attack is the same in any traffic")
		require.Greater(t, places[len(places)-1]-places[0], 2*len(attack), "others act meanwhile")
		for _, e := range traffic.log.events {
			require.LessOrEqual(t, e.persisted-e.published, longestLag.Milliseconds(), "nothing is late")
		}
	})
}

func TestUnknownScenariosAreRefusedWithTheList(t *testing.T) {
	o := &Org{}
	const want = `unknown scenario "flood": it is one of admin-takeover, agent-hijack, app-sprawl, cookie-replay, ` +
		`credential-stuffing, help-desk, log-stream-tampering, password-spray, push-bombing, session-hijack, support-impersonation`
	require.EqualError(t, o.PlayLast("flood"), want)
	require.EqualError(t, o.Play("flood", time.Time{}), want)
	require.EqualError(t, o.GenerateWith(10, 0, "push-bombing", "flood"), want)
	require.Zero(t, o.Len(), "nothing is half done")
}

// What makes an attack recognizable is in its events, whoever it hits.
func TestScenariosLeaveTheirTraces(t *testing.T) {
	count := func(events []gjson.Result, is func(gjson.Result) bool) (n int) {
		for _, e := range events {
			if is(e) {
				n++
			}
		}
		return n
	}
	distinct := func(events []gjson.Result, path string, is func(gjson.Result) bool) int {
		seen := map[string]bool{}
		for _, e := range events {
			if is(e) {
				seen[e.Get(path).String()] = true
			}
		}
		return len(seen)
	}
	typed := func(eventType, result string) func(gjson.Result) bool {
		return func(e gjson.Result) bool {
			return e.Get("eventType").Str == eventType && e.Get("outcome.result").Str == result
		}
	}
	for seed := range int64(5) {
		events, _ := played(t, seed, "push-bombing")
		require.Equal(t, 8, count(events, typed("user.mfa.okta_verify.deny_push", "FAILURE")))
		denied := slices.IndexFunc(events, typed("user.mfa.okta_verify.deny_push", "FAILURE"))
		require.Less(t, denied, slices.IndexFunc(events, typed("user.session.start", "SUCCESS")))

		events, _ = played(t, seed, "password-spray")
		require.GreaterOrEqual(t, distinct(events, "actor.alternateId", typed("user.session.start", "FAILURE")), 45)
		require.Equal(t, 4, distinct(events, "client.ipAddress", typed("user.session.start", "FAILURE")))
		require.Equal(t, 1, distinct(events, "securityContext.asNumber", typed("user.session.start", "FAILURE")))
		require.Equal(t, 1, count(events, typed("user.session.start", "SUCCESS")))

		events, _ = played(t, seed, "session-hijack")
		sso := typed("user.authentication.sso", "SUCCESS")
		require.Equal(t, 1, distinct(events, "authenticationContext.externalSessionId", sso))
		require.Equal(t, 3, distinct(events, "securityContext.asNumber", sso))
		require.Equal(t, 1, distinct(events, "actor.id", sso))

		events, _ = played(t, seed, "credential-stuffing")
		failed := func(e gjson.Result) bool { return e.Get("outcome.result").Str == "FAILURE" }
		require.Equal(t, 5, distinct(events, "eventType", failed), "doors")
		require.GreaterOrEqual(t, distinct(events, "actor.id", failed), 40)
		require.GreaterOrEqual(t, distinct(events, "client.ipAddress", failed), 35)
		require.Equal(t, 3, distinct(events, "securityContext.asNumber", failed))
		require.Equal(t, 1, count(events, typed("user.session.start", "SUCCESS")))

		events, _ = played(t, seed, "cookie-replay")
		require.Equal(t, 1, distinct(events, "authenticationContext.rootSessionId", sso))
		require.Greater(t, distinct(events, "authenticationContext.externalSessionId", sso), 5, "each application has a session of its own")
		require.Equal(t, 3, distinct(events, "securityContext.asNumber", sso))
		require.Equal(t, 1, count(events, typed("user.session.start", "SUCCESS")))

		events, _ = played(t, seed, "agent-hijack")
		agent := func(e gjson.Result) bool { return e.Get("actor.type").Str == "WorkloadPrincipal" }
		require.Equal(t, 1, distinct(events, "actor.id", agent))
		require.Equal(t, 6, count(events, func(e gjson.Result) bool {
			return agent(e) && !failed(e) && e.Get("eventType").Str != "app.oauth2.token.grant.id_jag"
		}))
		given := slices.IndexFunc(events, typed("workload_principal.ai_agent.credential.create", "SUCCESS"))
		require.Less(t, given, slices.IndexFunc(events, agent))

		events, _ = played(t, seed, "app-sprawl")
		require.Equal(t, 12, distinct(events, "debugContext.debugData.requestUri", sso))
		require.True(t, events[0].Get("securityContext.isProxy").Bool())

		events, _ = played(t, seed, "support-impersonation")
		require.Equal(t, 1, count(events, func(e gjson.Result) bool {
			return typed("user.account.reset_password", "SUCCESS")(e) && e.Get("actor.alternateId").Str == "system@okta.com" &&
				e.Get("transaction.id").Str == "unknown" && e.Get("client.userAgent").Type == gjson.Null
		}))
	}
}

func TestAQuietOrgHasNothingAlarming(t *testing.T) {
	o := &Org{Quiet: true}
	o.Generate(20_000, 24*time.Hour)
	types := map[string]int{}
	for _, raw := range o.Events() {
		e := gjson.ParseBytes(raw)
		types[e.Get("eventType").Str]++
		require.False(t, e.Get("securityContext.isProxy").Bool() && e.Get("eventType").Str == "user.session.start")
		require.NotEqual(t, "HIGH", e.Get("securityContext.risk.level").Str)
		require.NotContains(t, e.Get("actor.alternateId").Str, " ", "a password as user name")
		require.NotContains(t, e.Get("debugContext.debugData.behaviors").Str, "Country=POSITIVE")
		require.NotContains(t, e.Raw, "svc_network_backup")
	}
	require.Greater(t, len(types), 30)
	for _, alarming := range []string{
		"system.api_token.create", "user.account.privilege.grant", "policy.rule.update", "zone.delete", "system.idp.lifecycle.create",
		"user.session.impersonation.grant", "security.threat.detected", "user.account.report_suspicious_activity_by_enduser",
	} {
		require.Zero(t, types[alarming], alarming)
	}
}
