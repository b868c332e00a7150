package redact

import (
	"strings"

	"github.com/grafana/alloy/okta/internal/rawjson"
)

// inside redacts in the JSON that the string at v holds. It does nothing and returns false if the string holds no object or array.
// What is not redacted keeps its bytes: edits in the text are edits of the bytes that spell it.
func (p *Pass) inside(v rawjson.Span, rules []*rule, at place) (handled, drop bool) {
	text, places, ok := rawjson.Inside(p.raw, v)
	if !ok {
		return false, false
	}
	outer, next, edits := p.raw, p.signs, p.edits
	p.raw, p.signs, p.edits = text, signs{}, nil
	if at.scope != unguarded {
		at.scope = free
	}
	_, drop = p.value(rawjson.SkipSpace(text, 0), rules, at)
	inner := p.edits
	p.raw, p.signs, p.edits = outer, next, edits
	if drop {
		return true, true
	}
	for _, e := range inner {
		with := e.with
		if strings.HasPrefix(with, `"`) { // in the place of a number
			with = `\` + with[:len(with)-1] + `\"`
		}
		p.edits = append(p.edits, edit{rawjson.Span{Start: places[e.Start], End: places[e.End]}, with})
	}
	return true, false
}
