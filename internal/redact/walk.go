package redact

import (
	"bytes"
	"slices"

	"github.com/grafana/alloy/okta/internal/rawjson"
)

// value redacts what the rules and the place say in the value at p.raw[i]. It returns where the value ends, and true when the value is
// to be taken out as a whole, which is left to the caller.
func (p *Pass) value(i int, rules []*rule, at place) (end int, drop bool) {
	if len(rules) == 0 && at.scope == unguarded {
		return rawjson.SkipValue(p.raw, i, 0), false
	}
	if slices.ContainsFunc(rules, func(r *rule) bool { return r.ends }) {
		return p.whole(i, at.open)
	}
	switch p.raw[i] {
	case '{':
		return p.object(i, rules, at)
	case '[':
		return p.array(i, rules, at)
	case '"':
		end := rawjson.SkipString(p.raw, i)
		if handled, drop := p.inside(rawjson.SpanOf(i, end), rules, at); handled {
			return end, drop
		}
		if at.scalar || at.scope == free && !at.open && p.isBrokenJSON(rawjson.SpanOf(i+1, end-1)) {
			return end, p.scalar(rawjson.SpanOf(i, end))
		}
		if at.scope != unguarded {
			p.findPeople(rawjson.SpanOf(i+1, end-1))
			if at.scope == free && p.redactor.guard.places {
				p.findIPs(rawjson.SpanOf(i+1, end-1))
			}
		}
		return end, false
	default:
		end := rawjson.SkipValue(p.raw, i, 0)
		if at.scalar {
			return end, p.scalar(rawjson.SpanOf(i, end))
		}
		return end, false
	}
}

// whole redacts the value at p.raw[i] with all that is in it. An open one has the names of things.
func (p *Pass) whole(i int, open bool) (end int, drop bool) {
	end = rawjson.SkipValue(p.raw, i, 0)
	p.redactAll(rawjson.SpanOf(i, end), true, open)
	return end, p.redactor.drop
}

// scalar redacts the string or number at v unless it identifies nobody.
func (p *Pass) scalar(v rawjson.Span) (drop bool) {
	s, again := p.secretOf(v, true)
	if s.spelled == nil {
		return false
	}
	p.replace(v, s, !again)
	return p.redactor.drop
}

func (p *Pass) object(i int, rules []*rule, at place) (end int, drop bool) {
	var space [8]*rule
	start, top := i, p.members == nil
	if slices.ContainsFunc(rules, func(r *rule) bool { return r.picks != nil }) {
		var text [2]string
		types := p.typesOf(start, text[:0])
		rules = append(space[:0], rules...)
		for n := 0; n < len(rules); n++ {
			rules = rules[n].picked(types, -1, rules)
		}
		if slices.ContainsFunc(rules, func(r *rule) bool { return r.ends }) {
			return p.whole(start, at.open)
		}
	}
	known, thing := false, false
	isThing := func() bool {
		if !known {
			var text [2]string
			known, thing = true, p.redactor.guard.isThing(p.typesOf(start, text[:0]))
		}
		return thing
	}
	if top {
		p.members = p.space[:0]
	}
	var nextSpace [8]*rule
	cut := newCut(p, start)
	i = rawjson.SkipSpace(p.raw, i+1)
	for p.raw[i] == '"' {
		first := i
		i = rawjson.SkipString(p.raw, i)
		name := rawjson.SpanOf(first+1, i-1)
		i = rawjson.SkipSpace(p.raw, rawjson.SkipSpace(p.raw, i)+1)
		value := i
		if top {
			p.members = append(p.members, member{name: name})
		}
		next := nextSpace[:0]
		for _, r := range rules {
			next = r.member(p.raw, name, next)
		}
		var inside place
		var drop, whole bool
		if at.scope != unguarded {
			inside, whole = p.member(at, name, isThing)
		}
		if whole {
			i, drop = p.whole(i, false)
		} else {
			i, drop = p.value(i, next, inside)
		}
		if top {
			p.members[len(p.members)-1].value = rawjson.SpanOf(value, i)
		}
		v := rawjson.SpanOf(first, i)
		i = p.skipComma(i)
		cut.value(v, i, drop)
	}
	return i + 1, false
}

// member returns the place of the member whose name is at s, and whether it is redacted as a whole, and knows who is in the name. isThing
// tells whether the object that has the member is a thing.
func (p *Pass) member(at place, s rawjson.Span, isThing func() bool) (inside place, whole bool) {
	c, spelled := p.redactor.guard.classOf(at.scope, s.Of(p.raw))
	if !spelled {
		p.findName(s, at.open || c > word)
	}
	return c.in(at, isThing)
}

func noThing() bool { return false }

