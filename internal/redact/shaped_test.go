package redact

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event/eventtest"
	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/rawjson"
)

// events are of all kinds: fixtures, what rules fire on, an org's, random ones, and some in which the type comes late or twice.
func events(t testing.TB) (all [][]byte) {
	for _, name := range eventtest.Names(t) {
		all = append(all, eventtest.Read(t, name))
	}
	for _, pattern := range []string{"../../detections/rules/*/*.jsonl", "../../testdata/cases/*/event.json", "testdata/people.ndjson"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, files, pattern)
		for _, file := range files {
			content, err := os.ReadFile(file)
			require.NoError(t, err)
			lines := [][]byte{content}
			if filepath.Ext(file) != ".json" {
				lines = bytes.Split(content, []byte("\n"))
			}
			for _, line := range lines {
				if line = bytes.TrimSpace(line); len(line) > 0 {
					all = append(all, line)
				}
			}
		}
	}
	org := &oktasim.Org{Seed: 5}
	org.Generate(300, time.Hour)
	all = append(all, org.Events()...)
	for seed := range uint64(1000) {
		all = append(all, randomEvent(rand.New(rand.NewPCG(seed, 7))))
	}
	const kari = `"alternateId":"kari@acme.example","displayName":"Kari Rotnes"`
	for _, party := range []string{
		`"type":"AppInstance",` + kari, `"type":"User",` + kari, kari + `,"type":"User"`, kari + `,"type":"AppInstance"`, kari, `"type":null,` + kari,
		`"type":"AppInstance",` + kari + `,"type":"User"`, `"type":"User",` + kari + `,"type":"AppInstance"`, `"type":"kari@acme.example",` + kari,
		`"type":"AppInstance","alternateId":"Slack","displayName":null`, `"type":"AppInstance","alternateId":7,"displayName":true`, `"type":7,` + kari,
		`"typ\u0065":"AppInstance",` + kari, `"type":"App\u0049nstance",` + kari, `"type":{"type":"AppInstance"},` + kari, `"type":"Kari Rotnes",` + kari,
	} {
		for _, around := range []string{
			`{"actor":{%s},"displayMessage":"Kari Rotnes"}`, `{"target":[{%s},{"type":"User","id":"Kari Rotnes"}]}`, `{"target":[[{%s}]]}`,
			`{"debugContext":{"debugData":{"owner":{%s}}},"outcome":{"reason":"kari@acme.example"}}`, `{"new":{%s}}`, `{ "actor" : { %s } }`,
		} {
			all = append(all, fmt.Appendf(nil, around, party))
		}
	}
	for _, outcome := range []string{
		`{"reason":"LOCKED_OUT"}`, `[{"reason":"LOCKED_OUT"}]`, `{"reason":["LOCKED_OUT"]}`, `{"reason":{"reason":"LOCKED_OUT"}}`, `"LOCKED_OUT"`,
		`{"outcome":{"reason":"LOCKED_OUT"}}`, `{"reason":"LOCKED_OUT","reason":"Kari LOCKED_OUT"}`, `{"reason":"LOCKED\u005fOUT"}`,
	} {
		all = append(all, fmt.Appendf(nil, `{"outcome":%s,"actor":{"type":"User","displayName":"LOCKED_OUT"}}`, outcome))
	}
	return append(all, []byte(`{}`), []byte(`{ }`), []byte(`{"a":[`+strings.Repeat("null,", 4000)+`1]}`),
		[]byte(strings.Repeat(`{"a":`, 100)+`"Kari"`+strings.Repeat("}", 100)))
}

// TestShapesOfOktasEventsAreKnown is what makes redaction fast: nearly every event is of a known shape, and shapes are few.
func TestShapesOfOktasEventsAreKnown(t *testing.T) {
	org := &oktasim.Org{Seed: 3}
	org.Generate(500, time.Hour)
	for _, row := range presets {
		r, err := New(Options{Presets: []string{row.name}})
		require.NoError(t, err)
		walked := 0
		all := append(org.Events(), eventtest.Read(t, "large_change_details"))
		for range 2 {
			for _, raw := range all {
				p := r.Begin()
				p.begin()
				p.raw, p.members = raw, p.space[:0]
				if !p.shaped() {
					walked++
				}
				p.End()
			}
		}
		require.LessOrEqual(t, walked, len(all)/50, row.name)
		require.LessOrEqual(t, r.shapes.pieces, 1000)
	}
}

// TestAnEventThatIsWalkedMakesNoOtherSlow has an event first that is walked because of a value, and then one that differs in that value.
func TestAnEventThatIsWalkedMakesNoOtherSlow(t *testing.T) {
	for walked, known := range map[string]string{
		`{"actor":{"type":"a.b","displayName":"Kari"}}`:                 `{"actor":{"type":"User","displayName":"Kari"}}`,
		`{"actor":{"type":"Usér","displayName":"Kari"}}`:                `{"actor":{"type":"User","displayName":"Kari"}}`,
		`{"actor":{"type":"User","displayName":true}}`:                  `{"actor":{"type":"User","displayName":"Kari"}}`,
		`{"debugContext":{"debugData":{"profile":{"status":true}}}}`:    `{"debugContext":{"debugData":{"profile":{"status":"x"}}}}`,
		`{"debugContext":{"debugData":{"profile":{"status":[false]}}}}`: `{"debugContext":{"debugData":{"profile":{"status":["x"]}}}}`,
	} {
		r, err := New(Options{})
		require.NoError(t, err)
		shaped := func(raw string) bool {
			p := r.Begin()
			defer p.End()
			p.begin()
			p.raw, p.members = []byte(raw), p.space[:0]
			return p.shaped()
		}
		require.False(t, shaped(walked), walked)
		require.True(t, shaped(known), known)
		pieces := r.shapes.pieces
		require.False(t, shaped(walked), walked)
		require.Equal(t, pieces, r.shapes.pieces, "nor is it remembered")
	}
}

