package redact

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// everyRedaction is each preset in each mode.
func everyRedaction() map[string]Options {
	all := map[string]Options{}
	for _, row := range presets {
		preset := row.name
		for _, mode := range []string{ModeMask, ModeHash, ModeDrop} {
			o := Options{Mode: mode, Presets: []string{preset}}
			if mode == ModeHash {
				o.Key = testKey
			}
			all[preset+" "+mode] = o
		}
	}
	return all
}

func requireGone(t testing.TB, o Options, raw, value string) {
	t.Helper()
	got := redacted(t, o, []byte(raw))
	require.True(t, json.Valid(got), "%s", got)
	if bytes.Contains(bytes.ToLower(got), []byte(strings.ToLower(value))) {
		t.Fatalf("%s is still in\n%s\nwhich was\n%s", value, got, raw)
	}
}

// TestEveryLineOfMembersIsRead fails for a class with a typing error, whose members would be redacted, and for one that no row has.
func TestEveryLineOfMembersIsRead(t *testing.T) {
	known := map[string]bool{"thingType": true, "placeType": true, "plain": true, "constant": true, "top": true, "topConstant": true}
	for _, row := range classes {
		known[row.name] = true
	}
	for line := range strings.Lines(membersFile) {
		if class, _, _ := strings.Cut(line, ": "); !known[class] {
			require.Regexp(t, "^(#.*)?\n$", line)
		}
	}
	for class := range known {
		require.NotEmpty(t, names[class], class)
	}
	for _, p := range presets {
		for _, class := range p.whole {
			require.True(t, known[class], "%s of %s", class, p.name)
		}
	}
}

// TestPresetsTogetherRedactWhatEachDoes has every class of each preset in one that takes them all.
func TestPresetsTogetherRedactWhatEachDoes(t *testing.T) {
	for _, o := range []Options{{Presets: []string{PresetUserIdentity, PresetPersonalData}}, {Presets: []string{PresetPersonalData, PresetUserIdentity}}} {
		raw := `{"actor":{"type":"User","displayName":"Kari Rotnes"},"client":{"ipAddress":"203.0.113.77"},"target":[{"changeDetails":{"profile":{"x":true}}}]}`
		require.Equal(t, `{"actor":{"type":"User","displayName":"***"},"client":{"ipAddress":"***"},"target":[{"changeDetails":{"profile":{"x":"***"}}}]}`,
			string(redacted(t, o, []byte(raw))))
	}
}

// TestPeopleAreInNoEvent redacts events in which other redactions left people readable. All names are invented.
func TestPeopleAreInNoEvent(t *testing.T) {
	events, err := os.ReadFile("testdata/people.ndjson")
	require.NoError(t, err)
	people := []string{
		"haraldsen", "lharald", "leif", "mara", "lindqvist", "ola", "admin.ola", "+479", "uid=", "lower.case", "lower case", "notype", "no type",
		"kari", "siobhan", "o'reilly", "reilly", "legacy.example", "mail.example", "gov.example",
	}
	lines := 0
	for line := range strings.Lines(string(events)) {
		lines++
		for _, o := range everyRedaction() {
			for _, person := range people {
				if person == "ola" || person == "mara" || person == "kari" || person == "leif" {
					person = `"` + person
				}
				requireGone(t, o, line, person)
			}
		}
	}
	require.Equal(t, 14, lines)
}

