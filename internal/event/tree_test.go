package event

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// A tree is a JSON value decoded by encoding/json with order and repeated
// names kept: what the redaction is judged by, and shares no code with.
type tree struct {
	kind    byte // one of { [ " 0 t n
	text    string
	names   []string
	members []*tree // of an object, or elements of an array
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
			return &tree{kind: '"', text: token}
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
func (v *tree) under(p path, f func(*tree)) {
	if len(p) == 0 {
		f(v)
		return
	}
	s := p[0]
	isType := func(v *tree, typ string) bool {
		for i, name := range v.names {
			if name == "type" && v.members[i].kind == '"' && v.members[i].text == typ {
				return true
			}
		}
		return false
	}
	fits := func(v *tree, index int) bool {
		return slices.ContainsFunc(s.picks, func(p pick) bool {
			return p.any || p.typ != "" && isType(v, p.typ) || p.typ == "" && p.index == index
		})
	}
	switch {
	case s.picks != nil && v.kind == '[':
		for i, e := range v.members {
			if fits(e, i) {
				e.under(p[1:], f)
			}
		}
	case s.picks != nil && v.kind == '{':
		if fits(v, -1) {
			v.under(p[1:], f)
		}
	case s.picks == nil && v.kind == '{':
		for i, name := range v.names {
			if s.any || name == s.name {
				v.members[i].under(p[1:], f)
			}
		}
	case s.picks == nil && v.kind == '[':
		for _, e := range v.members {
			if s.any {
				e.under(p[1:], f)
			} else {
				e.under(p, f)
			}
		}
	}
}

// scalars calls f for each scalar in the value; constant tells that the value of
// a member like "type" is meant.
func (v *tree) scalars(constant bool, f func(scalar *tree, constant bool)) {
	if v.kind != '{' && v.kind != '[' {
		f(v, constant)
	}
	for i, m := range v.members {
		m.scalars(constant || v.kind == '{' && knownNames[v.names[i]] == nameConstant, f)
	}
}

// searchable calls f for each text of an event that redacted values must not be
// in: names that are not Okta's, strings and numbers that are not its words.
func (v *tree) searchable(f func(text string)) {
	for i, name := range v.names {
		top := fieldNamed(name)
		if top == fieldUnknown {
			f(name)
		}
		if !isConstant(top) {
			v.members[i].searchableIn(top == fieldUnknown, false, f)
		}
	}
}

func (v *tree) searchableIn(free, constant bool, f func(text string)) {
	if !constant && (v.kind == '"' || v.kind == '0') {
		f(v.text)
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

// mentions tells whether text mentions value as the documentation defines it.
func mentions(text, value []rune) bool {
	word := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) }
	same := func(a, b rune) bool {
		return a == b || strings.EqualFold(string(a), string(b))
	}
	for i := 0; i+len(value) <= len(text); i++ {
		n := 0
		for n < len(value) && same(text[i+n], value[n]) {
			n++
		}
		if n < len(value) {
			continue
		}
		if n >= 4 || (i == 0 || !word(text[i-1])) && (i+n == len(text) || !word(text[i+n])) {
			return true
		}
	}
	return false
}

// identifies tells whether a value is looked for outside of its place.
func identifies(value string) bool {
	if slices.ContainsFunc([]string{"", "unknown", "true", "false", "null"}, func(s string) bool { return strings.EqualFold(s, value) }) {
		return false
	}
	digits := 0
	for _, r := range value {
		if unicode.IsLetter(r) {
			return true
		}
		if unicode.IsDigit(r) {
			digits++
		}
	}
	return digits >= 4
}

// A verdict is what the rules say about an event.
type verdict struct {
	event    *tree
	ends     map[*tree]bool // where a path ends
	scalars  map[*tree]bool // what is redacted: in order, with something to hide
	searched [][]rune       // texts that are looked for elsewhere, as they are and as parts of URLs
}

func judge(t testing.TB, r Redaction, raw []byte) verdict {
	t.Helper()
	names := r.Presets
	if names == nil {
		names = []string{PresetUserIdentity}
	}
	texts := slices.Clone(r.Paths)
	for _, name := range names {
		texts = append(texts, presets[name]...)
	}
	v := verdict{event: parseTree(t, raw), ends: map[*tree]bool{}, scalars: map[*tree]bool{}}
	for _, text := range texts {
		p, err := parsePath(text, true)
		require.NoError(t, err)
		v.event.under(p, func(end *tree) {
			v.ends[end] = true
			end.scalars(false, func(s *tree, constant bool) {
				if s.kind == 'n' || s.text == "" {
					return
				}
				v.scalars[s] = true
				if identifies(s.text) && !constant {
					query := url.QueryEscape(s.text)
					for _, spelling := range []string{s.text, query, strings.ReplaceAll(query, "+", "%20"), url.PathEscape(s.text)} {
						v.searched = append(v.searched, []rune(spelling))
					}
				}
			})
		})
	}
	return v
}

// mentioned tells whether the text mentions a redacted value.
func (v verdict) mentioned(text string) bool {
	runes := []rune(text)
	return slices.ContainsFunc(v.searched, func(value []rune) bool { return mentions(runes, value) })
}

// requireRedacted checks an entry against what the redaction promises, short of
// the bytes that must stay.
func requireRedacted(t testing.TB, r Redaction, raw []byte, e Entry) {
	t.Helper()
	v := judge(t, r, raw)
	require.True(t, json.Valid([]byte(e.Line)), "%s\n%s", raw, e.Line)
	if utf8.Valid(raw) {
		require.True(t, utf8.ValidString(e.Line), "%s\n%s", raw, e.Line)
	}
	none := func(text string) {
		if v.mentioned(tokenPattern.ReplaceAllString(text, "\x00")) {
			t.Fatalf("%q still mentions one of %q\n%s\n%s", text, v.searched, raw, e.Line)
		}
	}
	out := parseTree(t, []byte(e.Line))
	event := out.members[slices.Index(out.names, "event")]
	event.searchable(none)
	for _, m := range e.StructuredMetadata {
		if m.Name != "eventType" && m.Name != "outcome" && !strings.HasSuffix(m.Name, "_type") {
			none(m.Value)
		}
	}

	// At the paths themselves nothing but masks and tokens is left, whatever it was.
	texts, tokens := map[string]string{}, map[string]string{}
	var compare func(was, is *tree)
	compare = func(was, is *tree) {
		var kept []int
		for i, m := range was.members {
			if r.Mode != ModeDrop || !v.ends[m] {
				kept = append(kept, i)
			}
		}
		require.Len(t, is.members, len(kept), "%s\n%s", raw, e.Line)
		for i, j := range kept {
			if was.kind == '{' && was.names[j] != is.names[i] {
				require.True(t, v.mentioned(was.names[j]), "%q became %q", was.names[j], is.names[i])
			}
			compare(was.members[j], is.members[i])
		}
		switch {
		case v.scalars[was]:
			require.Equal(t, byte('"'), is.kind)
			require.Regexp(t, "^("+tokenPattern.String()+")$", is.text)
			if r.Mode == ModeHash {
				folded := string(appendFolded(nil, was.text))
				if known, ok := tokens[folded]; ok {
					require.Equal(t, known, is.text, "equal values hash equal")
				}
				if known, ok := texts[is.text]; ok {
					require.Equal(t, known, folded, "other values hash otherwise")
				}
				tokens[folded], texts[is.text] = is.text, folded
			}
		case was.kind != is.kind || was.text != is.text:
			require.True(t, v.mentioned(was.text), "%q became %q\n%s", was.text, is.text, raw)
		}
	}
	compare(v.event, event)
}

func eventLength(t testing.TB, line string) int {
	t.Helper()
	end := skipValue([]byte(line), len(lineBegin), 0)
	require.Positive(t, end)
	return end - len(lineBegin)
}
