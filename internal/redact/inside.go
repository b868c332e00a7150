package redact

import (
	"strings"

	"github.com/grafana/alloy/okta/internal/rawjson"
)

// inside redacts in the JSON that the string at v holds. It does nothing and returns false if the string holds no object or array.
// What is not redacted keeps its bytes: edits in the text are edits of the bytes that spell it.
func (p *Pass) inside(v rawjson.Span, rules []*rule, at place) (handled, drop bool) {
	if at.scope != unguarded {
		at.scope = free
	}
	text, inner := p.within(v, func(start int) { _, drop = p.value(start, rules, at) })
	if text == nil || drop {
		return text != nil, drop
	}
	for _, e := range inner {
		with := e.with
		if strings.HasPrefix(with, `"`) { // in the place of a number
			with = `\` + with[:len(with)-1] + `\"`
		}
		p.edits = append(p.edits, edit{rawjson.Span{Start: text.Places[e.Start], End: text.Places[e.End]}, with})
	}
	return true, false
}

// knowInside has the values searched for that are in the JSON in the string at v, which is redacted as a whole.
func (p *Pass) knowInside(v rawjson.Span, open bool) {
	p.within(v, func(start int) { p.redactAll(rawjson.SpanOf(start, len(p.raw)), true, open) })
}

// within calls walk with where the value begins in the JSON that the string at v holds, which p.raw is for the time, and returns the
// edits that walk made. Without an object or array in the string it returns nil.
func (p *Pass) within(v rawjson.Span, walk func(start int)) (*rawjson.Text, []edit) {
	if p.depth == len(p.texts) {
		p.texts = append(p.texts, &rawjson.Text{})
	}
	text := p.texts[p.depth]
	if !text.Read(p.raw, v) {
		return nil, nil
	}
	outer, next, edits := p.raw, p.signs, p.edits
	p.raw, p.signs, p.edits = text.Raw, signs{}, nil
	p.depth++
	walk(rawjson.SkipSpace(text.Raw, 0))
	p.depth--
	inner := p.edits
	p.raw, p.signs, p.edits = outer, next, edits
	return text, inner
}

// isBrokenJSON tells whether a string that holds no JSON, whose bytes between quotes are at s, begins as JSON does: it was cut off, and
// its members cannot be told. Okta's own notation, {New Device=POSITIVE} and [USER_PRESENCE], is something else.
func (p *Pass) isBrokenJSON(s rawjson.Span) bool {
	if s.Start == s.End || !strings.ContainsRune("{[ \\", rune(p.raw[s.Start])) {
		return false
	}
	text := strings.TrimLeft(p.plain(s), " \t\r\n")
	inside := strings.TrimLeft(text, "{[ \t\r\n")
	return len(inside) < len(text) && strings.HasPrefix(inside, `"`)
}
