package oktaapi

import (
	"net/http"
	"strings"
)

// link is one element of a Link header field (RFC 8288 section 3).
type link struct {
	target string   // the URI between < and >, untouched
	rels   []string // relation types, lower case
}

// nextLink returns the target of the first link with relation "next" among all Link header lines of h, and whether there was one.
func nextLink(h http.Header) (string, bool) {
	for _, value := range h.Values("Link") {
		for _, l := range parseLinks(value) {
			for _, rel := range l.rels {
				if rel == "next" {
					return l.target, true
				}
			}
		}
	}
	return "", false
}

// parseLinks reads one Link header value: a comma-separated list of `<URI>; name=value; name="quoted value"`. Commas and semicolons inside
// <> or quotes belong to what they stand in. What does not parse is skipped up to the next element, as RFC 8288 appendix B.2 asks of
// parsers; one malformed link does not hide a good one.
func parseLinks(value string) []link {
	var links []link
	s := value
	for {
		s = strings.TrimLeft(s, " \t,")
		if s == "" {
			return links
		}
		if s[0] != '<' {
			s = afterElement(s)
			continue
		}
		end := strings.IndexByte(s, '>')
		if end < 0 {
			return links
		}
		l := link{target: strings.TrimSpace(s[1:end])}
		l.rels, s = parseParams(s[end+1:])
		links = append(links, l)
	}
}

// parseParams reads `; name=value` pairs up to the comma that ends the element. Only the first rel counts (RFC 8288 section 3.3).
func parseParams(s string) (rels []string, rest string) {
	seenRel := false
	for {
		s = strings.TrimLeft(s, " \t")
		if s == "" {
			return rels, ""
		}
		if s[0] == ',' {
			return rels, s[1:]
		}
		if s[0] != ';' {
			return rels, afterElement(s)
		}
		s = strings.TrimLeft(s[1:], " \t")
		stop := strings.IndexAny(s, "=;,")
		if stop < 0 {
			return rels, ""
		}
		name := strings.TrimSpace(s[:stop])
		if s[stop] != '=' { // a parameter without value
			s = s[stop:]
			continue
		}
		var val string
		val, s = parseValue(strings.TrimLeft(s[stop+1:], " \t"))
		if strings.EqualFold(name, "rel") && !seenRel {
			seenRel = true
			rels = strings.Fields(strings.ToLower(val))
		}
	}
}

// parseValue reads a token or a quoted-string (RFC 9110 section 5.6.4).
func parseValue(s string) (val, rest string) {
	if s == "" || s[0] != '"' {
		stop := strings.IndexAny(s, ";,")
		if stop < 0 {
			stop = len(s)
		}
		return strings.TrimSpace(s[:stop]), s[stop:]
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			if i+1 < len(s) {
				i++
				b.WriteByte(s[i])
			}
		case '"':
			return b.String(), s[i+1:]
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), ""
}

// afterElement skips to behind the next comma that stands outside <> and quotes.
func afterElement(s string) string {
	quoted, angled := false, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"' && !angled:
			quoted = !quoted
		case quoted:
		case c == '<':
			angled = true
		case c == '>':
			angled = false
		case c == ',' && !angled:
			return s[i+1:]
		}
	}
	return ""
}
