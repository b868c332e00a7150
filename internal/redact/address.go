package redact

import (
	"bytes"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/grafana/alloy/okta/internal/rawjson"
)

// systemLogin is the login of Okta's own principal, in many events and nobody's.
const systemLogin = "system@okta.com"

// findPeople knows who is named in a string that stays, whose bytes between quotes are at s: in messages, reasons and URLs, by an e-mail
// address; in a URL also by a parameter's name.
func (p *Pass) findPeople(s rawjson.Span) {
	if !p.signs.in(p.raw, s) {
		return
	}
	text := p.plain(s)
	if mayHoldAddress(text) {
		p.findAddresses(s)
	}
	if _, query, found := strings.Cut(text, "?"); found {
		p.findParameters(query)
	}
}

// findAddresses knows the e-mail addresses in a string. They are found in all that a mention is found in: escapes, entities,
// percent-encoding.
func (p *Pass) findAddresses(s rawjson.Span) { p.everySpelling(s, (*Pass).addressesIn) }

// everySpelling calls find with the string at s as it reads, with what it reads as when it is percent-decoded, and the same of what is
// encoded once more in it. from is what d was percent-decoded from, or nil.
func (p *Pass) everySpelling(s rawjson.Span, find func(p *Pass, d, from *decoded)) {
	p.text.decode(p.raw, s)
	for level := 0; ; level++ {
		find(p, &p.text, nil)
		if p.inner.decodeURL(&p.text) {
			find(p, &p.inner, &p.text)
		}
		if level == maxLevels || !p.inner.decodeAgain(&p.text) {
			return
		}
		p.text, p.inner = p.inner, p.text
	}
}

// signs points at the next bytes that can be of an address's sign or begin a query, so that all strings together are searched once. The
// bytes are counted from 1, for the zero value to point nowhere.
type signs struct {
	next  [5]int
	first int // of next
}

// in tells whether one is in b at s. Strings are asked about in their order.
func (n *signs) in(b []byte, s rawjson.Span) (found bool) {
	if n.first > int(s.End) {
		return false
	}
	n.first = len(b) + 1
	for i, c := range [len(n.next)]byte{'@', '%', '\\', '&', '?'} {
		if n.next[i] <= int(s.Start) {
			n.next[i] = len(b) + 1
			if at := bytes.IndexByte(b[s.Start:], c); at >= 0 {
				n.next[i] = int(s.Start) + at + 1
			}
		}
		n.first = min(n.first, n.next[i])
	}
	return n.first <= int(s.End)
}

// mayHoldAddress tells whether the sign of an address is in the text, or may be after escapes and entities are read.
func mayHoldAddress(text string) bool {
	return strings.IndexByte(text, '@') >= 0 || strings.Contains(text, "%40") || strings.IndexByte(text, '\\') >= 0 ||
		strings.Contains(text, "&#") || strings.Contains(text, "&commat") || strings.Contains(text, "&amp;")
}

// addressesIn knows the addresses in d, which was percent-decoded from the text of from, unless that is nil.
func (p *Pass) addressesIn(d, from *decoded) {
	for sign := range d.places([]byte("@")) {
		start, end := addressAt(d.folded, sign)
		start += d.parameter(start, sign, from)
		if start == end {
			continue
		}
		address := rawjson.Alias(d.folded[start:end])
		if address == systemLogin {
			continue
		}
		s := p.redactor.secrets.of(address)
		p.know(s)
		if from != nil { // a URL may be spelled as none of the spellings that are looked for
			if spelled := rawjson.Alias(from.folded[d.at[start]:d.at[end]]); !s.isSpelled(spelled) {
				p.know(p.redactor.secrets.of(spelled))
			}
		}
	}
}

// parameter tells how long what is before the last & in d.folded[start:end] is: in a query string it is another parameter. One that is
// percent-encoded in the text of from is none.
func (d *decoded) parameter(start, end int, from *decoded) int {
	if start == 0 || d.folded[start] == '"' || d.folded[start-1] != '=' && d.folded[start-1] != '?' {
		return 0
	}
	for i := end - 1; i > start; i-- {
		if d.folded[i] == '&' && (from == nil || from.folded[d.at[i]] == '&') {
			return i + 1 - start
		}
	}
	return 0
}

// addressAt returns where in the text, which is folded, the e-mail address (RFC 5321, 5322, 6531) is whose sign is text[sign]: before it a
// local part, perhaps quoted, after it a domain of two labels or more of which the last is letters, or an IP address. Comments belong to
// it. Without an address, both are 0.
func addressAt(text []byte, sign int) (start, end int) {
	end = domainEnd(text, sign+1)
	start = localStart(text, sign)
	if end == 0 || start == sign {
		return 0, 0
	}
	return start, end
}