func TestWhoIsAPerson(t *testing.T) {
	const kari = "kari.rotnes@acme.example"
	for _, kind := range []string{
		`"type":"User"`, `"type":"user"`, `"type":"USER "`, `"type":"NewUser"`, `"type":"AppUser"`, `"type":"App User"`, `"type":"email"`,
		`"type":"PhoneNumber"`, `"type":"Device"`, `"type":"Certificate"`, `"type":"SomethingNew"`, `"type":""`, `"type":null`, `"type":7`,
		`"type":"AppInstance","type":"User"`, `"note":"no type"`,
	} {
		party := `{"id":"00u1",` + kind + `,"alternateId":"` + kari + `","displayName":"Kari Rotnes"}`
		for name, raw := range map[string]string{
			"actor":       `{"actor":` + party + `}`,
			"target":      `{"target":[{"type":"AppInstance","displayName":"Payroll"},` + party + `]}`,
			"one target":  `{"target":` + party + `}`,
			"nested":      `{"target":[{"type":"AppInstance","detailEntry":{"owner":` + party + `}}]}`,
			"debug data":  `{"debugContext":{"debugData":{"originalPrincipal":` + party + `}}}`,
			"a string":    `{"debugContext":{"debugData":{"originalPrincipal":` + fmt.Sprintf("%q", party) + `}}}`,
			"two strings": `{"debugContext":{"debugData":{"url":` + fmt.Sprintf("%q", fmt.Sprintf(`{"a":%q}`, party)) + `}}}`,
			"not JSON":    `{"debugContext":{"debugData":{"originalPrincipal":` + fmt.Sprintf("%q", party[1:]) + `}}}`,
			"cut off":     `{"debugContext":{"debugData":{"logOnlySecurityData":` + fmt.Sprintf("%q", `{"a":`+party[:len(party)-2]) + `}}}`,
			"new member":  `{"onBehalfOf":` + party + `}`,
			"deeper":      `{"securityContext":{"delegate":[` + party + `]}}`,
			"device":      `{"device":{"id":"guo1","name":"Kari Rotnes","registered_by":"` + kari + `"}}`,
			"scalar":      `{"actor":"` + kari + `","target":["Kari Rotnes"]}`,
			"message":     `{"displayMessage":"mail sent to <` + kari + `>","outcome":{"reason":"no user Kari.Rotnes@acme.example"}}`,
			"URL": `{"debugContext":{"debugData":{"url":"/api/v1/users/kari.rotnes%40acme.example?x=1","requestUri":"/api/v1/users/` +
				kari + `"}}}`,
			"entities": `{"actor":{"type":"User","displayName":"Kari R<otnes"},"displayMessage":"Kari R&lt;otnes, Kari R&#60;otnes, Kari ` +
				`R&#x3C;otnes"}`,
			"escapes": `{"actor":{"type":"User","displayName":"Kári Rotnes"},"debugContext":{"debugData":{"url":"{\"x\":\"K\\u00e1ri ` +
				`Rotnes\"}"}}}`,
			"member name": `{"debugContext":{"debugData":{"` + kari + `":true}}}`,
		} {
			for redaction, o := range everyRedaction() {
				t.Run(kind+" "+name+" "+redaction, func(t *testing.T) {
					for _, gone := range []string{"rotnes", "otnes"} {
						requireGone(t, o, raw, gone)
					}
				})
			}
		}
	}
}

