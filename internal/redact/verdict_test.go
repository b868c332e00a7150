package redact

import (
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

var (
	addressSign  = regexp.MustCompile(`@|%40`)
	localBefore  = regexp.MustCompile(`[\p{L}\p{Nd}._%+'-]+$`)
	domainBehind = regexp.MustCompile(`^[\p{L}\p{Nd}.-]*[\p{L}\p{Nd}]`)
	topDomain    = regexp.MustCompile(`.\.\p{L}{2,}$`)
)

// addressesIn returns the e-mail addresses in the text, as they are spelled.
func addressesIn(text string) (all []string) {
	for _, at := range addressSign.FindAllStringIndex(text, -1) {
		local, domain := localBefore.FindString(text[:at[0]]), domainBehind.FindString(text[at[1]:])
		address := local + text[at[0]:at[1]] + domain
		if local != "" && topDomain.MatchString(domain) && address != systemLogin && address != url.QueryEscape(systemLogin) {
			all = append(all, address)
		}
	}
	return all
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
	var known func(s *tree, constant bool)
	known = func(s *tree, constant bool) {
		if constant {
			return
		}
		if identifies(s.text) {
			search(s.text)
		}
		if s.inside != nil {
			s.inside.scalars(false, known)
			if len(names) > 0 {
				s.inside.eachName(func(name string) { kept = append(kept, name) })
			}
		}
	}
	end := func(end *tree) {
		v.ends[end] = true
		end.eachName(func(name string) {
			if len(names) > 0 {
				kept = append(kept, name)
			}
		})
		end.scalars(false, func(s *tree, constant bool) {
			if s.kind == 'n' || s.text == "" {
				return
			}
			v.scalars[s] = true
			known(s, constant)
		})
	}
	guards := map[string]*guard{PresetUserIdentity: &identityGuard, PresetPersonalData: &personalGuard}
	for _, preset := range names {
		v.event.guarded(guards[preset], documented, false, false, end, func(text string) { kept = append(kept, text) })
	}
	for _, text := range o.Paths {
		p, err := rawjson.ParsePath(text, true)
		require.NoError(t, err)
		v.event.under(p, end)
	}
	for _, text := range kept {
		for _, address := range addressesIn(text) {
			decoded, err := url.PathUnescape(address)
			if err != nil {
				decoded = address
			}
			search(decoded)
			search(address)
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
				folded := string(appendFolded(nil, was.text))
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
