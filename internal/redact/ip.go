package redact

import (
	"bytes"

	"github.com/grafana/alloy/okta/internal/rawjson"
)

// findIPs knows the IP addresses in a string that stays, whose bytes between quotes are at s, in all spellings that a mention is found in.
func (p *Pass) findIPs(s rawjson.Span) {
	if raw := s.Of(p.raw); !mayHoldIP(raw) && !bytes.ContainsAny(raw, `%\&`) {
		return
	}
	p.text.decode(p.raw, s)
	for level := 0; ; level++ {
		p.ipsIn(&p.text)
		if p.again.decodeURL(&p.text) {
			p.ipsIn(&p.again)
		}
		if level == maxLevels || !p.again.decodeAgain(&p.text) {
			return
		}
		p.text, p.again = p.again, p.text
	}
}

// ipsIn knows the IP addresses in d. A port may be beside one.
func (p *Pass) ipsIn(d *decoded) {
	text := d.folded
	for i := 0; i < len(text); {
		start := i
		for i < len(text) && isIPByte(text[i]) {
			i++
		}
		if run := bytes.Trim(text[start:i], "."); bytes.Count(run, []byte(".")) >= 3 || bytes.Count(run, []byte(":")) >= 2 {
			if isIP(run) {
				p.know(p.redactor.secrets.of(rawjson.Alias(run)))
			} else {
				for part := range bytes.SplitSeq(run, []byte(":")) {
					if isIP(part) {
						p.know(p.redactor.secrets.of(rawjson.Alias(part)))
					}
				}
			}
		}
		for i < len(text) && !isIPByte(text[i]) {
			i++
		}
	}
}

func isIPByte(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || c == '.' || c == ':'
}

// mayHoldIP tells whether the text may have an IP address, as findIPs finds it.
func mayHoldIP(b []byte) bool {
	return bytes.Count(b, []byte(".")) >= 3 || bytes.Count(b, []byte(":")) >= 2
}