// farthest is how far away the other one of two quotation marks or parentheses may be, in bytes. A local part has 64 at most (RFC 5321,
// 4.5.3.1.1).
const farthest = 128

// localStart returns where the local part begins that ends at end, or end.
func localStart(text []byte, end int) int {
	after := commentStart(text, end)
	i := after
	for i > 0 {
		r, n := utf8.DecodeLastRune(text[:i])
		if r == '"' && (i == after || text[i] == '.') {
			quote := quoteStart(text, i-1)
			if quote < 0 {
				break
			}
			i = quote
			if i == 0 || text[i-1] != '.' {
				break
			}
			continue
		}
		if !isAtom(r) {
			break
		}
		i -= n
	}
	local := text[i:after]
	// What is before a letter or digit belongs to the text around.
	if trimmed := bytes.TrimLeftFunc(local, func(r rune) bool { return strings.ContainsRune(atomSigns, r) && r != '_' }); len(trimmed) > 0 {
		local = trimmed
	}
	if len(local) == 0 {
		return end
	}
	return commentStart(text, after-len(local))
}

// commentStart returns where the comment begins that ends at end, or end.
func commentStart(text []byte, end int) int {
	if end > 0 && text[end-1] == ')' {
		near := max(0, end-farthest)
		if i := bytes.LastIndexByte(text[near:end], '('); i >= 0 {
			return near + i
		}
	}
	return end
}

// quoteStart returns where the quoted string begins that ends at text[last], or -1. One whose mark is escaped ends elsewhere, or is read
// when the escapes are.
func quoteStart(text []byte, last int) int {
	if isEscaped(text, last) {
		return -1
	}
	for i := last - 1; i >= max(0, last-farthest); i-- {
		if text[i] == '"' && !isEscaped(text, i) {
			if !bytes.ContainsFunc(text[i:last], func(r rune) bool { return r >= utf8.RuneSelf || isDomain(r) && r != '.' && r != '-' }) {
				break // between two strings of JSON, for example
			}
			return i
		}
	}
	return -1
}

// isEscaped tells whether text[i] has an odd number of backslashes before it.
func isEscaped(text []byte, i int) bool {
	return (i-len(bytes.TrimRight(text[:i], `\\`)))%2 == 1
}

// domainEnd returns where the domain ends that begins at from, or 0.
func domainEnd(text []byte, from int) int {
	from = commentEnd(text, from)
	rest := text[from:]
	if bytes.HasPrefix(rest, []byte("[")) {
		end := bytes.IndexByte(rest[:min(len(rest), farthest)], ']')
		if end < 0 || !isIP(bytes.TrimPrefix(rest[1:end], []byte("ipv6:"))) {
			return 0
		}
		return commentEnd(text, from+end+1)
	}
	// Names of Windows domains may have underscores; elsewhere one ends the address, as in ann@acme.example_1.
	for _, sign := range []rune{'_', '.'} {
		name := rest
		if end := bytes.IndexFunc(rest, func(r rune) bool { return r != sign && !isDomain(r) }); end >= 0 {
			name = rest[:end]
		}
		if name = bytes.TrimRight(name, ".-_"); isHost(name) {
			return commentEnd(text, from+len(name))
		}
	}
	return 0
}

// isHost reports whether a name is that of a host on the net, or an IP address.
func isHost(name []byte) bool {
	dot := bytes.LastIndexByte(name, '.')
	if dot < 1 {
		return false
	}
	last := name[dot+1:]
	letters := utf8.RuneCount(last) >= 2 && !bytes.ContainsFunc(last, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) })
	return letters || bytes.HasPrefix(last, []byte("xn--")) || isIP(name)
}

// commentEnd returns where the comment ends that begins at from, or from.
func commentEnd(text []byte, from int) int {
	if from < len(text) && text[from] == '(' {
		if i := bytes.IndexByte(text[from:min(len(text), from+farthest)], ')'); i >= 0 {
			return from + i + 1
		}
	}
	return from
}

func isIP(text []byte) bool {
	_, err := netip.ParseAddr(rawjson.Alias(text))
	return err == nil
}

func isDomain(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || r == '.' || r == '-'
}

// atomSigns are the signs that a local part may have without quotation marks. Left out are those that URLs, and texts like login=ann@x.org,
// have before an address: = / ? #.
const atomSigns = "!$%&'*+-.^_`{|}~"

func isAtom(r rune) bool {
	if r < utf8.RuneSelf {
		return isDomain(r) || strings.IndexByte(atomSigns, byte(r)) >= 0
	}
	return !unicode.IsPunct(r) && !unicode.IsSpace(r)
}