func TestWhatIsNoPersonStays(t *testing.T) {
	for name, raw := range map[string]string{
		"things": `{"actor":{"id":"0oa1","type":"SystemPrincipal","alternateId":"system@okta.com","displayName":"Okta System"},` +
			`"target":[{"type":"AppInstance","alternateId":"Slack","displayName":"Slack"},{"type":"user_group","displayName":"Admins",` +
			`"detailEntry":{"signOnModeType":"SAML_2_0"}},{"type":"URL Pattern","displayName":"/api"}]}`,
		"policy evaluation": `{"target":[{"type":"Rule","displayName":"MFA","detailEntry":{"policyType":"OktaSignOn",` +
			`"policyRuleFactorMode":"2FA"}},{"type":"AuthenticatorEnrollment","displayName":"Password","detailEntry":{"methodTypeUsed":"Password",` +
			`"methodUsedVerifiedProperties":"[USER_PRESENCE]"}}]}`,
		"what rules read": `{"debugContext":{"debugData":{"requestUri":"/admin","url":"/admin?","threatSuspected":"true","behaviors":"{New ` +
			`Device=POSITIVE}","logOnlySecurityData":"{\"risk\":{\"level\":\"LOW\",\"reasons\":\"Anomalous Device\"},\"behaviors\":{\"New ` +
			`Device\":\"POSITIVE\",\"Our own\":\"NEGATIVE\"}}","privilegeGranted":"Super administrator","dt_hash":"ab12"}}}`,
		"nobody": `{"debugContext":{"debugData":{"new":"unknown","newer":true,"newest":123,"none":null,"empty":""}}}`,
		"change": `{"target":[{"type":"AppInstance","changeDetails":{"from":{"signOnMode":"SAML_2_0"},` +
			`"to":{"sign_on_mode":"OIDC"}}}]}`,
		"ids": `{"actor":{"id":"00u1","type":"User"},"transaction":{"type":"WEB","id":"tx","detail":{"requestApiTokenId":"00T1"}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, raw, string(redacted(t, Options{}, []byte(raw))))
		})
	}
}

func TestPlacesAreRedactedAsPersonalData(t *testing.T) {
	raw := `{"client":{"ipAddress":"203.0.113.77","userAgent":{"os":"Mac OS X"},"geographicalContext":{"city":"Oslo"}},` +
		`"request":{"ipChain":[{"ip":"203.0.113.77"}]},"actor":{"type":"IP address","alternateId":"203.0.113.77"},` +
		`"debugContext":{"debugData":{"threatSuspected":"true","suspiciousActivityEventCity":"Oslo"}}}`
	require.Equal(t, raw, string(redacted(t, Options{}, []byte(raw))))
	require.Equal(t, `{"client":{"ipAddress":"***","userAgent":{"os":"***"},"geographicalContext":{"city":"***"}},`+
		`"request":{"ipChain":[{"ip":"***"}]},"actor":{"type":"IP address","alternateId":"***"},`+
		`"debugContext":{"debugData":{"threatSuspected":"true","suspiciousActivityEventCity":"***"}}}`,
		string(redacted(t, Options{Presets: []string{PresetPersonalData}}, []byte(raw))))
}

// TestWhatOktaMarksNotPersonalStays has the debug data that detections read, which Okta's catalog marks "personal": false.
func TestWhatOktaMarksNotPersonalStays(t *testing.T) {
	const raw = `{"debugContext":{"debugData":{"privilegeGranted":"Super administrator","behaviors":` +
		`"{New Device=POSITIVE}","risk":"{reasons=Anomalous Device, level=HIGH}","factor":"OKTA_VERIFY_PUSH","threatSuspected":"true",` +
		`"pushOnlyResponseType":"OV_RESPONSE_DENY","networkConnection":"ANYWHERE","grantType":"client_credentials","tunnels":` +
		`"[{\"operator\":\"TOR\",\"anonymous\":true}]","logOnlySecurityData":"{\"risk\":{\"level\":\"HIGH\"},\"behaviors\":{\"New Device\":` +
		`\"POSITIVE\"}}","requestUri":"/api/v1/authn","url":"/api/v1/authn?","dtHash":"ab12","loginResult":"LOCKED_OUT"}}}`
	for name, o := range everyRedaction() {
		require.Equal(t, raw, string(redacted(t, o, []byte(raw))), name)
	}
}

// TestIPAddressesInDebugData has addresses in the text of debug data that stays: personal_data redacts them, and there alone.
func TestIPAddressesInDebugData(t *testing.T) {
	personal := Options{Presets: []string{PresetPersonalData}}
	for _, ip := range []string{"203.0.113.77", "198.51.100.7", "1.1.1.1", "2001:db8::1", "2001:DB8:0:0:8:800:200C:417A", "fe80::1ff:fe23:4567:890a", "::ffff:203.0.113.77"} {
		for _, spelled := range []string{ip, url.QueryEscape(ip), strings.ToLower(url.QueryEscape(ip)), inJSON(ip), strings.Replace(ip, ":", "%3A", 1)} {
			for _, text := range []string{"%s", "/x?ip=%s&b=1", "/x?ip=%s", "from %s.", "(%s)", "[%s]", "%s, 10.0.0.1", "{a=%s, b=c}",
				"%s: refused", "ip:%s", "ip:%s:", "ip::%s", "[%s]:443", "%s/64", "12:30:45:%s"} {
				for _, where := range []string{`{"debugContext":{"debugData":{"requestUri":%s}}}`, `{"debugContext":{"debugData":{"tunnels":[%s]}},"displayMessage":%[1]s}`,
					`{"target":[{"type":"AppInstance","detailEntry":{"policyName":%s}}]}`, `{"debugContext":{"debugData":{"behaviors":{"a":%s}}}}`} {
					raw := fmt.Sprintf(where, quoted(fmt.Sprintf(text, spelled)))
					requireGone(t, personal, raw, ip)
					requireGone(t, personal, raw, spelled)
					require.Equal(t, raw, string(redacted(t, Options{}, []byte(raw))))
				}
			}
		}
		requireGone(t, personal, fmt.Sprintf(`{"debugContext":{"debugData":{%q:true}}}`, ip), ip)
	}
	for _, ip := range []string{"203.0.113.77", "2001:db8:0:0:8:800:200c:417a"} { // of a short one, a port is part
		requireGone(t, personal, fmt.Sprintf(`{"debugContext":{"debugData":{"url":"https://%s:8443/x"}}}`, ip), ip)
	}
	const none = `{"debugContext":{"debugData":{"url":"12:30:45","agentVersion":"3.20.0","requestUri":"a.b.c.d/1.2.3","appVersion":"120.0.6099.130","startTime":` +
		`"2026-08-21T10:00:00.000Z"}}}`
	require.Equal(t, none, string(redacted(t, personal, []byte(none))))
}

// TestOktasOwnReasonsStay has each reason repeated by members that are redacted.
func TestOktasOwnReasonsStay(t *testing.T) {
	require.Greater(t, len(reasons), 50)
	for reason := range reasons {
		require.Equal(t, strings.TrimSpace(reason), reason)
		outcome := fmt.Sprintf(`"outcome":{"result":"FAILURE","reason":%q}`, reason)
		for _, repeats := range []string{
			`"debugContext":{"debugData":{"authResult":%q}}`, `"actor":{"type":"User","alternateId":%q}`, `"target":[{"detailEntry":{"new":"{\"a\":\"%s\"}"}}]`,
		} {
			raw := fmt.Sprintf(`{%s,%s}`, fmt.Sprintf(repeats, reason), outcome)
			for name, o := range everyRedaction() {
				require.Contains(t, string(redacted(t, o, []byte(raw))), outcome, name)
			}
			o := Options{Presets: []string{}, Paths: []string{"actor.alternateId", "debugContext.debugData.*", "target.detailEntry"}}
			require.Contains(t, string(redacted(t, o, []byte(raw))), outcome, "paths")
		}
		require.Equal(t, fmt.Sprintf(`{"outcome":{"reason":"***"},"displayMessage":%q}`, mask),
			string(redacted(t, Options{Presets: []string{}, Paths: []string{"outcome.reason"}}, []byte(fmt.Sprintf(`{"outcome":{"reason":%q},"displayMessage":%[1]q}`, reason)))))
	}
	for _, other := range []string{"invalid_credentials", "INVALID_CREDENTIALS.", "KARI_ROTNES", "Invalid credentials of Kari Rotnes", "LOCKED_OUT "} {
		raw := fmt.Sprintf(`{"actor":{"type":"User","displayName":%q},"outcome":{"reason":%[1]q}}`, other)
		requireGone(t, Options{}, raw, other)
	}
	for _, elsewhere := range []string{`"displayMessage":"LOCKED_OUT"`, `"client":{"reason":"LOCKED_OUT"}`, `"outcome":{"detail":{"reason":"LOCKED_OUT"}}`,
		`"outcome":[{"reason":"LOCKED_OUT"}]`, `"outcome":{"LOCKED_OUT":"x"}`, `"debugContext":{"debugData":{"outcome":{"reason":"LOCKED_OUT"}}}`} {
		requireGone(t, Options{}, `{"actor":{"type":"User","displayName":"LOCKED_OUT"},`+elsewhere+`}`, "LOCKED_OUT")
	}
}

func TestPathsReachIntoJSONInStrings(t *testing.T) {
	raw := `{"debugContext":{"debugData":{"x":"{\"users\": [ {\"login\":\"kari\", \"n\": 12345} ]}"}}}`
	for name, tc := range map[string]struct {
		mode string
		path string
		want string
	}{
		"masked":  {ModeMask, "debugContext.debugData.x.users[*].login", `"{\"users\": [ {\"login\":\"***\", \"n\": 12345} ]}"`},
		"number":  {ModeMask, "debugContext.debugData.x.users.n", `"{\"users\": [ {\"login\":\"kari\", \"n\": \"***\"} ]}"`},
		"dropped": {ModeDrop, "debugContext.debugData.x.users[0].login", `"{\"users\": [ {\"n\": 12345} ]}"`},
	} {
		t.Run(name, func(t *testing.T) {
			got := redacted(t, Options{Mode: tc.mode, Presets: []string{}, Paths: []string{tc.path}}, []byte(raw))
			require.Equal(t, `{"debugContext":{"debugData":{"x":`+tc.want+`}}}`, string(got))
		})
	}
}
