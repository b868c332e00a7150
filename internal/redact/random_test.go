package redact

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
)

// randomEvent makes an event of Okta's shape in which a few values turn up in
// likely and unlikely places and spellings.
func randomEvent(r *rand.Rand) []byte {
	pool := []string{"ann.lee@acme.example", "Ann Lee", "Zoë Łuk", "a", "Li", "SUCCESS", "User", "198.51.100.7", "4155550123",
		"o'neil \"x\"", `back\slash`, "unknown", "日本", "ſtraße", "2026", "a/b/c@x", "ann", "\t", "***", "hmac"}
	pick := func() string { return pool[r.IntN(len(pool))] }
	spell := func(s string) string {
		var b strings.Builder
		for _, c := range s {
			switch {
			case r.IntN(12) == 0 && c < 0x10000:
				fmt.Fprintf(&b, `\u%04x`, c)
			case r.IntN(8) == 0:
				c = []rune(strings.ToUpper(string(c)))[0]
				fallthrough
			default:
				q, _ := json.Marshal(string(c))
				b.Write(q[1 : len(q)-1])
			}
		}
		return `"` + b.String() + `"`
	}
	text := func() string {
		s := pick()
		switch r.IntN(8) {
		case 0:
			s = "for " + s + " (" + pick() + ")"
		case 1:
			s = "x" + s + pick()
		case 2:
			s = "/u?q=" + url.QueryEscape(s)
		}
		return spell(s)
	}
	scalar := func() string {
		switch r.IntN(10) {
		case 0:
			return "null"
		case 1:
			return "true"
		case 2:
			return fmt.Sprint(r.IntN(5000))
		case 3:
			return "4155550123"
		}
		return text()
	}
	comma := func() string { return []string{",", " ,", ", ", ",\n"}[r.IntN(4)] }
	var value func(depth int) string
	value = func(depth int) string {
		switch k := r.IntN(6); {
		case depth > 0 && k == 0:
			var all []string
			for range r.IntN(4) {
				all = append(all, []string{text(), `"type"`, `"id"`, `"url"`, `"displayName"`, `"behaviors"`, `"profile"`,
					`"actor"`}[r.IntN(8)]+":"+value(depth-1))
			}
			return "{" + strings.Join(all, comma()) + "}"
		case depth > 0 && k == 2 && r.IntN(2) == 0:
			return spell(value(depth - 1)) // JSON in a string
		case depth > 0 && k == 1:
			var all []string
			for range r.IntN(4) {
				all = append(all, value(depth-1))
			}
			return "[" + strings.Join(all, comma()) + "]"
		}
		return scalar()
	}
	party := func() string {
		all := []string{`"type":"` + []string{"User", "AppInstance", "UserGroup", "app_user", "user group"}[r.IntN(5)] + `"`, `"id":` +
			scalar(), `"alternateId":` + scalar(), `"displayName":` + scalar(), `"detailEntry":` + value(2)}
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		return "{" + strings.Join(all[:2+r.IntN(4)], comma()) + "}"
	}
	var targets []string
	for range r.IntN(4) {
		targets = append(targets, party())
	}
	all := []string{
		`"uuid":"0000-1111"`, `"published":"2026-08-21T10:00:00.000Z"`, `"eventType":"user.session.start"`, `"severity":"INFO"`,
		`"actor":` + party(), `"target":[` + strings.Join(targets, comma()) + "]", `"displayMessage":` + text(),
		`"client":{"ipAddress":` + scalar() + `,"userAgent":` + value(2) + `,"zone":` + text() + "}",
		`"debugContext":{"debugData":` + value(3) + "}", `"outcome":{"result":` + text() + `,"reason":` + text() + "}",
	}
	if r.IntN(4) == 0 {
		all = append(all, text()+":"+value(3))
	}
	if r.IntN(8) == 0 {
		all = append(all, `"actor":`+party())
	}
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return []byte("{" + strings.Join(all, comma()) + "}")
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
