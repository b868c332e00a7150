package redact

import (
	"encoding/binary"
	"math/bits"
	"strings"

	"github.com/grafana/alloy/okta/internal/rawjson"
)

// A token is what mentions are looked for in.
type token struct {
	rawjson.Span // a string's without quotes
	is           uint8
	odd          bool // it may be spelled with escapes or entities
	edited       bool // something in it is redacted already
}

const (
	aText = iota
	aNumber
	aWord // one of Okta's own, unless an address is in it
)

// shaped is the walk for events of a known shape. It returns false for others, and then nothing is done.
func (p *Pass) shaped() bool {
	b, s := p.raw, &p.redactor.shapes
	piece, i := &s.first, 0
	for {
		next := piece.follow(b, i)
		if next == nil {
			next = s.learn(piece, b, i)
		}
		if next == nil {
			return false
		}
		piece = next
		for _, name := range piece.searched {
			p.tokens = append(p.tokens, token{Span: rawjson.Span{Start: name.Start + uint32(i), End: name.End + uint32(i)}})
		}
		i += len(piece.text)
		switch piece.ends {
		case '"':
			end, odd := stringEnd(b, i)
			if piece.plain && !odd && !mayBeJSON(b[i]) {
				if end > i {
					p.tokens = append(p.tokens, token{Span: rawjson.SpanOf(i, end)})
				}
				i = end + 1
				continue
			}
			p.shapedString(rawjson.SpanOf(i, end), &piece.value, odd)
			i = end + 1
		case '0':
			end := numberEnd(b, i)
			v := rawjson.SpanOf(i, end)
			before := len(p.edits)
			if piece.value.whole {
				p.redactAll(v, piece.value.search, piece.value.at.open)
			} else if piece.value.at.scalar {
				p.scalar(v)
			}
			if len(p.edits) == before && !piece.value.constant {
				p.tokens = append(p.tokens, token{Span: v, is: aNumber})
			}
			i = end
		default:
			return true
		}
	}
}

// stringEnd returns where the string ends, before its quotation mark, whose text begins at b[i], and whether it is odd: it has escapes,
// bytes that are not ASCII, or what can be of an address's sign or begin a query: @ % & ?
func stringEnd(b []byte, i int) (end int, odd bool) {
	for i+8 <= len(b) {
		w := binary.LittleEndian.Uint64(b[i:])
		// In pairs, % and & are neighbors, and so are ? and @. What is wrong of these differences is beyond the first byte that is found:
		// a carry, or the 0x80 of a byte that is not ASCII. DEL counts as odd, too.
		pair := (w + lowBits) & (0xfe * lowBits)
		found := (w ^ '"'*lowBits - lowBits) | (w ^ '\\'*lowBits - lowBits) | (pair ^ '&'*lowBits - lowBits) | (pair ^ '@'*lowBits - lowBits) | w
		if found &= highBits; found != 0 {
			i += bits.TrailingZeros64(found) >> 3
			break
		}
		i += 8
	}
	for ; b[i] != '"'; i++ {
		if b[i] >= 0x7f || strings.IndexByte(`\@%&?`, b[i]) >= 0 {
			return rawjson.SkipString(b, i-1) - 1, true
		}
	}
	return i, false
}

// numberEnd returns where the number at b[i] ends, in JSON that is known to be valid.
func numberEnd(b []byte, i int) int {
	for ; i < len(b); i++ {
		if c := b[i]; c == ',' || c == '}' || c == ']' || c <= ' ' {
			break
		}
	}
	return i
}

// shapedString redacts in the string whose bytes between quotes are at s.
func (p *Pass) shapedString(s rawjson.Span, v *setting, odd bool) {
	if s.Start == s.End {
		return
	}
	quoted, before := rawjson.Span{Start: s.Start - 1, End: s.End + 1}, len(p.edits)
	first := p.raw[s.Start]
	switch json := mayBeJSON(first); {
	case v.whole && json:
		p.redactAll(quoted, v.search, v.at.open)
		return
	case v.whole:
		secret, again := p.secretOf(quoted, v.search)
		p.replace(quoted, secret, v.search && !again)
		return
	case json:
		p.look(s, v.at)
	case v.at.scalar:
		p.scalar(quoted)
	case odd || p.redactor.guard.places && v.at.scope == free && mayHoldIP(s.Of(p.raw)):
		p.look(s, v.at)
	}
	t := token{Span: s, odd: odd, edited: len(p.edits) > before}
	if t.edited && p.edits[before].Span == s {
		return
	}
	if v.constant || v.reason && reasons[p.plain(s)] {
		t.is = aWord
		if !odd {
			return
		}
	}
	p.tokens = append(p.tokens, t)
}

// mayBeJSON tells whether JSON in a string, or the beginning of some, may begin with this byte: also in white space or an escape.
func mayBeJSON(first byte) bool { return first == '{' || first == '[' || first == ' ' || first == '\\' }

// look redacts what is in the string whose bytes between quotes are at s, unless it was found clean before.
func (p *Pass) look(s rawjson.Span, at place) {
	if p.isClean(s, at) {
		return
	}
	knows, edits := p.knows, len(p.edits)
	p.value(int(s.Start)-1, nil, at)
	if len(p.edits) == edits && p.knows == knows {
		p.keepClean(s, at)
	}
}

// findTokens finds the secrets in the tokens of an event of a known shape.
func (p *Pass) findTokens() {
	if len(p.secrets) == 0 {
		return
	}
	p.filter.build(p.secrets)
	edits := p.edits
	for _, t := range p.tokens {
		if !t.odd && int(t.End-t.Start) < p.filter.shortest {
			continue
		}
		for t.edited && edits[0].End <= t.Start {
			edits = edits[1:]
		}
		switch {
		case t.edited && !p.mayMentionBeside(t.Span, edits), !t.edited && !p.filter.mayBeIn(t.Of(p.raw), t.odd):
		case t.is == aNumber:
			p.searchNumber(t.Span)
		case t.is == aText || mayHoldAddress(p.plain(t.Span)):
			p.search(t.Span)
		}
	}
}

// mayMentionBeside tells whether a secret may be in what the edits leave of s.
func (p *Pass) mayMentionBeside(s rawjson.Span, edits []edit) bool {
	at := s.Start
	for _, e := range edits {
		if e.Start >= s.End {
			break
		}
		if p.filter.mayBeIn(p.raw[at:e.Start], true) {
			return true
		}
		at = e.End
	}
	return p.filter.mayBeIn(p.raw[at:s.End], true)
}
