package dashboards

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/detections/lokitest"
	"github.com/grafana/alloy/okta/internal/event"
)

// fixtureOf is a log of such events, given by their members, a second after each other.
func fixtureOf(t *testing.T, all ...string) *fixture {
	t.Helper()
	formatter, err := event.New(event.Options{Org: "acme.okta.com"})
	require.NoError(t, err)
	f := &fixture{loki: map[LineFormat]*lokitest.Loki{Envelope: {}}, end: time.Date(2026, 8, 21, 10, 0, 0, 0, time.UTC)}
	for i, members := range all {
		at := f.end.Add(time.Duration(i-len(all)) * time.Second)
		scanned, err := event.Scan(fmt.Appendf(nil, `[{"uuid":"u%d","published":%q,%s}]`, i, at.Format("2006-01-02T15:04:05.000Z"), members))
		require.NoError(t, err)
		f.loki[Envelope].Push(formatter.Entry(scanned[0], f.end))
	}
	return f
}

// What counts as a denied push, in each of Okta's words, and how often.
func TestDenialsCountInAnyWords(t *testing.T) {
	const user, via, failed = `"actor":{"alternateId":"mara"},"transaction":{"id":"tx1"}`, `"eventType":"user.authentication.auth_via_mfa"`,
		`"outcome":{"result":"FAILURE","reason":"INVALID_CREDENTIALS"}`
	for name, c := range map[string]struct {
		events []string
		want   int
	}{
		"classic":         {[]string{`"eventType":"user.mfa.okta_verify.deny_push",` + user}, 1},
		"Identity Engine": {[]string{via + `,"debugContext":{"debugData":{"pushOnlyResponseType":"OV_RESPONSE_DENY"}},` + user}, 1},
		"by its factor":   {[]string{via + `,` + failed + `,"debugContext":{"debugData":{"factor":"OKTA_VERIFY_PUSH"}},` + user}, 1},
		"rejected": {[]string{via + `,"outcome":{"result":"FAILURE","reason":"User rejected the push"},` +
			`"debugContext":{"debugData":{"factor":"push"}},` + user}, 1},
		"two events of one": {[]string{`"eventType":"user.mfa.okta_verify.deny_push",` + user,
			via + `,"debugContext":{"debugData":{"pushOnlyResponseType":"OV_RESPONSE_DENY"}},` + user}, 1},
		"two denials": {[]string{`"eventType":"user.mfa.okta_verify.deny_push",` + user,
			`"eventType":"user.mfa.okta_verify.deny_push","actor":{"alternateId":"mara"},"transaction":{"id":"tx2"}`}, 2},
		"accepted": {[]string{via + `,"outcome":{"result":"SUCCESS"},"debugContext":{"debugData":{"factor":"OKTA_VERIFY_PUSH",` +
			`"pushOnlyResponseType":"OV_RESPONSE_APPROVE"}},` + user}, 0},
		"a wrong code": {[]string{via + `,` + failed + `,"debugContext":{"debugData":{"factor":"GOOGLE_AUTH"}},` + user}, 0},
	} {
		f := fixtureOf(t, c.events...)
		_, denied := f.run(t, Envelope, panels(t, Envelope)["okta-security: Pushes denied"].Targets[0], nil)
		require.Equal(t, c.want, int(denied), name)
		_, ofUsers := f.run(t, Envelope, panels(t, Envelope)["okta-security: Users with denied pushes"].Targets[0], nil)
		require.Equal(t, c.want, int(ofUsers), name)
	}
}

// A session is in several networks when it is used from several, but not when the telephone of its owner answers from another.
func TestTheTelephoneIsNoNetworkOfASession(t *testing.T) {
	used := func(eventType, asn, more string) string {
		return fmt.Sprintf(`"eventType":%q,"actor":{"alternateId":"mara"},"authenticationContext":{"externalSessionId":"idx1"},`+
			`"securityContext":{"asNumber":%s}%s`, eventType, asn, more)
	}
	const push = `,"debugContext":{"debugData":{"factor":"OKTA_VERIFY_PUSH"}}`
	const password = `,"debugContext":{"debugData":{"factor":"PASSWORD_AS_FACTOR"}}`
	for name, c := range map[string]struct {
		events []string
		want   float64
	}{
		"one network":                         {[]string{used("user.authentication.sso", "1", "")}, 0},
		"two":                                 {[]string{used("user.authentication.sso", "2", "")}, 2},
		"three":                               {[]string{used("user.authentication.sso", "2", ""), used("policy.evaluate_sign_on", "3", "")}, 3},
		"the telephone answers elsewhere":     {[]string{used("user.authentication.auth_via_mfa", "2", push)}, 0},
		"its factor is not told":              {[]string{used("user.authentication.auth_via_mfa", "2", "")}, 0},
		"the password is given elsewhere":     {[]string{used("user.authentication.auth_via_mfa", "2", password)}, 2},
		"a network is not known":              {[]string{used("user.authentication.sso", "null", "")}, 0},
		"another kind of event has a network": {[]string{used("user.account.update_profile", "2", "")}, 0},
	} {
		f := fixtureOf(t, append(c.events, used("user.session.start", "1", ""))...)
		_, networks := f.run(t, Envelope, panels(t, Envelope)["okta-security: Sessions in several networks"].Targets[0], nil)
		require.Equal(t, c.want, networks, name)
	}
}

