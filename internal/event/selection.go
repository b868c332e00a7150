package event

import (
	"slices"

	"github.com/grafana/alloy/okta/internal/rawjson"
)

// A selection finds the values of several paths at once: what the paths share
// is walked once, and what none of them needs is not looked at.
type selection struct {
	size int // how many paths
	root node
}

// A node stands for a value that some path goes through or ends at.
type node struct {
	outputs []int // the paths that end here
	named   []namedNode
	picked  []pickedNode
}

type namedNode struct {
	name  string
	field field // the name as a top-level member
	node
}

type pickedNode struct {
	picks []rawjson.Pick
	node
}

// add adds a path and returns its number among the outputs.
func (s *selection) add(p rawjson.Path) int {
	n := &s.root
	for _, step := range p {
		n = n.child(step)
	}
	output := s.size
	n.outputs = append(n.outputs, output)
	s.size++
	return output
}

// child returns the node that a step leads to, and makes it when it is new.
func (n *node) child(s rawjson.Step) *node {
	if s.Picks != nil {
		for i := range n.picked {
			if slices.Equal(n.picked[i].picks, s.Picks) {
				return &n.picked[i].node
			}
		}
		n.picked = append(n.picked, pickedNode{picks: s.Picks})
		return &n.picked[len(n.picked)-1].node
	}
	for i := range n.named {
		if n.named[i].name == s.Name {
			return &n.named[i].node
		}
	}
	n.named = append(n.named, namedNode{name: s.Name, field: fieldNamed(s.Name)})
	return &n.named[len(n.named)-1].node
}

// A value is one that a path led to. The zero value means that it did not.
type value struct {
	text string // what the value is in when that is not the event: the JSON inside of a string
	at   rawjson.Span
}

// find fills found, which is as long as the selection and zero, with where the
// values are in ev.Raw. A value that is not there leaves the zero value.
func (s *selection) find(ev *Event, found []value) {
	unknown := false
	for i := range s.root.named {
		n := &s.root.named[i]
		if n.field == fieldUnknown {
			unknown = true
		} else if v := ev.fields[n.field]; v.Found() {
			n.find(ev.Raw, "", v, found)
		}
	}
	if unknown {
		s.root.find(ev.Raw, "", rawjson.SpanOf(0, len(ev.Raw)), found)
	}
}

// find looks in b, which is the event or, then with its text, JSON inside of a string.
func (n *node) find(b []byte, text string, v rawjson.Span, found []value) {
	for _, output := range n.outputs {
		found[output] = value{text, v}
	}
	if len(n.named) == 0 && len(n.picked) == 0 {
		return
	}
	switch b[v.Start] {
	case '"':
		var inside rawjson.Text
		if inside.Read(b, v) {
			start := rawjson.SkipSpace(inside.Raw, 0)
			within := &node{named: n.named, picked: n.picked}
			within.find(inside.Raw, rawjson.Alias(inside.Raw), rawjson.SpanOf(start, rawjson.SkipValue(inside.Raw, start, 0)), found)
		}
		return
	case '{':
		if len(n.named) > 0 {
			n.findNamed(b, text, v, found)
		}
	}
	if len(n.picked) > 0 {
		n.findPicked(b, text, v, found)
	}
}

func (n *node) findNamed(b []byte, text string, v rawjson.Span, found []value) {
	for m := rawjson.MembersOf(b, v); ; {
		name, value, ok := m.Next()
		if !ok {
			return
		}
		n.findMember(b, text, name, value, found)
	}
}

func (n *node) findMember(b []byte, text string, name, value rawjson.Span, found []value) {
	spelled := rawjson.Unquote(name.Of(b))
	for i := range n.named {
		if n.named[i].name == spelled {
			n.named[i].find(b, text, value, found)
		}
	}
}

// An element is one of an array, or an object that counts as itself, and the members it has.
type element struct {
	rawjson.Span
	typ     string // of its first "type" member that is a string, "" without
	members [8]struct{ name, value rawjson.Span }
	count   int
	more    bool // there are others, or it is no object
}

// read reads the element that begins at b[at].
func (e *element) read(b []byte, at int) {
	e.typ, e.count, e.more = "", 0, b[at] != '{'
	if e.more {
		e.Span = rawjson.SpanOf(at, rawjson.SkipValue(b, at, 0))
		return
	}
	for m, typed := rawjson.MembersOf(b, rawjson.SpanOf(at, at)), false; ; {
		name, value, ok := m.Next()
		if !ok {
			e.Span = rawjson.SpanOf(at, m.End())
			return
		}
		if !typed && value.IsString(b) && name.Is(b, "type") {
			e.typ, typed = rawjson.Unquote(value.Inner().Of(b)), true
		}
		if e.more = e.count == len(e.members); !e.more {
			e.members[e.count] = struct{ name, value rawjson.Span }{name, value}
			e.count++
		}
	}
}

// A choice is the element that a picker chooses, and the number of its alternative that the element fits.
type choice struct {
	rank int
	element
}

// findPicked looks in the element of the array at v that each picker chooses: the one that fits the first alternative, or else the second,
// and so on. An object counts as itself: it is picked when its type is among the alternatives.
func (n *node) findPicked(b []byte, text string, v rawjson.Span, found []value) {
	var space [3]choice
	chosen := space[:0]
	for i := range n.picked {
		chosen = append(chosen, choice{rank: len(n.picked[i].picks)})
	}
	var here element
	pick := func(index int) {
		for i := range chosen {
			for rank, p := range n.picked[i].picks[:chosen[i].rank] {
				if p.Type == "" && p.Index == index || p.Type != "" && p.Type == here.typ {
					chosen[i] = choice{rank, here}
					break
				}
			}
		}
	}
	switch b[v.Start] {
	case '{':
		here.read(b, int(v.Start))
		pick(-1)
	case '[':
		index := 0
		for e := rawjson.ElementsOf(b, v); !e.Done(); e.SkipTo(int(here.End)) {
			here.read(b, e.At())
			pick(index)
			index++
		}
	}
	for i := range chosen {
		if c := &chosen[i]; c.Found() {
			n.picked[i].findIn(b, text, &c.element, found)
		}
	}
}

// findIn is find for an element.
func (n *node) findIn(b []byte, text string, e *element, found []value) {
	if e.more || len(n.picked) > 0 {
		n.find(b, text, e.Span, found)
		return
	}
	for _, output := range n.outputs {
		found[output] = value{text, e.Span}
	}
	for _, m := range e.members[:e.count] {
		n.findMember(b, text, m.name, m.value, found)
	}
}
