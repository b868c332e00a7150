package redact

import (
	"cmp"
	"slices"

	"github.com/grafana/alloy/okta/internal/rawjson"
)

// findMentions finds the secrets in what the rules left of the event.
func (p *Pass) findMentions() {
	if len(p.secrets) == 0 {
		return
	}
	p.filter.build(p.secrets)
	p.marks, p.mark = p.marks[:0], 0
	at := uint32(0)
	for _, e := range p.edits {
		p.marks = p.filter.mark(p.raw, at, e.Start, p.marks)
		at = e.End
	}
	p.marks = p.filter.mark(p.raw, at, uint32(len(p.raw)), p.marks)

	for _, m := range p.members {
		if p.mark == len(p.marks) {
			return
		}
		name := rawjson.Unquote(m.name.Of(p.raw))
		free := !topNames[name]
		if free && p.marked(m.name) {
			p.search(m.name)
		}
		if name == "outcome" {
			p.visitOutcome(m.value)
			continue
		}
		p.visit(m.value, free, topConstants[name])
	}
}

// marked tells whether a mark is in s, and passes over the marks before it.
func (p *Pass) marked(s rawjson.Span) bool {
	for p.mark < len(p.marks) && p.marks[p.mark] < s.Start {
		p.mark++
	}
	return p.mark < len(p.marks) && p.marks[p.mark] < s.End
}

// visitOutcome is visit for the outcome, whose reason is constant if it is one of Okta's own.
func (p *Pass) visitOutcome(v rawjson.Span) {
	if p.raw[v.Start] != '{' {
		p.visit(v, false, false)
		return
	}
	for m := rawjson.MembersOf(p.raw, v); p.marked(v); {
		name, value, ok := m.Next()
		if !ok {
			return
		}
		known := knownName(p.raw, name)
		if known == nameUnknown && p.marked(name) {
			p.search(name)
		}
		constant := known == nameConstant || name.Is(p.raw, "reason") && value.IsString(p.raw) && reasons[p.plain(value.Inner())]
		p.visit(value, known == nameFree, constant)
	}
}

// visit searches the tokens with marks in the value at v. A value is constant
// when Okta's own words are all it can hold; such words say the same whatever
// people are called, and queries depend on them. In a free part of the event,
// the maps that Okta promises nothing about, there are no constants, and names
// are searched as well.
func (p *Pass) visit(v rawjson.Span, free, constant bool) {
	if !p.marked(v) {
		return
	}
	b := p.raw
	switch b[v.Start] {
	case '{':
		for m := rawjson.MembersOf(b, v); p.marked(v); {
			name, value, ok := m.Next()
			if !ok {
				return
			}
			known := knownName(b, name)
			if known == nameUnknown && p.marked(name) {
				p.search(name)
			}
			p.visit(value, free || known == nameFree, !free && known == nameConstant)
		}
	case '[':
		for e := rawjson.ElementsOf(b, v); !e.Done() && p.marked(v); {
			p.visit(e.Next(), free, constant)
		}
	case '"':
		if !constant || mayHoldAddress(p.plain(v.Inner())) { // which no word of Okta's does
			p.search(v.Inner())
		}
	case 't', 'f', 'n':
	default:
		if !constant {
			p.searchNumber(v)
		}
	}
}

// search finds the secrets in the string whose bytes between quotes are at s.
func (p *Pass) search(s rawjson.Span) {
	p.text.decode(p.raw, s)
	for _, f := range p.findSecrets() {
		p.mention(rawjson.Span{Start: uint32(f.start), End: uint32(f.end)}, f.secret.token())
	}
}

// mention replaces the bytes at s that no edit replaces: in a string that holds JSON there may be some.
func (p *Pass) mention(s rawjson.Span, token string) {
	first, _ := slices.BinarySearchFunc(p.edits, s.Start, func(e edit, start uint32) int { return cmp.Compare(e.End, start+1) })
	for _, e := range p.edits[first:] {
		if e.Start >= s.End {
			break
		}
		if s.Start < e.Start {
			p.mentions = append(p.mentions, edit{rawjson.Span{Start: s.Start, End: e.Start}, token})
		}
		s.Start = e.End
	}
	if s.Start < s.End {
		p.mentions = append(p.mentions, edit{s, token})
	}
}

// searchNumber replaces the number at v when a secret is in how it is spelled.
func (p *Pass) searchNumber(v rawjson.Span) {
	p.text.decode(p.raw, v)
	if found := p.findSecrets(); len(found) > 0 {
		p.mentions = append(p.mentions, edit{v, found[0].secret.quoted})
	}
}

// findSecrets returns where in the event the secrets in p.text are. It looks again at what the text stands for while there are
// escapes of JSON or entities of HTML in it, as in JSON inside a string.
func (p *Pass) findSecrets() []interval {
	p.found = p.text.find(p.secrets, p.found[:0])
	for range maxLevels {
		if !p.inner.decodeAgain(&p.text) {
			break
		}
		p.text, p.inner = p.inner, p.text
		p.found = p.text.find(p.secrets, p.found)
	}
	return mergeIntervals(p.found)
}
