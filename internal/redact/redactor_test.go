package redact

import (
	"bytes"
	"fmt"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event/eventtest"
	"github.com/grafana/alloy/okta/internal/rawjson"
)

var tokenPattern = regexp.MustCompile(`hmac:[0-9a-f]{32}|\*\*\*`)

var testKey = []byte("0123456789abcdef0123456789abcdef")

// redacted is the event without what the options redact.
func redacted(t testing.TB, o Options, raw []byte) []byte {
	t.Helper()
	r, err := New(o)
	require.NoError(t, err)
	pass := r.Begin()
	defer pass.End()
	return bytes.Clone(pass.Redact(raw, nil))
}

func TestRedaction(t *testing.T) {
	identity := func(mode string) Options {
		if mode == ModeHash {
			return Options{Mode: mode, Key: testKey}
		}
		return Options{Mode: mode}
	}
	only := func(paths ...string) Options { return Options{Presets: []string{}, Paths: paths} }
	drop := func(paths ...string) Options {
		return Options{Mode: ModeDrop, Presets: []string{}, Paths: paths}
	}
	for name, tc := range map[string]struct {
		redaction   Options
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
			`{"actor":{"type":"User","alternateId":"ann@x.org"},"target":[{"type":"User","alternateId":"Ann@X.org"},{"type":"User",` +
				`"alternateId":"bob@x.org"}]}`,
			`{"actor":{"type":"User","alternateId":"hmac:b3851dfd1d5b89470ad7dcf0d62ca6ab"},"target":[{"type":"User",` +
				`"alternateId":"hmac:b3851dfd1d5b89470ad7dcf0d62ca6ab"},{"type":"User","alternateId":"hmac:3938b06e3e507bf34974970d96e7f577"}]}`,
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
			`{"actor":{"type":"User","alternateId":"ann@x.org"},"displayMessage":"ANN@x.org, was (ann@x.org)",` +
				`"debugContext":{"debugData":{"login":"Ann@X.Org","x":["ann@x.org"]}}}`,
			`{"actor":{"type":"User","alternateId":"***"},"displayMessage":"***, was (***)","debugContext":{"debugData":{"login":"***",` +
				`"x":["***"]}}}`,
		},
		"gone in escaped spellings, and other escapes stay": {
			identity(ModeMask),
			`{"actor":{"type":"User","alternateId":"a/n\u006e@x.org"},"displayMessage":"\u002f \u0061\/nN@x.org \ud83d\ude00"}`,
			`{"actor":{"type":"User","alternateId":"***"},"displayMessage":"\u002f *** \ud83d\ude00"}`,
		},
		"gone from URLs": {
			identity(ModeMask),
			`{"actor":{"type":"User","alternateId":"ann+1@x.org","displayName":"Ann Lee"},` +
				`"debugContext":{"debugData":{"url":"/api?u=ann%2b1%40x.org&n=Ann+Lee&m=Ann%20Lee"}}}`,
			`{"actor":{"type":"User","alternateId":"***","displayName":"***"},"debugContext":{"debugData":{"url":"/api?u=***&n=***&m=***"}}}`,
		},
		"gone from names that are not Okta's": {
			identity(ModeMask),
			`{"actor":{"type":"User","alternateId":"ann@x.org"},"debugContext":{"debugData":{"ann@x.org":1,"for ann@x.org":{"type":"ann@x.org"}}},` +
				`"of ann@x.org":0}`,
			`{"actor":{"type":"User","alternateId":"***"},"debugContext":{"debugData":{"***":1,"for ***":{"type":"***"}}},"of ***":0}`,
		},
		"a person called as one of Okta's words leaves the words alone": {
			identity(ModeMask),
			`{"actor":{"type":"User","alternateId":"SUCCESS","displayName":"User"},"outcome":{"result":"SUCCESS","reason":"a success"},` +
				`"target":[{"type":"User","displayName":"actor"}],"debugContext":{"debugData":{"requestUri":"/User"}},"client":{}}`,
			`{"actor":{"type":"User","alternateId":"***","displayName":"***"},"outcome":{"result":"SUCCESS","reason":"a ***"},` +
				`"target":[{"type":"User","displayName":"***"}],"debugContext":{"debugData":{"requestUri":"/***"}},"client":{}}`,
		},
		"short names are words": {
			identity(ModeMask),
			`{"actor":{"type":"User","alternateId":"a","displayName":"Li"},"displayMessage":"a Lisbon flat: Li's, li, La","client":{"zone":"a"},` +
				`"eventType":"a"}`,
			`{"actor":{"type":"User","alternateId":"***","displayName":"***"},"displayMessage":"*** Lisbon flat: ***'s, ***, La",` +
				`"client":{"zone":"***"},"eventType":"a"}`,
		},
		"what identifies nobody is redacted in its place only": {
			identity(ModeMask),
			`{"actor":{"type":"User","alternateId":"unknown","displayName":"7"},"displayMessage":"unknown 7","client":{"device":"Unknown"},` +
				`"target":[{"type":"User","displayName":"-"}]}`,
			`{"actor":{"type":"User","alternateId":"***","displayName":"***"},"displayMessage":"unknown 7","client":{"device":"Unknown"},` +
				`"target":[{"type":"User","displayName":"***"}]}`,
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
			`{"debugContext":{"debugData":{"n":12345,"f":1.50,"t":true,"z":null,"o":{"x":[2,"y"]}}},"client":{"p":12345,"q":123456,"r":"no. ` +
				`12345","ok":true},"version":"12345"}`,
			`{"debugContext":{"debugData":{"n":"***","f":"***","t":"***","z":null,"o":{"x":["***","***"]}}},"client":{"p":"***","q":"***",` +
				`"r":"no. ***","ok":true},"version":"12345"}`,
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
		"dropped first, middle, last": {drop("a", "c", "e"), `{"a":1,"b":2,"c":3,"d":4,"e":5}`, `{"b":2,"d":4}`},
		"dropped all":                 {drop("a", "b"), `{ "a":1 , "b":2 }`, `{  }`},
		"dropped at the end":          {drop("b", "c"), `{"a":1 , "b":2 , "c":3 }`, `{"a":1 }`},
		"dropped elements":            {drop("a[0]", "a[2]"), `{"a":[{"x":1},2,"third"],"b":"third"}`, `{"a":[2],"b":"***"}`},
		"dropped inside and around":   {drop("a.b", "a.c", "d"), `{"a":{"b":1,"c":2},"d":3}`, `{"a":{}}`},
		"dropped null":                {drop("a"), `{"a":null,"b":1}`, `{"b":1}`},
		"dropped map leaves its neighbor": {drop("target[User]"), `{"target":[{"type":"User","id":"0000u"},{"type":"App","id":"for 0000u"}]}`,
			`{"target":[{"type":"App","id":"for ***"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			got := redacted(t, tc.redaction, []byte(tc.event))
			require.Equal(t, tc.want, string(got))
			requireRedacted(t, tc.redaction, []byte(tc.event), got)
		})
	}
}

func TestOptionsAreRefusedWithWhatIsAllowed(t *testing.T) {
	for name, tc := range map[string]struct {
		redaction Options
		want      string
	}{
		"mode":        {Options{Mode: "blur"}, `mode "blur": must be "mask", "hash" or "drop"`},
		"short key":   {Options{Mode: ModeHash, Key: []byte("hunter2")}, `mode "hash" needs a key of at least 16 bytes, this one has 7`},
		"useless key": {Options{Mode: ModeDrop, Key: testKey}, `mode "drop" uses no key; a key is for mode "hash"`},
		"preset":      {Options{Presets: []string{"pii"}}, `preset "pii": must be "user_identity" or "personal_data"`},
		"nothing":     {Options{Presets: []string{}}, `no preset and no path: nothing would be redacted`},
		"path": {Options{Paths: []string{"target[]"}},
			`"target[]" is not a path: an element or type is missing between the brackets; ` + rawjson.PathForms + rawjson.WildForms},
		"the identity": {Options{Paths: []string{"uuid"}},
			`path "uuid": uuid and published say which event this is and when, and cannot be redacted`},
		"all": {Options{Paths: []string{"*.id"}},
			`path "*.id": uuid and published say which event this is and when, and cannot be redacted`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(tc.redaction)
			require.EqualError(t, err, tc.want)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
	secret := Options{Mode: ModeHash, Key: testKey}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.NotContains(t, fmt.Sprintf(verb, secret), string(testKey))
	}
}

func TestRedactedValuesAreInNoFixture(t *testing.T) {
	for _, mode := range []string{ModeMask, ModeHash, ModeDrop} {
		for _, preset := range []string{PresetUserIdentity, PresetPersonalData} {
			r := Options{Mode: mode, Presets: []string{preset}}
			if mode == ModeHash {
				r.Key = testKey
			}
			for _, name := range eventtest.Names(t) {
				raw := eventtest.Read(t, name)
				requireRedacted(t, r, raw, redacted(t, r, raw))
			}
		}
	}
}

// requireRestKept checks that what the redaction had no reason to touch has the
// same bytes, white space included.
func requireRestKept(t testing.TB, r Options, raw, out []byte) {
	t.Helper()
	if r.Mode == ModeDrop {
		return // TestOptions has the cases: what is kept is not where it was
	}
	v := judge(t, r, raw)
	var compare func(raw, out []byte, a, b rawjson.Span)
	same := func(a, b []byte) { require.Equal(t, string(a), string(b), "%s\n%s", raw, out) }
	compare = func(raw, out []byte, a, b rawjson.Span) {
		atA, atB := a.Start, b.Start
		gap := func(toA, toB uint32) { same(raw[atA:toA], out[atB:toB]) }
		switch raw[a.Start] {
		case '{':
			m, n := rawjson.MembersOf(raw, a), rawjson.MembersOf(out, b)
			for {
				nameA, valueA, ok := m.Next()
				nameB, valueB, okB := n.Next()
				require.Equal(t, ok, okB)
				if !ok {
					break
				}
				gap(nameA.Start, nameB.Start)
				if !v.mentioned(rawjson.Unquote(nameA.Of(raw))) {
					same(nameA.Of(raw), nameB.Of(out))
				}
				atA, atB = nameA.End, nameB.End
				gap(valueA.Start, valueB.Start)
				compare(raw, out, valueA, valueB)
				atA, atB = valueA.End, valueB.End
			}
			gap(a.End, b.End)
		case '[':
			e, f := rawjson.ElementsOf(raw, a), rawjson.ElementsOf(out, b)
			for !e.Done() {
				require.False(t, f.Done())
				valueA, valueB := e.Next(), f.Next()
				gap(valueA.Start, valueB.Start)
				compare(raw, out, valueA, valueB)
				atA, atB = valueA.End, valueB.End
			}
			gap(a.End, b.End)
		default:
			var insideA, insideB rawjson.Text
			okA, okB := insideA.Read(raw, a), insideB.Read(out, b)
			text := string(tokenPattern.ReplaceAll(b.Of(out), nil))
			switch {
			case bytes.Equal(a.Of(raw), b.Of(out)) || text == `""`: // untouched, or redacted as a whole
			case okA && okB && !v.mentioned(string(insideA.Raw)):
				compare(insideA.Raw, insideB.Raw, valueOf(insideA.Raw), valueOf(insideB.Raw))
			case okA && okB: // what is mentioned in it may lie across its tokens
			default:
				require.True(t, v.mentioned(parseTree(t, a.Of(raw)).text), "%s became %s\n%s", a.Of(raw), b.Of(out), raw)
			}
		}
	}
	compare(raw, out, rawjson.SpanOf(0, len(raw)), rawjson.SpanOf(0, len(out)))
}

// valueOf is where the value in JSON text is.
func valueOf(text []byte) rawjson.Span {
	start := rawjson.SkipSpace(text, 0)
	return rawjson.SpanOf(start, rawjson.SkipValue(text, start, 0))
}