// array also lets names reach through the array, and takes '*' for every element: a path that forgets the picker must not leave a
// value behind.
func (p *Pass) array(i int, rules []*rule, at place) (end int, drop bool) {
	var space [8]*rule
	cut := newCut(p, i)
	i = rawjson.SkipSpace(p.raw, i+1)
	for index := 0; p.raw[i] != ']'; index++ {
		next := space[:0]
		if len(rules) > 0 {
			var text [2]string
			types := p.typesOf(i, text[:0])
			for _, r := range rules {
				next = r.picked(types, index, next)
				if len(r.named) > 0 {
					next = append(next, r)
				}
				if r.every != nil {
					next = append(next, r.every)
				}
			}
		}
		first, drop := i, false
		i, drop = p.value(i, next, at)
		v := rawjson.SpanOf(first, i)
		i = p.skipComma(i)
		cut.value(v, i, drop)
	}
	return i + 1, false
}

// skipComma returns where the next member or element begins, or the container closes.
func (p *Pass) skipComma(i int) int {
	i = rawjson.SkipSpace(p.raw, i)
	if p.raw[i] == ',' {
		i = rawjson.SkipSpace(p.raw, i+1)
	}
	return i
}

// typesOf appends the texts of the "type" members of the value at p.raw[i], if it is an object. All count: what must be redacted does
// not hide behind a name that is there twice.
func (p *Pass) typesOf(i int, types []string) []string {
	if p.raw[i] != '{' {
		return types
	}
	for m := rawjson.MembersOf(p.raw, rawjson.SpanOf(i, i+1)); ; {
		name, value, ok := m.Next()
		if !ok {
			return types
		}
		if value.IsString(p.raw) && name.Is(p.raw, "type") {
			types = append(types, rawjson.Unquote(value.Inner().Of(p.raw)))
		}
	}
}

// redactAll redacts every scalar in the value at v, and has those searched for elsewhere that are not Okta's own words. What is
// dropped leaves no edits here: the caller cuts it out.
func (p *Pass) redactAll(v rawjson.Span, search, open bool) {
	b := p.raw
	switch b[v.Start] {
	case '{':
		for m := rawjson.MembersOf(b, v); ; {
			name, value, ok := m.Next()
			if !ok {
				return
			}
			inside := place{}
			if p.redactor.guard != nil {
				inside, _ = p.member(place{scope: free, open: open}, name, noThing)
			}
			word := knownName(b, name) == nameConstant && b[value.Start] != '{' && b[value.Start] != '['
			p.redactAll(value, search && !word, inside.open)
		}
	case '[':
		for e := rawjson.ElementsOf(b, v); !e.Done(); {
			p.redactAll(e.Next(), search, open)
		}
	case 'n': // null tells nothing
	default:
		if search && b[v.Start] == '"' {
			p.knowInside(v, open)
		}
		if empty := b[v.Start] == '"' && v.End-v.Start == 2; !empty {
			s, again := p.secretOf(v, search)
			p.replace(v, s, search && !again)
		}
	}
}

// replace puts what stands for the secret in the place of the value at v, and has it searched for elsewhere.
func (p *Pass) replace(v rawjson.Span, s *secret, search bool) {
	if search {
		p.know(s)
	}
	switch {
	case p.redactor.drop:
	case v.IsString(p.raw):
		p.edits = append(p.edits, edit{v.Inner(), s.token()})
	default:
		p.edits = append(p.edits, edit{v, s.quoted})
	}
}

// scalarText is the text of a string, or how a number, true or false is spelled. It is good until the next call.
func (p *Pass) scalarText(v rawjson.Span) string {
	if v.IsString(p.raw) {
		return p.plain(v.Inner())
	}
	return rawjson.Alias(v.Of(p.raw))
}

// plain is the text of a string whose bytes between quotes are at s. It is good until the next call.
func (p *Pass) plain(s rawjson.Span) string {
	raw := s.Of(p.raw)
	if bytes.IndexByte(raw, '\\') < 0 {
		return rawjson.Alias(raw)
	}
	p.scratch = rawjson.AppendUnquoted(p.scratch[:0], raw)
	return rawjson.Alias(p.scratch)
}

// A cut takes members out of an object or elements out of an array, together with the commas that would be left over.
type cut struct {
	pass *Pass
	kept uint32 // where the last value that stays ends; 0 when none does
	from uint32 // where the values begin
}

func newCut(p *Pass, container int) cut {
	return cut{pass: p, from: uint32(rawjson.SkipSpace(p.raw, container+1))}
}

// value is told of each value in turn: the bytes of the member or element, and where the next one begins or the container closes.
func (c *cut) value(v rawjson.Span, next int, drop bool) {
	if !drop {
		c.kept = v.End
		return
	}
	gone := rawjson.SpanOf(int(v.Start), next)
	if closing := c.pass.raw[next]; closing == '}' || closing == ']' {
		gone = rawjson.Span{Start: max(c.kept, c.from), End: v.End}
	}
	c.pass.drop(gone)
}
