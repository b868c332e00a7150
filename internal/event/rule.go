package event

import "slices"

// A rule is a point on the way of one or more redaction paths. Unlike in a
// selection, every value that fits a path counts, not the first.
type rule struct {
	ends  bool // a path ends here: the value and all in it are redacted
	named []namedRule
	every *rule // '*' as a name
	picks []pickRule
}

type namedRule struct {
	name  string
	field field // the name as a top-level member
	rule  *rule
}

type pickRule struct {
	picks []pick
	rule  *rule
}

func (r *rule) add(p path) {
	for _, s := range p {
		r = r.child(s)
	}
	r.ends = true
}

func (r *rule) child(s step) *rule {
	switch {
	case s.picks != nil:
		for _, p := range r.picks {
			if slices.Equal(p.picks, s.picks) {
				return p.rule
			}
		}
		r.picks = append(r.picks, pickRule{s.picks, &rule{}})
		return r.picks[len(r.picks)-1].rule
	case s.any:
		if r.every == nil {
			r.every = &rule{}
		}
		return r.every
	default:
		for _, n := range r.named {
			if n.name == s.name {
				return n.rule
			}
		}
		r.named = append(r.named, namedRule{s.name, fieldNamed(s.name), &rule{}})
		return r.named[len(r.named)-1].rule
	}
}

// member appends the rules that apply to the member called name.
func (r *rule) member(b []byte, name span, to []*rule) []*rule {
	for _, n := range r.named {
		if name.is(b, n.name) {
			to = append(to, n.rule)
		}
	}
	if r.every != nil {
		to = append(to, r.every)
	}
	return to
}

// picked appends the rules that apply to a value because a picker fits it;
// index is its number in the array around it, -1 for a single object.
func (r *rule) picked(types []string, index int, to []*rule) []*rule {
	for _, p := range r.picks {
		if slices.ContainsFunc(p.picks, func(p pick) bool {
			if p.typ != "" {
				return slices.Contains(types, p.typ)
			}
			return p.any || p.index == index
		}) {
			to = append(to, p.rule)
		}
	}
	return to
}

// apply redacts what the rules want redacted in the value at v. It returns true
// when the value is to be taken out as a whole, which is left to the caller.
func (p *pass) apply(v span, rules []*rule) (drop bool) {
	b := p.raw
	var space [8]*rule
	if b[v.start] == '{' && slices.ContainsFunc(rules, func(r *rule) bool { return r.picks != nil }) {
		var text [2]string
		_, types := typesOf(b, int(v.start), text[:0])
		rules = append(space[:0], rules...)
		for i := 0; i < len(rules); i++ {
			rules = rules[i].picked(types, -1, rules)
		}
	}
	for _, r := range rules {
		if r.ends {
			p.redactAll(v, true)
			return p.redactor.drop
		}
	}
	switch b[v.start] {
	case '{':
		p.applyToMembers(v, rules)
	case '[':
		p.applyToElements(v, rules)
	}
	return false
}

func (p *pass) applyToMembers(object span, rules []*rule) {
	var space [8]*rule
	cut := newCut(p, object)
	for m := membersOf(p.raw, object); ; {
		start := m.i
		name, value, ok := m.next()
		if !ok {
			return
		}
		next := space[:0]
		for _, r := range rules {
			next = r.member(p.raw, name, next)
		}
		drop := len(next) > 0 && p.apply(value, next)
		cut.value(span{uint32(start), value.end}, m.i, drop)
	}
}

// applyToElements also lets names reach through the array, and takes '*' for
// every element: a path that forgets the picker must not leave a value behind.
func (p *pass) applyToElements(array span, rules []*rule) {
	var space [8]*rule
	cut := newCut(p, array)
	index := 0
	for e := elementsOf(p.raw, array); !e.done(); index++ {
		var text [2]string
		end, types := typesOf(p.raw, e.i, text[:0])
		next := space[:0]
		for _, r := range rules {
			next = r.picked(types, index, next)
			if len(r.named) > 0 {
				next = append(next, r)
			}
			if r.every != nil {
				next = append(next, r.every)
			}
		}
		element := spanOf(e.i, end)
		e.skipTo(end)
		drop := len(next) > 0 && p.apply(element, next)
		cut.value(element, e.i, drop)
	}
}

// redactAll redacts every scalar in the value at v, and has those searched for
// elsewhere that are not Okta's own words. What is dropped leaves no edits here:
// the caller cuts it out.
func (p *pass) redactAll(v span, search bool) {
	b := p.raw
	switch b[v.start] {
	case '{':
		for m := membersOf(b, v); ; {
			name, value, ok := m.next()
			if !ok {
				return
			}
			p.redactAll(value, search && knownName(b, name) != nameConstant)
		}
	case '[':
		for e := elementsOf(b, v); !e.done(); {
			p.redactAll(e.next(), search)
		}
	case 'n': // null tells nothing
	default:
		if text := scalarText(b, v); text != "" {
			s := p.redactor.secrets.of(text)
			if search {
				p.know(s)
			}
			if !p.redactor.drop {
				p.edits = append(p.edits, edit{v, s.quoted})
			}
		}
	}
}

// scalarText is the text of a string, or how a number, true or false is spelled.
func scalarText(b []byte, v span) string {
	if v.isString(b) {
		return unquote(v.inner().of(b))
	}
	return alias(v.of(b))
}

// A cut takes members out of an object or elements out of an array, together
// with the commas that would be left over.
type cut struct {
	pass *pass
	kept uint32 // where the last value that stays ends; 0 when none does
	from uint32 // where the values begin
}

func newCut(p *pass, container span) cut {
	return cut{pass: p, from: uint32(skipSpace(p.raw, int(container.start)+1))}
}

// value is told of each value in turn: the bytes of the member or element, and
// where the next one begins or the container closes.
func (c *cut) value(v span, next int, drop bool) {
	if !drop {
		c.kept = v.end
		return
	}
	gone := span{v.start, uint32(next)}
	if closing := c.pass.raw[next]; closing == '}' || closing == ']' {
		gone = span{max(c.kept, c.from), v.end}
	}
	c.pass.drop(gone)
}