// TestShapesAreBounded has events of ever new shapes, of which some are forgotten, not redacted less.
func TestShapesAreBounded(t *testing.T) {
	r, err := New(Options{})
	require.NoError(t, err)
	for n := range maxPieces + 2000 {
		raw := fmt.Appendf(nil, `{"debugContext":{"debugData":{"request%d":{"id":"1"}}},"actor":{"type":"User","displayName":"Kari Rotnes"}}`, n%10000*7)
		if n > 10000 {
			raw = fmt.Appendf(nil, `{"risk%d":"%d","actor":{"type":"User","displayName":"Kari Rotnes"}}`, n%10000, n)
		}
		p := r.Begin()
		require.NotContains(t, string(p.Redact(raw, nil)), "Kari")
		p.End()
	}
	require.LessOrEqual(t, r.shapes.pieces, maxPieces)
	require.LessOrEqual(t, r.shapes.bytes, maxPieceBytes)
}

// TestFramesAreBounded has events that are nested in ever new ways, each in a single piece.
func TestFramesAreBounded(t *testing.T) {
	r, err := New(Options{})
	require.NoError(t, err)
	for n := range 2000 {
		raw := `"Kari Rotnes"`
		for level := range 50 {
			if n>>(level%11)&1 == 0 {
				raw = "[" + raw + "]"
			} else {
				raw = `{"type":"` + []string{"User", "AppInstance"}[level%2] + `","id":` + raw + "}"
			}
		}
		p := r.Begin()
		require.NotContains(t, string(p.Redact([]byte(`{"actor":{"type":"User","displayName":"Kari Rotnes"},"x":`+raw+"}"), nil)), "Kari")
		p.End()
	}
	require.Equal(t, maxPieces, r.shapes.frames, "all that there may be")
	frames := 0
	var count func(f *frame)
	count = func(f *frame) {
		for _, of := range f.typed {
			if of != nil {
				frames++
				count(of)
			}
		}
		for _, in := range f.inside {
			frames++
			count(in)
		}
	}
	count(r.shapes.top)
	require.Equal(t, maxPieces, frames)
}

// TestShapesAreLearnedByMany runs under the race detector.
func TestShapesAreLearnedByMany(t *testing.T) {
	all := events(t)
	r, err := New(Options{})
	require.NoError(t, err)
	walks, err := New(Options{})
	require.NoError(t, err)
	walks.shapes.guard = nil
	var group sync.WaitGroup
	for n := range 4 {
		group.Go(func() {
			for i := range all {
				raw := all[(i+n*50)%len(all)]
				p, q := r.Begin(), walks.Begin()
				if string(p.Redact(raw, nil)) != string(q.Redact(raw, nil)) {
					t.Errorf("%s", raw)
				}
				p.End()
				q.End()
			}
		})
	}
	group.Wait()
}

// Where a string of a known shape ends, and what of it is to be looked at in full, is told of eight bytes at a time: no byte, place or
// neighbor may make a sign be missed, or something else be taken for the end.
func TestStringsOfAKnownShapeAreReadToTheirEnd(t *testing.T) {
	var signs []string
	for c := ' '; c <= 0x7f; c++ {
		if c != '"' && c != '\\' {
			signs = append(signs, string(c))
		}
	}
	signs = append(signs, `\"`, `\\`, `\u0022`, "é", "\u07ff", "\U0001f600", "\x80", "\xff", "\xff\x21", "\xff\x3e", "\x7f!", "\x7f>")
	for _, sign := range signs {
		odd := strings.ContainsAny(sign, "@%&?\\\x7f") || sign[0] >= 0x7f
		for before := range 18 {
			for after := range 10 {
				text := strings.Repeat("a", before) + sign + strings.Repeat("b", after)
				for _, rest := range []string{"", "}", `,"@%&?":"\\é"}`, strings.Repeat(`"`, 9)} {
					end, isOdd := stringEnd([]byte(`"`+text+`"`+rest), 1)
					require.Equal(t, 1+len(text), end, "%q before %q", text, rest)
					require.Equal(t, odd, isOdd, "%q before %q", text, rest)
				}
			}
		}
	}
	for _, number := range []string{"0", "-1", "12.5", "-1e9", "1E+9", "1.25e-10", "37.7749"} {
		for _, rest := range []string{",", "}", "]", " ,", "\n}", "\t]", "\r\n]"} {
			b := []byte(number + rest)
			require.Equal(t, rawjson.SkipValue(b, 0, 0), numberEnd(b, 0), "%q", b)
		}
	}
}
