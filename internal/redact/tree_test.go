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

// encode is the JSON of the tree.
func (v *tree) encode() string {
	switch v.kind {
	case '{', '[':
		var b strings.Builder
		for i, m := range v.members {
			b.WriteString(map[bool]string{true: ",", false: ""}[i > 0])
			if v.kind == '{' {
				b.Write(quoted(v.names[i]))
				b.WriteByte(':')
			}
			b.WriteString(m.encode())
		}
		return string(v.kind) + b.String() + string(v.kind+2)
	case '"':
		if v.inside != nil {
			return string(quoted(v.inside.encode()))
		}
		return string(quoted(v.text))
	case 'n':
		return "null"
	}
	return v.text
}

// each calls f for each value, also of JSON in strings, and tells whether a preset leaves names there.
func (v *tree) each(open bool, f func(v *tree, open bool)) {
	f(v, open)
	for i, m := range v.members {
		inside := open
		if v.kind == '{' {
			inside = opens(v.names[i], open)
		}
		m.each(inside, f)
	}
	if v.inside != nil {
		v.inside.each(open, f)
	}
}

// under calls f for each value that the path leads to, and tells whether that is open to a preset.
func (v *tree) under(p rawjson.Path, open bool, f func(v *tree, open bool)) {
	if len(p) == 0 {
		f(v, open)
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
				e.under(p[1:], open, f)
			}
		}
	case s.Picks != nil && v.kind == '{':
		if v.fits(s.Picks, -1) {
			v.under(p[1:], open, f)
		}
	case s.Picks == nil && v.kind == '{':
		for i, name := range v.names {
			if s.Any || name == s.Name {
				v.members[i].under(p[1:], opens(name, open), f)
			}
		}
	case s.Picks == nil && v.kind == '[':
		for _, e := range v.members {
			if s.Any {
				e.under(p[1:], open, f)
			} else {
				e.under(p, open, f)
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

// identityGuard is what user_identity redacts.
func identityGuard() *guard {
	g, _ := guardOf([]string{PresetUserIdentity})
	return g
}

// scalars calls f for each scalar in the value; constant tells that the value of
// a member like "type" is meant, open that a preset leaves names there.
func (v *tree) scalars(constant, open bool, f func(scalar *tree, constant, open bool)) {
	if v.kind != '{' && v.kind != '[' {
		f(v, constant, open)
	}
	for i, m := range v.members {
		inside := open
		if v.kind == '{' {
			inside = opens(v.names[i], open)
		}
		m.scalars(constant || v.kind == '{' && len(m.members) == 0 && knownNames[v.names[i]] == nameConstant, inside, f)
	}
}

// opens tells whether what a member of that name holds is open, where the object is or is not.
func opens(name string, before bool) bool {
	switch identityGuard().free.of(normalize(name)) {
	case open:
		return true
	case unknown, word, keep:
		return before
	}
	return false
}

// eachName calls f for each member name in the value, and tells whether it is known to name nobody.
func (v *tree) eachName(open bool, f func(name string, thing bool)) {
	for i, m := range v.members {
		inside := open
		if v.kind == '{' {
			f(v.names[i], open || identityGuard().free.of(normalize(v.names[i])) > word)
			inside = opens(v.names[i], open)
		}
		m.eachName(inside, f)
	}
}

// searchable calls f for each text of an event that redacted values must not be
// in: names that are not Okta's, strings and numbers that are not its words.
func (v *tree) searchable(f func(text string)) {
	for i, name := range v.names {
		if !topNames[name] {
			f(name)
		}
		if name == "outcome" && v.members[i].kind == '{' {
			v.members[i].withoutReasons().searchableIn(false, false, f)
		} else if !topConstants[name] {
			v.members[i].searchableIn(!topNames[name], false, f)
		}
	}
}

// withoutReasons is an outcome without the reasons that are Okta's own.
func (v *tree) withoutReasons() *tree {
	rest := &tree{kind: v.kind}
	for i, name := range v.names {
		if name == "reason" && v.members[i].kind == '"' && reasons[v.members[i].text] {
			continue
		}
		rest.names, rest.members = append(rest.names, name), append(rest.members, v.members[i])
	}
	return rest
}

func (v *tree) searchableIn(free, constant bool, f func(text string)) {
	if (!constant || v.kind == '"' && mayHoldAddress(v.text)) && (v.kind == '"' || v.kind == '0') {
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

// guarded calls end for each value that a preset redacts, kept for each string that stays, and named for each name.
func (v *tree) guarded(g *guard, in scope, scalar, isOpen bool, end func(*tree), kept func(text string, in scope), named func(name string, thing bool)) {
	switch v.kind {
	case '{':
		v.guardedMembers(g, in, isOpen, end, kept, named)
	case '[':
		for _, e := range v.members {
			e.guarded(g, in, scalar, isOpen, end, kept, named)
		}
	case '"', '0':
		switch {
		case v.inside != nil:
			v.inside.guarded(g, free, scalar, isOpen, end, kept, named)
		case (scalar || v.kind == '"' && in == free && !isOpen && brokenJSON.MatchString(v.text)) && identifies(v.text):
			end(v)
		case v.kind == '"':
			kept(v.text, in)
		}
	}
}

func (v *tree) guardedMembers(g *guard, in scope, isOpen bool, end func(*tree), kept func(text string, in scope), named func(name string, thing bool)) {
	classes := map[bool]*table{true: g.documented, false: g.free}[in == documented]
	for i, m := range v.members {
		c := classes.of(normalize(v.names[i]))
		named(v.names[i], isOpen || c > word)
		switch c {
		case unknown, word:
			m.guarded(g, free, !isOpen, isOpen, end, kept, named)
		case keep:
			m.guarded(g, in, false, isOpen, end, kept, named)
		case holder:
			m.guarded(g, in, true, false, end, kept, named)
		case freeMap:
			m.guarded(g, free, true, false, end, kept, named)
		case all:
			end(m)
		case open:
			m.guarded(g, in, false, true, end, kept, named)
		case name:
			if g.isThing(v.types()) {
				m.guarded(g, free, false, false, end, kept, named)
			} else {
				end(m)
			}
		}
	}
}
