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
	text string // what span is in when it is not the event: the JSON inside of a string
	span rawjson.Span
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
		spelled := rawjson.Unquote(name.Of(b))
		for i := range n.named {
			if n.named[i].name == spelled {
				n.named[i].find(b, text, value, found)
			}
		}
	}
}

// A choice is an element, by where it begins, and the number of the alternative that it fits.
type choice struct{ start, rank int }

// findPicked looks in the element of the array at v that each picker chooses: the one that fits the first alternative, or else the second,
// and so on. An object counts as itself: it is picked when its type is among the alternatives.
func (n *node) findPicked(b []byte, text string, v rawjson.Span, found []value) {
	var space [4]choice
	chosen := space[:0]
	for i := range n.picked {
		chosen = append(chosen, choice{start: -1, rank: len(n.picked[i].picks)})
	}
	switch b[v.Start] {
	case '{':
		typ := rawjson.TypeOf(b, int(v.Start))
		for i := range chosen {
			if slices.ContainsFunc(n.picked[i].picks, func(p rawjson.Pick) bool { return p.Type != "" && p.Type == typ }) {
				chosen[i].start = int(v.Start)
			}
		}
	case '[':
		index := 0
		for e := rawjson.ElementsOf(b, v); !e.Done(); e.Next() {
			typ, open := rawjson.TypeOf(b, e.At()), false
			for i := range chosen {
				c := &chosen[i]
				for rank, p := range n.picked[i].picks[:c.rank] {
					if p.Index == index || p.Type != "" && p.Type == typ {
						*c = choice{e.At(), rank}
						break
					}
				}
				open = open || c.rank > 0
			}
			if !open {
				break // before skipping the rest of the element, which may be long
			}
			index++
		}
	}
	for i, c := range chosen {
		if c.start < 0 {
			continue
		}
		// Where it ends matters only to a path that ends here.
		at := rawjson.Span{Start: uint32(c.start)}
		if len(n.picked[i].outputs) > 0 || b[c.start] == '"' {
			at.End = uint32(rawjson.SkipValue(b, c.start, 0))
		}
		n.picked[i].find(b, text, at, found)
	}
}
