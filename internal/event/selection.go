package event

import "slices"

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
	picks []pick
	node
}

// add adds a path and returns its number among the outputs.
func (s *selection) add(p path) int {
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
func (n *node) child(s step) *node {
	if s.picks != nil {
		for i := range n.picked {
			if slices.Equal(n.picked[i].picks, s.picks) {
				return &n.picked[i].node
			}
		}
		n.picked = append(n.picked, pickedNode{picks: s.picks})
		return &n.picked[len(n.picked)-1].node
	}
	for i := range n.named {
		if n.named[i].name == s.name {
			return &n.named[i].node
		}
	}
	n.named = append(n.named, namedNode{name: s.name, field: fieldNamed(s.name)})
	return &n.named[len(n.named)-1].node
}

// find fills found, which is as long as the selection and zero, with where the
// values are in ev.Raw. A value that is not there leaves the zero span.
func (s *selection) find(ev *Event, found []span) {
	unknown := false
	for i := range s.root.named {
		n := &s.root.named[i]
		if n.field == fieldUnknown {
			unknown = true
		} else if v := ev.fields[n.field]; v.found() {
			n.find(ev.Raw, v, found)
		}
	}
	if unknown {
		s.root.find(ev.Raw, spanOf(0, len(ev.Raw)), found)
	}
}

func (n *node) find(b []byte, v span, found []span) {
	for _, output := range n.outputs {
		found[output] = v
	}
	if len(n.named) > 0 && b[v.start] == '{' {
		for m := membersOf(b, v); ; {
			name, value, ok := m.next()
			if !ok {
				break
			}
			for i := range n.named {
				if name.is(b, n.named[i].name) {
					n.named[i].find(b, value, found)
				}
			}
		}
	}
	for i := range n.picked {
		if start := choose(b, v, n.picked[i].picks); start >= 0 {
			// Where it ends matters only to a path that ends here.
			chosen := span{start: uint32(start)}
			if len(n.picked[i].outputs) > 0 {
				chosen.end = uint32(skipValue(b, start, 0))
			}
			n.picked[i].find(b, chosen, found)
		}
	}
}

// choose returns where the element of v begins that the first fitting
// alternative picks, or -1. An object counts as itself: it is picked when its
// type is among the alternatives.
func choose(b []byte, v span, picks []pick) (chosen int) {
	chosen = -1
	best := len(picks)
	switch b[v.start] {
	case '{':
		typ := typeOf(b, int(v.start))
		if slices.ContainsFunc(picks, func(p pick) bool { return p.typ != "" && p.typ == typ }) {
			return int(v.start)
		}
	case '[':
		index := 0
		for e := elementsOf(b, v); !e.done(); e.next() {
			typ := typeOf(b, e.i)
			for rank, p := range picks[:best] {
				if p.index == index || p.typ != "" && p.typ == typ {
					best, chosen = rank, e.i
					break
				}
			}
			if best == 0 {
				break // before skipping the rest of the element, which may be long
			}
			index++
		}
	}
	return chosen
}