// Which events count as trouble of the org.
func TestTroublesOfTheOrgAreTold(t *testing.T) {
	is := func(eventType, result string) string {
		return fmt.Sprintf(`"eventType":%q,"outcome":{"result":%q},"target":[{"type":"AGENT","id":"a1","displayName":"AGENT01"}]`,
			eventType, result)
	}
	for _, c := range []struct {
		panel, eventType, result string
		want                     float64
	}{
		{"Agents failed", "system.agent.ldap.disconnect", "SUCCESS", 1},
		{"Agents failed", "system.agent.ldap.reconnect", "SUCCESS", 0},
		{"Agents failed", "system.agent.ad.connect", "SUCCESS", 0},
		{"Agents failed", "system.agent.ad.connect", "FAILURE", 1},
		{"Agents failed", "system.agent.ad.deactivate", "SUCCESS", 1},
		{"Agents failed", "system.agent.ad.reactivate", "SUCCESS", 0},
		{"Agents failed", "system.agent.connector.deactivate", "SUCCESS", 1},
		{"Agents failed", "app.radius.agent.listener.failed", "", 1},
		{"Agents failed", "app.radius.agent.listener.succeeded", "SUCCESS", 0},
		{"Agents failed", "app.radius.agent.port_inaccessible", "", 1},
		{"Agents failed", "app.radius.agent.port_reaccessible", "", 0},
		{"Hooks failed", "event_hook.delivery", "FAILURE", 1},
		{"Hooks failed", "event_hook.delivery", "SUCCESS", 0},
		{"Hooks failed", "inline_hook.executed", "FAILURE", 1},
		{"Hooks failed", "inline_hook.response.processed", "FAILURE", 1},
		{"Hooks failed", "event_hook.verified", "FAILURE", 0},
		{"Hooks and streams off", "event_hook.deactivated", "SUCCESS", 1},
		{"Hooks and streams off", "inline_hook.deleted", "SUCCESS", 1},
		{"Hooks and streams off", "system.log_stream.lifecycle.deactivate", "SUCCESS", 1},
		{"Hooks and streams off", "system.log_stream.lifecycle.activate", "SUCCESS", 0},
		{"Limits exceeded", "system.org.rate_limit.violation", "RATE_LIMIT", 1},
		{"Limits exceeded", "system.client.concurrency_rate_limit.violation", "DENY", 1},
		{"Limits exceeded", "core.concurrency.org.limit.violation", "", 1},
		{"Limits exceeded", "system.org.rate_limit.warning", "", 0},
		{"Limits nearly reached", "system.org.rate_limit.warning", "", 1},
		{"Limits nearly reached", "system.operation.rate_limit.warning", "", 1},
		{"Limits nearly reached", "system.org.rate_limit.violation", "RATE_LIMIT", 0},
	} {
		_, found := fixtureOf(t, is(c.eventType, c.result)).run(t, Envelope, panels(t, Envelope)["okta-org-health: "+c.panel].Targets[0], nil)
		require.Equal(t, c.want, found, "%s: %s %s", c.panel, c.eventType, c.result)
	}
}

// The last use is the time of the last event in milliseconds, and what failed is no use of an app.
func TestLastUseIsATime(t *testing.T) {
	asked := func(token string) string {
		return fmt.Sprintf(`"eventType":"user.lifecycle.create","actor":{"alternateId":"mara"},`+
			`"transaction":{"detail":{"requestApiTokenId":%q}}`, token)
	}
	took := func(app, result string) string {
		return fmt.Sprintf(`"eventType":"app.oauth2.token.grant.access_token","outcome":{"result":%q},`+
			`"actor":{"alternateId":"0oa1","displayName":%q}`, result, app)
	}
	f := fixtureOf(t, asked("00T1"), asked("00T2"), asked("00T1"), took("Terraform", "SUCCESS"), took("Backup", "FAILURE"))
	at := func(beforeEnd int) float64 { return float64(f.end.UnixMilli() - int64(beforeEnd)*1000) }
	lastUse := func(panel, label string) map[string]float64 {
		query := fillIn(panels(t, Envelope)["okta-org-health: "+panel].Targets[0].Expr, nil)
		vector, err := f.loki[Envelope].Instant(t.Context(), query, f.end)
		require.NoError(t, err)
		found := map[string]float64{}
		for _, s := range vector {
			found[s.Metric.Get(label)] = s.F
		}
		return found
	}
	require.Equal(t, map[string]float64{"00T1": at(3), "00T2": at(4)}, lastUse("API tokens by last use", "token"))
	require.Equal(t, map[string]float64{"Terraform": at(2)}, lastUse("Service apps by last use", "user_name"))
}
