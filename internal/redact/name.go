package redact

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/grafana/alloy/okta/internal/rawjson"
)

// findName knows the addresses in the member name at s and, unless it is that of a thing, all of it if it may be a person's: a map may have
// people for keys.
func (p *Pass) findName(s rawjson.Span, thing bool) {
	g := p.redactor.guard
	if g.isWords(rawjson.Alias(s.Of(p.raw))) {
		return
	}
	p.findPeople(s)
	if text := p.plain(s); !thing && !g.isName(text) {
		p.know(p.redactor.secrets.of(text))
	}
}

// findParameters knows the names of a query's parameters that may be people's: such as no program would choose. Applications have
// parameters of their own.
func (p *Pass) findParameters(query string) {
	query, _, _ = strings.Cut(query, " ")
	for parameter := range strings.SplitSeq(query, "&") {
		spelled, _, found := strings.Cut(parameter, "=")
		name, err := url.QueryUnescape(spelled)
		if !found || err != nil {
			continue
		}
		odd := strings.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf || strings.ContainsRune(" .,'", r) })
		if odd && !p.redactor.guard.isName(strings.ReplaceAll(name, ".", "_")) {
			p.know(p.redactor.secrets.of(name))
		}
	}
}

// isName tells whether a text is a member name of Okta's: one word like os_version or osVersion, beside addresses.
func (g *guard) isName(text string) bool {
	rest, many := "", false
	for field := range strings.FieldsSeq(text) {
		if at := strings.IndexByte(field, '@'); at > 0 {
			if start, end := addressAt([]byte(field), at); start == 0 && end == len(field) {
				continue
			}
		}
		rest, many = field, rest != ""
	}
	return !many && g.isWords(rest)
}

// isWords tells whether a text is made of Okta's words, each of which begins in upper case or after a digit, - or _. A single letter is a
// word, as in iOS; more than four digits are a number of somebody or something.
func (g *guard) isWords(text string) bool {
	var word [32]byte
	digits := 0
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case isLower(c) || isUpper(c):
			n := wordEnd(text[i:])
			if n > len(word) {
				return false
			}
			for k := range n {
				word[k] = text[i+k] | ' '
			}
			if n > 1 && g.free.of(rawjson.Alias(word[:n])) == unknown {
				return false
			}
			i += n
			continue
		case '0' <= c && c <= '9':
			digits++
		case c != '-' && c != '_':
			return false
		}
		i++
	}
	return digits <= 4
}

// wordEnd returns where the word ends that a text begins with. Of "SAMLResponse", R begins another: a letter in lower case follows.
func wordEnd(text string) int {
	for i := 1; i < len(text); i++ {
		before, c := text[i-1], text[i]
		if !isLower(c) && !isUpper(c) || isUpper(c) && (isLower(before) || i+1 < len(text) && isLower(text[i+1])) {
			return i
		}
	}
	return len(text)
}

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
