package redact

import (
	"encoding/json"
	"fmt"
	"html"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event/eventtest"
)

// FuzzRedact redacts one event by rules that the seed chooses.
func FuzzRedact(f *testing.F) {
	for i, name := range eventtest.Names(f) {
		f.Add(eventtest.Read(f, name), uint64(i))
	}
	for seed := range uint64(24) {
		f.Add(randomEvent(rand.New(rand.NewPCG(seed, 7))), seed)
	}
	f.Fuzz(func(t *testing.T, raw []byte, seed uint64) {
		if len(raw) == 0 || raw[0] != '{' || raw[len(raw)-1] != '}' || !json.Valid(raw) {
			return
		}
		r := randomRedaction(rand.New(rand.NewPCG(seed, 5)))
		got := redacted(t, r, raw)
		requireRedacted(t, r, raw, got)
		requireRestKept(t, r, raw, got)
	})
}

// FuzzPlanted plants somebody at a random place of a random event: as a member's name, or by an address in a text or a name. Nothing of it
// may be left.
func FuzzPlanted(f *testing.F) {
	for seed := range uint64(2 * len(peoplesNames)) {
		f.Add(seed, peoplesNames[int(seed)/2])
	}
	f.Fuzz(func(t *testing.T, seed uint64, who string) {
		g := generator{rand.New(rand.NewPCG(seed, 11))}
		event := parseTree(t, randomEvent(g.Rand))
		if !utf8.ValidString(who) || len(who) > 50 || !identifies(who) || !strings.ContainsFunc(html.UnescapeString(who), unicode.IsLetter) || isIn(event, who) {
			return
		}
		planted := who
		if byAddress := seed%2 == 0; byAddress {
			local := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(who) + `"`
			kinds := []string{"as it is", "query", "query, %20", "path", "lower hex", "every byte", "JSON", "JSON twice"}
			if !strings.ContainsAny(who, `\"`) { // beside entities \ may be the address's or an escape of JSON
				kinds = append(kinds, "HTML", "HTML, @")
			}
			planted = spellings[kinds[g.IntN(len(kinds))]](local + "@acme.example")
			plantText(t, g, event, fmt.Sprintf([]string{"%s", "for <%s>", "mailto:%s", "/u/%s/x"}[g.IntN(4)], planted))
		} else if namesNobody(t, who) || identityGuard().documented.of(normalize(who)) > word || identityGuard().free.of(normalize(who)) > word {
			return
		} else {
			plantName(t, g, event, who)
		}
		raw := event.encode()
		for name, o := range everyRedaction() {
			got := redacted(t, o, []byte(raw))
			require.True(t, json.Valid(got), "%s: %s", name, got)
			for _, gone := range []string{who, planted} {
				if isIn(parseTree(t, got), gone) {
					t.Fatalf("%s: %q is still in\n%s\nwhich was\n%s", name, gone, got, raw)
				}
			}
		}
	})
}

// plantName adds a member of that name to an object, if there is one that has no things for members.
func plantName(t testing.TB, g generator, event *tree, who string) {
	var objects []*tree
	event.each(false, func(v *tree, open bool) {
		if v.kind == '{' && !open {
			objects = append(objects, v)
		}
	})
	object := objects[g.IntN(len(objects))] // the event is one
	object.names = append(object.names, who)
	object.members = append(object.members, parseTree(t, []byte([]string{`null`, `{}`, `[7]`, `true`, `"admin"`}[g.IntN(5)])))
}

// plantText puts a text into the place of one, or makes it a member's name.
func plantText(t testing.TB, g generator, event *tree, text string) {
	var places []*tree
	event.each(false, func(v *tree, _ bool) {
		if v.kind == '{' || v.kind == '"' && v.inside == nil {
			places = append(places, v)
		}
	})
	for i, name := range event.names {
		if topConstants[name] {
			places = slices.DeleteFunc(places, func(v *tree) bool { return v == event.members[i] })
		}
	}
	if place := places[g.IntN(len(places))]; place.kind == '"' {
		place.text = text
	} else {
		place.names = append(place.names, text)
		place.members = append(place.members, parseTree(t, []byte([]string{`null`, `{}`, `[7]`, `true`, `"admin"`}[g.IntN(5)])))
	}
}
