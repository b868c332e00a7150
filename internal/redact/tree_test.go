package redact

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/rawjson"
)

// A tree is a JSON value decoded by encoding/json with order and repeated
// names kept: what the redaction is judged by, and shares no code with.
type tree struct {
	kind    byte // one of { [ " 0 t n
	text    string
	names   []string
	members []*tree // of an object, or elements of an array
	inside  *tree   // the object or array that a string holds as JSON
}

func parseTree(t testing.TB, b []byte) *tree {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var value func() *tree
	value = func() *tree {
		token, err := d.Token()
		require.NoError(t, err, "%q", b)
		switch token := token.(type) {
		case json.Delim:
			v := &tree{kind: byte(token)}
			for d.More() {
				if token == '{' {
					name, err := d.Token()
					require.NoError(t, err)
					v.names = append(v.names, name.(string))
				}
				v.members = append(v.members, value())
			}
			_, err := d.Token()
			require.NoError(t, err)
			return v
		case string:
			v := &tree{kind: '"', text: token}
			if trimmed := strings.TrimLeft(token, " \t\r\n"); trimmed != "" && strings.Contains("{[", trimmed[:1]) && json.Valid([]byte(token)) {
				v.inside = parseTree(t, []byte(token))
			}
			return v
		case json.Number:
			return &tree{kind: '0', text: token.String()}
		case bool:
			return &tree{kind: 't', text: map[bool]string{true: "true", false: "false"}[token]}
		default:
			return &tree{kind: 'n'}
		}
	}
	return value()
}

// under calls f for each value that the path leads to.
func (v *tree) under(p rawjson.Path, f func(*tree)) {
	if len(p) == 0 {
		f(v)
		return
	}
	if v.inside != nil {
		v = v.inside
	}
	s := p[0]
	switch {
	case s.Picks != nil && v.kind == '[':
		for i, e := range v.members {
			if e.fits(s.Picks, i) {
				e.under(p[1:], f)
			}
		}
	case s.Picks != nil && v.kind == '{':
		if v.fits(s.Picks, -1) {
			v.under(p[1:], f)
		}
	case s.Picks == nil && v.kind == '{':
		for i, name := range v.names {
			if s.Any || name == s.Name {
				v.members[i].under(p[1:], f)
			}
		}
	case s.Picks == nil && v.kind == '[':
		for _, e := range v.members {
			if s.Any {
				e.under(p[1:], f)
			} else {
				e.under(p, f)
			}
		}
	}
}

// fits tells whether one of the picks chooses the value, an array's element of that index or, with -1, a single object.
func (v *tree) fits(picks []rawjson.Pick, index int) bool {
	return slices.ContainsFunc(picks, func(p rawjson.Pick) bool {
		return p.Any || p.Type != "" && slices.Contains(v.types(), p.Type) || p.Type == "" && p.Index == index
	})
}

// types returns the strings that the value's "type" members hold.
func (v *tree) types() []string {
	var types []string
	for i, n := range v.names {
		if n == "type" && v.members[i].kind == '"' {
			types = append(types, v.members[i].text)
		}
	}
	return types
}

// scalars calls f for each scalar in the value; constant tells that the value of
// a member like "type" is meant.
func (v *tree) scalars(constant bool, f func(scalar *tree, constant bool)) {
	if v.kind != '{' && v.kind != '[' {
		f(v, constant)
	}
	for i, m := range v.members {
		m.scalars(constant || v.kind == '{' && len(m.members) == 0 && knownNames[v.names[i]] == nameConstant, f)
	}
}

// eachName calls f for each member name in the value.
func (v *tree) eachName(f func(name string)) {
	for i, m := range v.members {
		if v.kind == '{' {
			f(v.names[i])
		}
		m.eachName(f)
	}
}

// searchable calls f for each text of an event that redacted values must not be
// in: names that are not Okta's, strings and numbers that are not its words.
func (v *tree) searchable(f func(text string)) {
	for i, name := range v.names {
		if !topNames[name] {
			f(name)
		}
		if !topConstants[name] {
			v.members[i].searchableIn(!topNames[name], false, f)
		}
	}
}

func (v *tree) searchableIn(free, constant bool, f func(text string)) {
	if !constant && (v.kind == '"' || v.kind == '0') {
		f(v.text)
		if v.inside != nil {
			v.inside.searchableIn(true, false, f)
		}
	}
	for i, m := range v.members {
		if v.kind == '[' {
			m.searchableIn(free, constant, f)
			continue
		}
		known := knownNames[v.names[i]]
		if known == nameUnknown {
			f(v.names[i])
		}
		m.searchableIn(free || known == nameFree, !free && known == nameConstant, f)
	}
}

var brokenJSON = regexp.MustCompile(`^[ \t\r\n]*[\[{][ \t\r\n\[{]*"`)

// guarded calls end for each value that a preset redacts, and address for each string that stays.
func (v *tree) guarded(g *guard, in scope, scalar, isOpen bool, end func(*tree), kept func(text string)) {
	switch v.kind {
	case '{':
		v.guardedMembers(g, in, isOpen, end, kept)
	case '[':
		for _, e := range v.members {
			e.guarded(g, in, scalar, isOpen, end, kept)
		}
	case '"', '0':
		switch {
		case v.inside != nil:
			v.inside.guarded(g, free, scalar, isOpen, end, kept)
		case (scalar || v.kind == '"' && in == free && !isOpen && brokenJSON.MatchString(v.text)) && identifies(v.text):
			end(v)
		case v.kind == '"':
			kept(v.text)
		}
	}
}

func (v *tree) guardedMembers(g *guard, in scope, isOpen bool, end func(*tree), kept func(text string)) {
	classes := map[bool]*table{true: g.documented, false: g.free}[in == documented]
	for i, m := range v.members {
		kept(v.names[i])
		switch classes.of(normalize(v.names[i])) {
		case unknown:
			m.guarded(g, free, !isOpen, isOpen, end, kept)
		case keep:
			m.guarded(g, in, false, isOpen, end, kept)
		case holder:
			m.guarded(g, in, true, false, end, kept)
		case freeMap:
			m.guarded(g, free, true, false, end, kept)
		case all:
			end(m)
		case open:
			m.guarded(g, in, false, true, end, kept)
		case name:
			if g.isThing(v.types()) {
				m.guarded(g, free, false, false, end, kept)
			} else {
				end(m)
			}
		}
	}
}
