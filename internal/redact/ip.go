package redact

import (
	"bytes"

	"github.com/grafana/alloy/okta/internal/rawjson"
)

// findIPs knows the IP addresses in a string that stays, whose bytes between quotes are at s, in all spellings that a mention is found in.
func (p *Pass) findIPs(s rawjson.Span) {
	if raw := s.Of(p.raw); mayHoldIP(raw) || bytes.ContainsAny(raw, `%\&`) {
		p.everySpelling(s, (*Pass).ipsIn)
	}
}

// ipsIn knows the IP addresses in d, which was percent-decoded from the text of from, unless that is nil. A port may be beside one, or a
// word and a colon.
func (p *Pass) ipsIn(d, from *decoded) {
	text := d.folded
	for i := 0; i < len(text); {
		start := i
		for i < len(text) && isIPByte(text[i]) {
			i++
		}
		if run := bytes.TrimLeft(text[start:i], "."); mayHoldIP(run) {
			p.ipsAmong(d, from, i-len(run), i-(len(run)-len(bytes.TrimRight(run, "."))))
		}
		for i < len(text) && !isIPByte(text[i]) {
			i++
		}
	}
}

// ipsAmong knows the IP addresses in d.folded[from:to], bytes that one is made of: from a colon to a colon, the longest ones.
func (p *Pass) ipsAmong(d, encoded *decoded, from, to int) {
	text := d.folded[:to]
	borders := func(i int) bool { return i == from || i == to || text[i] == ':' || text[i-1] == ':' }
	for start := from; start < to; {
		end := start
		for i, colons := start+1, 0; i <= to && i-start <= longestIP && colons <= mostColons; i++ {
			if borders(i) && isIP(bytes.Trim(text[start:i], ".")) {
				end = i
			}
			if i < to && text[i] == ':' {
				colons++
			}
		}
		if end > start {
			p.knowIP(d, encoded, start, end)
			start = end
			continue
		}
		for start++; start < to && !borders(start); {
			start++
		}
	}
}

// knowIP knows the IP address in d.folded[start:end], also as it is spelled in the text that d was percent-decoded from.
func (p *Pass) knowIP(d, encoded *decoded, start, end int) {
	for ; d.folded[start] == '.'; start++ {
	}
	for ; d.folded[end-1] == '.'; end-- {
	}
	s := p.redactor.secrets.of(rawjson.Alias(d.folded[start:end]))
	p.know(s)
	if encoded == nil {
		return
	}
	if spelled := rawjson.Alias(encoded.folded[d.at[start]:d.at[end]]); !s.isSpelled(spelled) {
		p.know(p.redactor.secrets.of(spelled))
	}
}

// An IPv6 address has at most 45 characters, with an IPv4 address at its end (RFC 4291, 2.2), and 8 colons: 1:2:3:4:5:6:7::.
const (
	longestIP  = 45
	mostColons = 8
)

func isIPByte(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || c == '.' || c == ':'
}

// mayHoldIP tells whether the text may have an IP address, as findIPs finds it.
func mayHoldIP(b []byte) bool {
	return bytes.Count(b, []byte(".")) >= 3 || bytes.Count(b, []byte(":")) >= 2
}
