package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"testing"

	"github.com/grafana/loki/pkg/push"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
)

var tokenPattern = regexp.MustCompile(`hmac:[0-9a-f]{32}|\*\*\*`)

var testKey = []byte("0123456789abcdef0123456789abcdef")

func TestRedaction(t *testing.T) {
	identity := func(mode string) Redaction {
		if mode == ModeHash {
			return Redaction{Mode: mode, Key: testKey}
		}
		return Redaction{Mode: mode}
	}
	only := func(paths ...string) Redaction { return Redaction{Presets: []string{}, Paths: paths} }
	drop := func(paths ...string) Redaction {
		return Redaction{Mode: ModeDrop, Presets: []string{}, Paths: paths}
	}
	for name, tc := range map[string]struct {
		redaction   Redaction
		event, want string
	}{
		"nothing to redact": {
			identity(ModeMask),
			`{"actor":{"type":"SystemPrincipal","alternateId":"system@okta.com"}}`,
			`{"actor":{"type":"SystemPrincipal","alternateId":"system@okta.com"}}`,
		},
		"masked": {
			identity(ModeMask),
			`{"actor":{"id":"00u1","type":"User","alternateId":"ann@x.org","displayName":"Ann Lee"}}`,
			`{"actor":{"id":"00u1","type":"User","alternateId":"***","displayName":"***"}}`,
		},
		"hashed, lower-cased: equal values give equal tokens": {
			identity(ModeHash),
			`{"actor":{"type":"User","alternateId":"ann@x.org"},"target":[{"type":"User","alternateId":"Ann@X.org"},{"type":"User","alternateId":"bob@x.org"}]}`,
			`{"actor":{"type":"User","alternateId":"hmac:b3851dfd1d5b89470ad7dcf0d62ca6ab"},"target":[{"type":"User","alternateId":"hmac:b3851dfd1d5b89470ad7dcf0d62ca6ab"},{"type":"User","alternateId":"hmac:3938b06e3e507bf34974970d96e7f577"}]}`,
		},
		"dropped": {
			identity(ModeDrop),
			`{"actor":{"id":"00u1", "type":"User", "alternateId":"ann@x.org", "displayName":"Ann Lee" } , "displayMessage":"Hi Ann Lee!"}`,
			`{"actor":{"id":"00u1", "type":"User" } , "displayMessage":"Hi ***!"}`,
		},
		"the type may come last": {
			identity(ModeMask),
			`{"target":[{"displayName":"Ann Lee","type":"User"},{"displayName":"Payroll","type":"AppInstance"}]}`,
			`{"target":[{"displayName":"***","type":"User"},{"displayName":"Payroll","type":"AppInstance"}]}`,
		},
		"gone from everywhere else, in any case": {
			identity(ModeMask),
			`{"actor":{"type":"User","alternateId":"ann@x.org"},"displayMessage":"ANN@x.org, was (ann@x.org)","debugContext":{"debugData":{"login":"Ann@X.Org","x":["ann@x.org"]}}}`,
			`{"actor":{"type":"User","alternateId":"***"},"displayMessage":"***, was (***)","debugContext":{"debugData":{"login":"***","x":["***"]}}}`,
		},
		"gone in escaped spellings, and other escapes stay": {
			identity(ModeMask),
			`{"actor":{"type":"User","alternateId":"a/n\u006e@x.org"},"displayMessage":"\u002f \u0061\/nN@x.org \ud83d\ude00"}`,
			`{"actor":{"type":"User","alternateId":"***"},"displayMessage":"\u002f *** \ud83d\ude00"}`,
		},
		"gone from URLs": {
			identity(ModeMask),
			`{"actor":{"type":"User","alternateId":"ann+1@x.org","displayName":"Ann Lee"},"debugContext":{"debugData":{"url":"/api?u=ann%2b1%40x.org&n=Ann+Lee&m=Ann%20Lee"}}}`,
			`{"actor":{"type":"User","alternateId":"***","displayName":"***"},"debugContext":{"debugData":{"url":"/api?u=***&n=***&m=***"}}}`,
		},
		"gone from names that are not Okta's": {
			identity(ModeMask),
			`{"actor":{"type":"User","alternateId":"ann@x.org"},"debugContext":{"debugData":{"ann@x.org":1,"for ann@x.org":{"type":"ann@x.org"}}},"of ann@x.org":0}`,
			`{"actor":{"type":"User","alternateId":"***"},"debugContext":{"debugData":{"***":1,"for ***":{"type":"***"}}},"of ***":0}`,
		},
		"a person called as one of Okta's words leaves the words alone": {
			identity(ModeMask),
			`{"actor":{"type":"User","alternateId":"SUCCESS","displayName":"User"},"outcome":{"result":"SUCCESS","reason":"a success"},"target":[{"type":"User","displayName":"actor"}],"debugContext":{"debugData":{"requestUri":"/User"}},"client":{}}`,
			`{"actor":{"type":"User","alternateId":"***","displayName":"***"},"outcome":{"result":"SUCCESS","reason":"a ***"},"target":[{"type":"User","displayName":"***"}],"debugContext":{"debugData":{"requestUri":"/***"}},"client":{}}`,
		},
		"short names are words": {
			identity(ModeMask),
			`{"actor":{"type":"User","alternateId":"a","displayName":"Li"},"displayMessage":"a Lisbon flat: Li's, li, La","client":{"zone":"a"},"eventType":"a"}`,
			`{"actor":{"type":"User","alternateId":"***","displayName":"***"},"displayMessage":"*** Lisbon flat: ***'s, ***, La","client":{"zone":"***"},"eventType":"a"}`,
		},
		"what identifies nobody is redacted in its place only": {
			identity(ModeMask),
			`{"actor":{"type":"User","alternateId":"unknown","displayName":"7"},"displayMessage":"unknown 7","client":{"device":"Unknown"},"target":[{"type":"User","displayName":"-"}]}`,
			`{"actor":{"type":"User","alternateId":"***","displayName":"***"},"displayMessage":"unknown 7","client":{"device":"Unknown"},"target":[{"type":"User","displayName":"***"}]}`,
		},
		"null and empty text are nothing to hide": {
			identity(ModeMask),
			`{"actor":{"type":"User","alternateId":null,"displayName":""}}`,
			`{"actor":{"type":"User","alternateId":null,"displayName":""}}`,
		},
		"names beyond ASCII": {
			identity(ModeMask),
			`{"actor":{"type":"User","displayName":"Zoë Łuk"},"displayMessage":"ZOË ŁUK, zo\u00eb łuk, Zo\u00cb+%C5%81uk, Zoe"}`,
			`{"actor":{"type":"User","displayName":"***"},"displayMessage":"***, ***, Zo\u00cb+%C5%81uk, Zoe"}`,
		},
		"overlapping values go as one": {
			only("a", "b"),
			`{"a":"abcd","b":"cdef","c":"xabcdefx abcd"}`,
			`{"a":"***","b":"***","c":"x***x ***"}`,
		},
		"numbers and booleans under a path, and the same number elsewhere": {
			only("debugContext.debugData.*"),
			`{"debugContext":{"debugData":{"n":12345,"f":1.50,"t":true,"z":null,"o":{"x":[2,"y"]}}},"client":{"p":12345,"q":123456,"r":"no. 12345","ok":true},"version":"12345"}`,
			`{"debugContext":{"debugData":{"n":"***","f":"***","t":"***","z":null,"o":{"x":["***","***"]}}},"client":{"p":"***","q":"***","r":"no. ***","ok":true},"version":"12345"}`,
		},
		"every element": {
			only("target[*].detailEntry"),
			`{"target":[{"detailEntry":{"k":"v1"}},{"detailEntry":null},{"detailEntry":"v2"}]}`,
			`{"target":[{"detailEntry":{"k":"***"}},{"detailEntry":null},{"detailEntry":"***"}]}`,
		},
		"one element": {
			only("target[1].id"),
			`{"target":[{"id":"first"},{"id":"second"}]}`,
			`{"target":[{"id":"first"},{"id":"***"}]}`,
		},
		"a name reaches through an array": {
			only("target.id"),
			`{"target":[{"id":"first"},[{"id":"second"}]]}`,
			`{"target":[{"id":"***"},[{"id":"***"}]]}`,
		},
		"repeated names are all redacted": {
			identity(ModeMask),
			`{"actor":{"type":"App","type":"User","displayName":"Ann Lee","displayName":"Bob Ray"},"actor":{"type":"User","displayName":"Cay Fox"}}`,
			`{"actor":{"type":"App","type":"User","displayName":"***","displayName":"***"},"actor":{"type":"User","displayName":"***"}}`,
		},
		"names spelled with escapes": {
			identity(ModeMask),
			`{"act\u006fr":{"typ\u0065":"Us\u0065r","d\u0069splayName":"Ann Lee"}}`,
			`{"act\u006fr":{"typ\u0065":"Us\u0065r","d\u0069splayName":"***"}}`,
		},
		"dropped first, middle, last":      {drop("a", "c", "e"), `{"a":1,"b":2,"c":3,"d":4,"e":5}`, `{"b":2,"d":4}`},
		"dropped all":                      {drop("a", "b"), `{ "a":1 , "b":2 }`, `{  }`},
		"dropped at the end":               {drop("b", "c"), `{"a":1 , "b":2 , "c":3 }`, `{"a":1 }`},
		"dropped elements":                 {drop("a[0]", "a[2]"), `{"a":[{"x":1},2,"third"],"b":"third"}`, `{"a":[2],"b":"***"}`},
		"dropped inside and around":        {drop("a.b", "a.c", "d"), `{"a":{"b":1,"c":2},"d":3}`, `{"a":{}}`},
		"dropped null":                     {drop("a"), `{"a":null,"b":1}`, `{"b":1}`},
		"dropped map leaves its neighbour": {drop("target[User]"), `{"target":[{"type":"User","id":"0000u"},{"type":"App","id":"for 0000u"}]}`, `{"target":[{"type":"App","id":"for ***"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			e := entryOf(t, Options{LineFormat: FormatEvent, Redaction: &tc.redaction}, tc.event)
			require.True(t, json.Valid([]byte(e.Line)), e.Line)
			require.Equal(t, tc.want, e.Line)
			requireRedacted(t, tc.redaction, []byte(tc.event), entryOf(t, Options{Redaction: &tc.redaction}, tc.event))
		})
	}
}

func TestRedactionIsRefusedWithWhatIsAllowed(t *testing.T) {
	for name, tc := range map[string]struct {
		redaction Redaction
		want      string
	}{
		"mode":         {Redaction{Mode: "blur"}, `redaction: mode "blur": must be "mask", "hash" or "drop"`},
		"short key":    {Redaction{Mode: ModeHash, Key: []byte("hunter2")}, `redaction: mode "hash" needs a key of at least 16 bytes, this one has 7`},
		"useless key":  {Redaction{Mode: ModeDrop, Key: testKey}, `redaction: mode "drop" uses no key; a key is for mode "hash"`},
		"preset":       {Redaction{Presets: []string{"pii"}}, `redaction: preset "pii": must be "user_identity" or "personal_data"`},
		"nothing":      {Redaction{Presets: []string{}}, `redaction: no preset and no path: nothing would be redacted`},
		"path":         {Redaction{Paths: []string{"target[]"}}, `redaction: "target[]" is not a path: an element or type is missing between the brackets; ` + pathForms + wildForms},
		"the identity": {Redaction{Paths: []string{"uuid"}}, `redaction: path "uuid": uuid and published say which event this is and when, and cannot be redacted`},
		"all":          {Redaction{Paths: []string{"*.id"}}, `redaction: path "*.id": uuid and published say which event this is and when, and cannot be redacted`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(Options{Org: "o", Redaction: &tc.redaction})
			require.EqualError(t, err, tc.want)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
	secret := Redaction{Mode: ModeHash, Key: testKey}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.NotContains(t, fmt.Sprintf(verb, secret), string(testKey))
	}
}

func TestWhatIsTakenOutIsNeitherLabelNorMetadata(t *testing.T) {
	e := entryOf(t, Options{
		RelabelRules: eventTypeLabel,
		Redaction:    &Redaction{Mode: ModeDrop, Presets: []string{}, Paths: []string{"eventType", "severity", "target[*]"}},
	}, signIn)
	require.Equal(t, model.LabelSet{"job": "loki.source.okta", "org": "acme.okta.com"}, e.Labels)
	require.Equal(t, push.LabelsAdapter{{Name: "outcome", Value: "FAILURE"}}, e.StructuredMetadata)
	require.Equal(t, `{"event":{"published":"2026-08-21T10:00:00.120Z","outcome":{"result":"FAILURE"},"target":[], "new":1e2},`+
		`"level":"info","msg":"received event","time":"2026-08-21T10:00:00.120Z"}`, e.Line)
}

func TestRedactedValuesAreInNoFixture(t *testing.T) {
	for _, mode := range []string{ModeMask, ModeHash, ModeDrop} {
		for _, preset := range []string{PresetUserIdentity, PresetPersonalData} {
			r := Redaction{Mode: mode, Presets: []string{preset}}
			if mode == ModeHash {
				r.Key = testKey
			}
			for _, name := range fixtureNames(t) {
				raw := fixture(t, name)
				requireRedacted(t, r, raw, entryOf(t, Options{Redaction: &r}, string(raw)))
			}
		}
	}
}

func TestNoRedactedValueSurvivesInRandomEvents(t *testing.T) {
	for seed := range uint64(1500) {
		r := rand.New(rand.NewPCG(seed, 5))
		raw, red := randomEvent(r), randomRedaction(r)
		e := entryOf(t, Options{Redaction: &red}, string(raw))
		requireRedacted(t, red, raw, e)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
		requireRestKept(t, red, raw, []byte(e.Line[len(lineBegin):][:eventLength(t, e.Line)]))
	}
}

// requireRestKept checks that what the redaction had no reason to touch has the
// same bytes, white space included.
func requireRestKept(t testing.TB, r Redaction, raw, out []byte) {
	t.Helper()
	if r.Mode == ModeDrop {
		return // TestRedaction has the cases: what is kept is not where it was
	}
	v := judge(t, r, raw)
	var compare func(a, b span)
	same := func(a, b []byte) { require.Equal(t, string(a), string(b), "%s\n%s", raw, out) }
	gap := func(fromA, toA, fromB, toB uint32) { same(raw[fromA:toA], out[fromB:toB]) }
	compare = func(a, b span) {
		switch raw[a.start] {
		case '{':
			atA, atB := a.start, b.start
			m, n := membersOf(raw, a), membersOf(out, b)
			for {
				nameA, valueA, ok := m.next()
				nameB, valueB, okB := n.next()
				require.Equal(t, ok, okB)
				if !ok {
					break
				}
				gap(atA, nameA.start, atB, nameB.start)
				if !v.mentioned(unquote(nameA.of(raw))) {
					same(nameA.of(raw), nameB.of(out))
				}
				gap(nameA.end, valueA.start, nameB.end, valueB.start)
				compare(valueA, valueB)
				atA, atB = valueA.end, valueB.end
			}
			gap(atA, a.end, atB, b.end)
		case '[':
			atA, atB := a.start, b.start
			e, f := elementsOf(raw, a), elementsOf(out, b)
			for !e.done() {
				require.False(t, f.done())
				valueA, valueB := e.next(), f.next()
				gap(atA, valueA.start, atB, valueB.start)
				compare(valueA, valueB)
				atA, atB = valueA.end, valueB.end
			}
			gap(atA, a.end, atB, b.end)
		default:
			text := string(tokenPattern.ReplaceAll(b.of(out), nil))
			if bytes.Equal(a.of(raw), b.of(out)) || text == `""` {
				return // untouched, or redacted as a whole
			}
			require.True(t, v.mentioned(scalarText(raw, a)), "%s became %s\n%s", a.of(raw), b.of(out), raw)
		}
	}
	compare(spanOf(0, len(raw)), spanOf(0, len(out)))
}
