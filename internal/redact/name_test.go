package redact

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// peoplesNames are what people are called, by themselves and by programs.
var peoplesNames = []string{
	"Kari Rotnes", "kari rotnes", "KARI ROTNES", "Rotnes, Kari", "kari.rotnes", "Kari_Rotnes", "kari-rotnes", "KariRotnes", "kariRotnes",
	"krotnes", "k.rotnes", "Kari", "kari", "KARI", "rotnes7", "7rotnes", "Kari Rotnes (admin)", "Kari Rotnes <kari@acme.example>", "kari@acme",
	"O'Neil", "Anne-Marie Holm", "Mara van der Berg", "Dr. Rotnes", "Ångström", "Zoë", "李雷", "Мария Иванова", "محمد", "Li", "Bo",
	`ACME\kari`, "ACME/kari", "uid=kari,ou=people", "cn:kari", "user kari", "user.kari", "userKari", "kari_email", "+47 912 34 567", "4791234567",
	"Max Grant", "max.grant", "Brand, Page", // of Okta's words, but not as Okta joins them
}

// mapsOfAnything are the places where a member's name may be anything.
var mapsOfAnything = []string{
	`{"debugContext":{"debugData":{%s}}}`,
	`{"debugContext":{"debugData":{"requestUri":"/x",%s,"dtHash":"ab12"}}}`,
	`{"debugContext":{"debugData":{"new":{"nested":[[{%s}]]}}}}`,
	`{"debugContext":{"debugData":{"originalPrincipal":{"id":"00u1","type":"User",%s}}}}`,
	`{"debugContext":{"newContext":{%s}}}`,
	`{"actor":{"id":"00u1","type":"User","detailEntry":{%s}}}`,
	`{"actor":{%s}}`,
	`{"target":[{"type":"AppInstance","displayName":"Payroll","detailEntry":{%s}}]}`,
	`{"target":[{"type":"AppInstance","changeDetails":{"from":{%s},"to":{"scopes":{%[1]s}}}}]}`,
	`{"target":[{"type":"User","changeDetails":{"from":{},"to":{"profile":{%s}}}}]}`,
	`{"target":[{"type":"User","displayName":{%s}}]}`,
	`{"transaction":{"detail":{%s}}}`,
	`{"client":{"geographicalContext":{%s}}}`,
	`{"securityContext":{"risk":{%s}}}`,
	`{%s}`,
	`{"members":{%s}}`,
}

// requireNowhere checks that nobody of that name is in an event, also where escapes are read.
func requireNowhere(t testing.TB, event []byte, who string) {
	t.Helper()
	if isIn(parseTree(t, event), who) {
		t.Fatalf("%s is still in %s", who, event)
	}
}

func isIn(event *tree, who string) (found bool) {
	event.each(false, func(v *tree, _ bool) {
		for _, text := range append(v.names, v.text) {
			found = found || mentions([]rune(tokenPattern.ReplaceAllString(text, "\x00")), []rune(who))
		}
	})
	return found
}

// A name that is redacted is one that others may have: what is beside it, and what Okta calls its members, keeps its bytes.
func TestMembersKeepTheirNames(t *testing.T) {
	for raw, want := range map[string]string{
		`{"debugContext":{"debugData":{ "Kari Rotnes" : true , "requestUri":"/x"}}}`: `{"debugContext":{"debugData":{ "***" : true , "requestUri":"/x"}}}`,
		`{"debugContext":{"debugData":{"requestUri":"{\"Kari Rotnes\": 1,\"id\": \"00u1\"}"}},"displayMessage":"Kari Rotnes"}`: `{"debugContext":` +
			`{"debugData":{"requestUri":"{\"***\": 1,\"id\": \"00u1\"}"}},"displayMessage":"***"}`,
		`{"debugContext":{"debugData":{"url":"/x?Kari%20Rotnes=1&kari.rotnes=2&Kari+Rotnes=3&user.id=4&fromURI=5"}}}`: `{"debugContext":{"debugData":` +
			`{"url":"/x?***=1&***=2&***=3&user.id=4&fromURI=5"}}}`,
	} {
		require.Equal(t, want, string(redacted(t, Options{}, []byte(raw))))
	}
	for _, name := range []string{
		"futureField", "future_field", "FUTURE_FIELD", "attribute07", "iOS", "SAMLResponse", "newRiskScoreV2", "user-agent", "x", "", "7", "2026", "OAuth2Scopes",
	} {
		for _, where := range mapsOfAnything {
			raw := fmt.Sprintf(where, fmt.Sprintf("%q:null", name))
			require.Equal(t, raw, string(redacted(t, Options{}, []byte(raw))))
		}
	}
	table, err := os.ReadFile("testdata/personal-members.tsv")
	require.NoError(t, err)
	known := slices.Concat(names["schema"], names["place"], names["harmless"])
	for line := range strings.Lines(string(table)) {
		if !strings.HasPrefix(line, "#") {
			known = append(known, strings.Split(line, "\t")[1])
		}
	}
	for _, name := range known {
		for _, preset := range []string{PresetUserIdentity, PresetPersonalData} {
			o := Options{Presets: []string{preset}}
			raw := fmt.Sprintf(`{"debugContext":{"debugData":{%q:{"a":null}}},"target":[{"detailEntry":{%[1]q:{"a":null}}}]}`, name)
			require.Equal(t, raw, string(redacted(t, o, []byte(raw))))
		}
	}
	const things = `{"debugContext":{"debugData":{"behaviors":{"New Geo-Location":"POSITIVE","Our own":"NEGATIVE"},"logOnlySecurityData":"{\"behaviors\":` +
		`{\"New Device\":\"POSITIVE\"}}"}},"securityContext":{"userBehaviors":[{"Our own":1}]},"target":[{"type":"BehaviorRule","displayName":"New Device"}]}`
	require.Equal(t, things, string(redacted(t, Options{}, []byte(things))))
	paths := Options{Paths: []string{"debugContext.debugData.*"}}
	require.Contains(t, string(redacted(t, paths, []byte(things))), `"behaviors":{"New Geo-Location":"***","Our own":"***"}`)
	require.Contains(t, string(redacted(t, paths, []byte(things))), `"displayName":"New Device"`)
	alone := Options{Presets: []string{}, Paths: []string{"a"}}
	require.Equal(t, `{"a":{"Kari Rotnes":"***"},"Kari":1}`, string(redacted(t, alone, []byte(`{"a":{"Kari Rotnes":"x1"},"Kari":1}`))), "paths leave names")
}
