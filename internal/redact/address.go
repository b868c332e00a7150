package redact

import (
	"bytes"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/grafana/alloy/okta/internal/rawjson"
)

// systemLogin is the login of Okta's own principal, in many events and nobody's.
const systemLogin = "system@okta.com"

// findAddresses has the e-mail addresses searched for that are in a string that stays, whose bytes between quotes are at s: in
// messages, reasons and URLs, people are named by them.
func (p *Pass) findAddresses(s rawjson.Span) {
	if !p.signs.in(p.raw, s) {
		return
	}
	text := p.plain(s)
	for _, sign := range []string{"@", "%40"} {
		for from := 0; ; {
			i := strings.Index(text[from:], sign)
			if i < 0 {
				break
			}
			i += from
			from = i + len(sign)
			if address := addressAt(text, i, from); address != "" {
				p.knowAddress(address)
			}
		}
	}
}

// signs points at the next bytes that can be of the sign of an address, so that all strings together are searched once. The bytes are
// counted from 1, for the zero value to point nowhere.
type signs [3]int

// in tells whether one is in b at s. Strings are asked about in their order.
func (next *signs) in(b []byte, s rawjson.Span) (found bool) {
	for i, c := range [...]byte{'@', '%', '\\'} {
		if next[i] <= int(s.Start) {
			next[i] = len(b) + 1
			if at := bytes.IndexByte(b[s.Start:], c); at >= 0 {
				next[i] = int(s.Start) + at + 1
			}
		}
		found = found || next[i] <= int(s.End)
	}
	return found
}

// knowAddress knows the address that is spelled as in a URL, and the spelling where a URL would be spelled otherwise.
func (p *Pass) knowAddress(spelled string) {
	text, err := url.PathUnescape(spelled)
	if err != nil || !utf8.ValidString(text) {
		text = spelled
	}
	if text == systemLogin {
		return
	}
	s := p.redactor.secrets.of(text)
	p.know(s)
	if spelled != text && !s.isSpelled(spelled) {
		p.know(p.redactor.secrets.of(spelled))
	}
}

// addressAt returns the e-mail address in text whose sign is text[sign:after], or "": before it a local part, after it a domain of two
// labels or more of which the last is letters.
func addressAt(text string, sign, after int) string {
	local := strings.TrimRightFunc(text[:sign], func(r rune) bool { return isDomain(r) || strings.ContainsRune("_+%'", r) })
	domain := text[after:]
	if end := strings.IndexFunc(domain, func(r rune) bool { return !isDomain(r) }); end >= 0 {
		domain = domain[:end]
	}
	domain = strings.TrimRight(domain, ".-")
	dot := strings.LastIndexByte(domain, '.')
	if len(local) == sign || dot < 1 || utf8.RuneCountInString(domain[dot+1:]) < 2 {
		return ""
	}
	if strings.ContainsFunc(domain[dot+1:], func(r rune) bool { return !unicode.IsLetter(r) }) {
		return ""
	}
	return text[len(local) : after+len(domain)]
}

func isDomain(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '.' || r == '-' }
