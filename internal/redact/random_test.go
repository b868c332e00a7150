package redact

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
)

// generator makes the parts of a random event.
type generator struct{ *rand.Rand }

func (g generator) pick() string {
	pool := []string{"ann.lee@acme.example", "Ann Lee", "Zoë Łuk", "a", "Li", "SUCCESS", "User", "198.51.100.7", "4155550123",
		"o'neil \"x\"", `back\slash`, "unknown", "日本", "ſtraße", "2026", "a/b/c@x", "ann", "\t", "***", "hmac"}
	return pool[g.IntN(len(pool))]
}

// spell returns s as a JSON string, some of its characters escaped or in upper case.
func (g generator) spell(s string) string {
	var b strings.Builder
	for _, c := range s {
		switch {
		case g.IntN(12) == 0 && c < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, c)
		case g.IntN(8) == 0:
			c = []rune(strings.ToUpper(string(c)))[0]
			fallthrough
		default:
			q, _ := json.Marshal(string(c))
			b.Write(q[1 : len(q)-1])
		}
	}
	return `"` + b.String() + `"`
}

func (g generator) text() string {
	s := g.pick()
	switch g.IntN(8) {
	case 0:
		s = "for " + s + " (" + g.pick() + ")"
	case 1:
		s = "x" + s + g.pick()
	case 2:
		s = "/u?q=" + url.QueryEscape(s)
	}
	return g.spell(s)
}

func (g generator) scalar() string {
	switch g.IntN(10) {
	case 0:
		return "null"
	case 1:
		return "true"
	case 2:
		return fmt.Sprint(g.IntN(5000))
	case 3:
		return "4155550123"
	}
	return g.text()
}

func (g generator) comma() string {
	return []string{",", " ,", ", ", ",\n"}[g.IntN(4)]
}

// value returns JSON of at most that depth.
func (g generator) value(depth int) string {
	switch k := g.IntN(6); {
	case depth > 0 && k == 0:
		var all []string
		for range g.IntN(4) {
			all = append(all, []string{g.text(), `"type"`, `"id"`, `"url"`, `"displayName"`, `"behaviors"`, `"profile"`,
				`"actor"`}[g.IntN(8)]+":"+g.value(depth-1))
		}
		return "{" + strings.Join(all, g.comma()) + "}"
	case depth > 0 && k == 2 && g.IntN(2) == 0:
		return g.spell(g.value(depth - 1)) // JSON in a string
	case depth > 0 && k == 1:
		var all []string
		for range g.IntN(4) {
			all = append(all, g.value(depth-1))
		}
		return "[" + strings.Join(all, g.comma()) + "]"
	}
	return g.scalar()
}

// party returns an actor or a target.
func (g generator) party() string {
	all := []string{`"type":"` + []string{"User", "AppInstance", "UserGroup", "app_user", "user group"}[g.IntN(5)] + `"`, `"id":` +
		g.scalar(), `"alternateId":` + g.scalar(), `"displayName":` + g.scalar(), `"detailEntry":` + g.value(2)}
	g.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return "{" + strings.Join(all[:2+g.IntN(4)], g.comma()) + "}"
}

// randomEvent makes an event of Okta's shape in which a few values turn up in
// likely and unlikely places and spellings.
func randomEvent(r *rand.Rand) []byte {
	g := generator{r}
	var targets []string
	for range r.IntN(4) {
		targets = append(targets, g.party())
	}
	all := []string{
		`"uuid":"0000-1111"`, `"published":"2026-08-21T10:00:00.000Z"`, `"eventType":"user.session.start"`, `"severity":"INFO"`,
		`"actor":` + g.party(), `"target":[` + strings.Join(targets, g.comma()) + "]", `"displayMessage":` + g.text(),
		`"client":{"ipAddress":` + g.scalar() + `,"userAgent":` + g.value(2) + `,"zone":` + g.text() + "}",
		`"debugContext":{"debugData":` + g.value(3) + "}", `"outcome":{"result":` + g.text() + `,"reason":` + g.text() + "}",
	}
	if r.IntN(4) == 0 {
		all = append(all, g.text()+":"+g.value(3))
	}
	if r.IntN(8) == 0 {
		all = append(all, `"actor":`+g.party())
	}
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return []byte("{" + strings.Join(all, g.comma()) + "}")
}

func randomRedaction(r *rand.Rand) Options {
	paths := []string{"client.ipAddress", "debugContext.debugData.*", "target[*].detailEntry", "target[*].id", "displayMessage", "actor",
		"outcome.reason", "client.userAgent.*.id", "target[0].alternateId", "debugContext.*"}
	red := Options{Mode: []string{ModeMask, ModeHash, ModeDrop}[r.IntN(3)]}
	if red.Mode == ModeHash {
		red.Key = testKey
	}
	switch r.IntN(3) {
	case 0:
		red.Presets = []string{PresetPersonalData}
	case 1:
		red.Presets = []string{}
		red.Paths = []string{paths[r.IntN(len(paths))]}
	}
	for range r.IntN(3) {
		red.Paths = append(red.Paths, paths[r.IntN(len(paths))])
	}
	return red
}
