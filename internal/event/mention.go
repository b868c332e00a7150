package event

import (
	"bytes"
	"iter"
	"slices"
	"unicode/utf8"
)

// findMentions finds the secrets in what the rules left of the event.
func (p *pass) findMentions() {
	if len(p.secrets) == 0 {
		return
	}
	p.filter.build(p.secrets)
	p.marks, p.mark = p.marks[:0], 0
	at := uint32(0)
	for _, e := range p.edits {
		p.marks = p.filter.mark(p.raw, at, e.start, p.marks)
		at = e.end
	}
	p.marks = p.filter.mark(p.raw, at, uint32(len(p.raw)), p.marks)

	for _, m := range p.members {
		if p.mark == len(p.marks) {
			return
		}
		free := m.field == fieldUnknown
		if free && p.marked(m.name) {
			p.search(m.name)
		}
		p.visit(m.value, free, isConstant(m.field))
	}
}

// isConstant tells whether a top-level member holds a word of Okta's, or is
// what the entry is known by.
func isConstant(f field) bool {
	switch f {
	case fieldUUID, fieldPublished, fieldEventType, fieldLegacyEventType, fieldSeverity, fieldVersion:
		return true
	}
	return false
}

// marked tells whether a mark is in s, and passes over the marks before it.
func (p *pass) marked(s span) bool {
	for p.mark < len(p.marks) && p.marks[p.mark] < s.start {
		p.mark++
	}
	return p.mark < len(p.marks) && p.marks[p.mark] < s.end
}

// visit searches the tokens with marks in the value at v. A value is constant
// when Okta's own words are all it can hold; such words say the same whatever
// people are called, and queries depend on them. In a free part of the event,
// the maps that Okta promises nothing about, there are no constants, and names
// are searched as well.
func (p *pass) visit(v span, free, constant bool) {
	if !p.marked(v) {
		return
	}
	b := p.raw
	switch b[v.start] {
	case '{':
		for m := membersOf(b, v); p.marked(v); {
			name, value, ok := m.next()
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
		for e := elementsOf(b, v); !e.done() && p.marked(v); {
			p.visit(e.next(), free, constant)
		}
	case '"':
		if !constant {
			p.search(v.inner())
		}
	case 't', 'f', 'n':
	default:
		if !constant {
			p.searchNumber(v)
		}
	}
}

// search finds the secrets in the string whose bytes between quotes are at s.
func (p *pass) search(s span) {
	p.text.decode(p.raw, s)
	p.found = p.text.find(p.secrets, p.found[:0])
	for _, f := range p.found {
		p.mentions = append(p.mentions, edit{span{p.text.at[f.start], p.text.at[f.end]}, f.secret.token()})
	}
}

// searchNumber replaces the number at v when a secret is in how it is spelled.
func (p *pass) searchNumber(v span) {
	p.text.decode(p.raw, v)
	if p.found = p.text.find(p.secrets, p.found[:0]); len(p.found) > 0 {
		p.mentions = append(p.mentions, edit{v, p.found[0].secret.quoted})
	}
}

// decoded is the text of a token, folded, and where in the event it is from.
type decoded struct {
	folded []byte
	at     []uint32 // for each byte of folded, and for its end
}

// decode reads the string, without quotes, or number at s.
func (d *decoded) decode(b []byte, s span) {
	d.folded, d.at = d.folded[:0], d.at[:0]
	for i := int(s.start); i < int(s.end); {
		r, n := readRune(b[i:s.end])
		before := len(d.folded)
		d.folded = appendRune(d.folded, fold(r))
		for range len(d.folded) - before {
			d.at = append(d.at, uint32(i))
		}
		i += n
	}
	d.at = append(d.at, s.end)
}

// An interval is where a secret is in a decoded text.
type interval struct {
	start, end int
	secret     *secret
}

// find appends where the secrets are, in order. Where they overlap, the whole
// stretch stands for the longest one. Short spellings are looked for last: what
// is replaced beside them does not make them part of a longer word.
func (d *decoded) find(all []*secret, found []interval) []interval {
	short := false
	for _, s := range all {
		for _, spelling := range s.spelled {
			if spelling.short {
				short = true
				continue
			}
			for at := range d.places(spelling.text) {
				found = append(found, interval{at, at + len(spelling.text), s})
			}
		}
	}
	found = mergeIntervals(found)
	if !short {
		return found
	}
	others := len(found)
	for _, s := range all {
		for _, spelling := range s.spelled {
			if !spelling.short {
				continue
			}
			for at := range d.places(spelling.text) {
				if end := at + len(spelling.text); d.isWord(at, end, found[:others]) {
					found = append(found, interval{at, end, s})
				}
			}
		}
	}
	return mergeIntervals(found)
}

// places goes over the places where a spelling is, overlapping ones included.
func (d *decoded) places(spelling []byte) iter.Seq[int] {
	return func(yield func(int) bool) {
		for from := 0; ; {
			i := bytes.Index(d.folded[from:], spelling)
			if i < 0 || !yield(from+i) {
				return
			}
			from += i + 1
		}
	}
}

// isWord tells whether no letter or digit adjoins folded[start:end], other than
// those of the others.
func (d *decoded) isWord(start, end int, others []interval) bool {
	before, _ := utf8.DecodeLastRune(d.folded[:start])
	after, _ := utf8.DecodeRune(d.folded[end:])
	if !isWordRune(before) && !isWordRune(after) {
		return true
	}
	next, _ := slices.BinarySearchFunc(others, end, func(i interval, end int) int { return i.start - end })
	last, _ := slices.BinarySearchFunc(others, start, func(i interval, start int) int { return i.end - start })
	begins := last < len(others) && others[last].end == start
	ends := next < len(others) && others[next].start == end
	return (begins || !isWordRune(before)) && (ends || !isWordRune(after))
}
