package roles

import (
	"iter"
	"maps"
	"slices"
	"strings"
	"time"
)

// shown is what readers see. It never changes. Changes are kept beside the rest until there are many, as one more user must not make a copy
// of 20,000.
type shown struct {
	roles   map[string]string // by the id of a user, group or client; "": known to hold none
	changes map[string]string // the same, of those that changed since
	until   time.Time         // our time; it is too old then
}

// maxChanges is how many changes are kept beside the rest.
const maxChanges = 256

func (s *shown) of(id string) (roles string, known bool) {
	if roles, known = s.changes[id]; known {
		return roles, true
	}
	roles, known = s.roles[id]
	return roles, known
}

func (s *shown) all() iter.Seq2[string, string] {
	return func(yield func(id, roles string) bool) {
		for id, roles := range s.changes {
			if !yield(id, roles) {
				return
			}
		}
		for id, roles := range s.roles {
			if _, changed := s.changes[id]; !changed && !yield(id, roles) {
				return
			}
		}
	}
}

// touch notes that somebody's roles may have changed; a group's are also those of its members. The caller holds mu.
func (t *Table) touch(k kind, id string) {
	if k == group {
		t.whole = true
		return
	}
	t.touched = append(t.touched, id)
}

// show lets readers see what changed. The caller holds mu.
func (t *Table) show() {
	touched, whole, before := t.touched, t.whole, t.shown.Load()
	t.touched, t.whole = nil, false
	if t.fresh.IsZero() {
		return
	}
	if before == nil || whole || len(before.changes)+len(touched) > maxChanges {
		t.showAll()
		return
	}
	if len(touched) == 0 {
		return
	}
	s := &shown{roles: before.roles, changes: maps.Clone(before.changes), until: before.until}
	if s.changes == nil {
		s.changes = map[string]string{}
	}
	for _, id := range touched {
		var through []string
		for _, g := range t.holders[group] {
			if _, member := g.members[id]; member {
				through = append(through, g.own...)
			}
		}
		if c := t.holders[client][id]; c != nil {
			s.changes[strings.Clone(id)] = strings.Join(c.own, ",")
			continue
		}
		s.changes[strings.Clone(id)] = t.ofUser(id, through)
	}
	t.shown.Store(s)
}

// ofUser joins the roles of a user that has others through groups. The caller holds mu.
func (t *Table) ofUser(id string, through []string) string {
	u := t.holders[user][id]
	if u == nil {
		return strings.Join(sorted(through), ",")
	}
	roles := slices.Concat(u.own, through)
	for _, g := range u.via {
		roles = append(roles, g.role)
	}
	if len(roles) == 0 && u.known.IsZero() && !u.gone {
		return Unresolved
	}
	return strings.Join(sorted(roles), ",")
}

// showAll replaces what readers see. The caller holds mu.
func (t *Table) showAll() {
	s := &shown{roles: make(map[string]string, len(t.holders[user])+len(t.holders[client])), until: t.fresh.Add(t.lasts)}
	same := map[string]string{} // the different sets of roles, of which there are few
	put := func(id, roles string) {
		known, ok := same[roles]
		if !ok {
			known, same[roles] = roles, roles
		}
		s.roles[id] = known
	}
	through := map[string][]string{} // roles of members
	for id, g := range t.holders[group] {
		if len(g.own) == 0 {
			continue
		}
		put(id, strings.Join(g.own, ","))
		for member := range g.members {
			through[member] = append(through[member], g.own...)
		}
	}
	for id := range t.holders[user] {
		if roles := t.ofUser(id, through[id]); roles != "" {
			put(id, roles)
		}
	}
	for id, roles := range through {
		if t.holders[user][id] == nil {
			put(id, t.ofUser(id, roles))
		}
	}
	for id, c := range t.holders[client] {
		if !c.known.IsZero() {
			put(id, strings.Join(c.own, ","))
		}
	}
	t.shown.Store(s)
}
