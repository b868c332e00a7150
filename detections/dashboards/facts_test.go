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
		"one network":                         {[]string{used("user.session.start", "1", ""), used("user.authentication.sso", "1", "")}, 0},
		"two":                                 {[]string{used("user.session.start", "1", ""), used("user.authentication.sso", "2", "")}, 2},
		"three":                               {[]string{used("user.session.start", "1", ""), used("user.authentication.sso", "2", ""), used("policy.evaluate_sign_on", "3", "")}, 3},
		"the telephone answers elsewhere":     {[]string{used("user.session.start", "1", ""), used("user.authentication.auth_via_mfa", "2", push)}, 0},
		"its factor is not told":              {[]string{used("user.session.start", "1", ""), used("user.authentication.auth_via_mfa", "2", "")}, 0},
		"the password is given elsewhere":     {[]string{used("user.session.start", "1", ""), used("user.authentication.auth_via_mfa", "2", password)}, 2},
		"a network is not known":              {[]string{used("user.session.start", "1", ""), used("user.authentication.sso", "null", "")}, 0},
		"another kind of event has a network": {[]string{used("user.session.start", "1", ""), used("user.account.update_profile", "2", "")}, 0},
	} {
		f := fixtureOf(t, c.events...)
		_, networks := f.run(t, Envelope, panels(t, Envelope)["okta-security: Sessions in several networks"].Targets[0], nil)
		require.Equal(t, c.want, networks, name)
	}
}
