package redact

import (
	"bytes"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/rawjson"
)

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

// peopleIn returns the addresses and names in the text, as the redaction finds them; TestAddresses tells which those are.
func peopleIn(t testing.TB, text string) []string {
	t.Helper()
	return foundIn(t, text, (*Pass).findPeople)
}

// ipsIn returns the IP addresses in the text, as the redaction finds them; TestIPAddressesInDebugData tells which those are.
func ipsIn(t testing.TB, text string) []string { t.Helper(); return foundIn(t, text, (*Pass).findIPs) }

func foundIn(t testing.TB, text string, find func(*Pass, rawjson.Span)) (all []string) {
	t.Helper()
	r, err := New(Options{})
	require.NoError(t, err)
	p := r.Begin()
	p.raw = quoted(text)
	find(p, rawjson.SpanOf(1, len(p.raw)-1))
	for _, s := range p.secrets {
		all = append(all, string(s.spelled[0].text))
	}
	return all
}

// quoted is text as a JSON string with no more escapes than needed.
func quoted(text string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a string
	return bytes.TrimSpace(b.Bytes())
}

var (
	otherThanID = regexp.MustCompile(`[^A-Za-z0-9_-]`)
	digit       = regexp.MustCompile(`[0-9]`)
	wordBegins  = regexp.MustCompile(`([a-z])([A-Z])|([A-Za-z])([A-Z][a-z])`)
)

// namesNobody tells whether a member name is made of Okta's words, but for addresses in it.
func namesNobody(t testing.TB, name string) bool {
	t.Helper()
	fields := slices.DeleteFunc(strings.Fields(name), func(field string) bool {
		_, domain, _ := strings.Cut(field, "@")
		return slices.Contains(peopleIn(t, field), strings.ToLower(field)) && !strings.Contains(domain, "@")
	})
	if len(fields) > 1 {
		return false
	}
	for _, field := range fields {
		if otherThanID.MatchString(field) || len(digit.FindAllString(field, -1)) > 4 {
			return false
		}
		for again := ""; again != field; { // matches overlap
			again, field = field, wordBegins.ReplaceAllString(field, "$1$3 $2$4")
		}
		for _, word := range regexp.MustCompile(`[A-Za-z]+`).FindAllString(field, -1) {
			if len(word) > 1 && identityGuard().free.of(strings.ToLower(word)) == unknown {
				return false
			}
		}
	}
	return true
}

func judge(t testing.TB, o Options, raw []byte) verdict {
	t.Helper()
	v := verdict{event: parseTree(t, raw), ends: map[*tree]bool{}, scalars: map[*tree]bool{}}
	search := func(text string) {
		query := url.QueryEscape(text)
		for _, spelling := range []string{text, query, strings.ReplaceAll(query, "+", "%20"), url.PathEscape(text)} {
			v.searched = append(v.searched, []rune(spelling))
		}
	}
	names := o.Presets
	if names == nil {
		names = []string{PresetUserIdentity}
	}
	var kept []string
	named := func(name string, thing bool) {
		kept = append(kept, name)
		if !thing && !namesNobody(t, name) && identifies(name) {
			search(name)
		}
	}
	var known func(s *tree, constant, open bool)
	known = func(s *tree, constant, open bool) {
		if constant {
			return
		}
		if identifies(s.text) {
			search(s.text)
		}
		if s.inside != nil {
			s.inside.scalars(false, open, known)
			if len(names) > 0 {
				s.inside.eachName(open, named)
			}
		}
	}
	end := func(end *tree, open bool) {
		v.ends[end] = true
		if len(names) > 0 {
			end.eachName(open, named)
		}
		end.scalars(false, open, func(s *tree, constant, open bool) {
			if s.kind == 'n' || s.text == "" {
				return
			}
			v.scalars[s] = true
			known(s, constant, open)
		})
	}
	for _, preset := range names {
		g, err := guardOf([]string{preset})
		require.NoError(t, err)
		v.event.guarded(g, documented, false, false, func(v *tree) { end(v, false) },
			func(text string, in scope) {
				kept = append(kept, text)
				if g.places && in == free {
					for _, ip := range ipsIn(t, text) {
						search(ip)
					}
				}
			}, named)
	}
	for _, text := range o.Paths {
		p, err := rawjson.ParsePath(text, true)
		require.NoError(t, err)
		v.event.under(p, false, end)
	}
	for _, text := range kept {
		for _, found := range peopleIn(t, text) {
			search(found)
		}
	}
	return v
}

// mentioned tells whether the text mentions a redacted value, be it in what escapes and entities in the text stand for.
func (v verdict) mentioned(text string) bool {
	for range 1 + maxLevels {
		runes := []rune(text)
		if slices.ContainsFunc(v.searched, func(value []rune) bool { return mentions(runes, value) }) {
			return true
		}
		text = escapes.ReplaceAllStringFunc(strings.ToLower(text), func(spelled string) string {
			if spelled[0] == '&' {
				if text := html.UnescapeString(spelled); utf8.RuneCountInString(text) == 1 {
					return text
				}
				return spelled
			}
			var text string
			if json.Unmarshal([]byte(`"`+spelled+`"`), &text) != nil {
				return spelled
			}
			return text
		})
	}
	return false
}

var escapes = regexp.MustCompile(`(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[0-9a-fA-F]{4}|\\u[0-9a-fA-F]{4}|\\["\\/bfnrt]|&[#0-9a-zA-Z]{1,7};)`)

// requireRedacted checks an event against what the redaction promises, short of the bytes that must stay.
func requireRedacted(t testing.TB, o Options, raw, redacted []byte) {
	t.Helper()
	v := judge(t, o, raw)
	require.True(t, json.Valid(redacted), "%s\n%s", raw, redacted)
	if utf8.Valid(raw) {
		require.True(t, utf8.Valid(redacted), "%s\n%s", raw, redacted)
	}
	out := parseTree(t, redacted)
	out.searchable(func(text string) {
		if v.mentioned(tokenPattern.ReplaceAllString(text, "\x00")) {
			t.Fatalf("%q still mentions one of %q\n%s\n%s", text, v.searched, raw, redacted)
		}
	})

	// Where something is redacted nothing but masks and tokens is left, whatever it was.
	texts, tokens := map[string]string{}, map[string]string{}
	var compare func(was, is *tree)
	compare = func(was, is *tree) {
		var kept []int
		for i, m := range was.members {
			if o.Mode != ModeDrop || !v.ends[m] {
				kept = append(kept, i)
			}
		}
		require.Len(t, is.members, len(kept), "%s\n%s", raw, redacted)
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
			if o.Mode == ModeHash {
				folded := string(foldAll(was.text))
				if known, ok := tokens[folded]; ok {
					require.Equal(t, known, is.text, "equal values hash equal")
				}
				if known, ok := texts[is.text]; ok {
					require.Equal(t, known, folded, "other values hash otherwise")
				}
				tokens[folded], texts[is.text] = is.text, folded
			}
		case was.inside != nil && is.inside != nil:
			compare(was.inside, is.inside)
		case was.kind != is.kind || was.text != is.text:
			require.True(t, v.mentioned(was.text), "%q became %q\n%s", was.text, is.text, raw)
		}
	}
	compare(v.event, out)
}
