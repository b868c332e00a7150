package roles

import (
	"maps"
	"strings"
	"time"
)

// assigned takes the list of users that hold roles, of Okta's time date. Who is not on it holds none, unless more is known since.
func (t *Table) assigned(ids map[string]struct{}, date, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.listed, t.fresh, t.full, t.whole = date, now, false, true
	for id, h := range t.holders[user] {
		if _, on := ids[id]; !on && h.known.Before(date) && now.After(h.certain) {
			delete(t.holders[user], id)
		}
	}
	for id := range ids {
		if h := t.holders[user][id]; h == nil {
			t.add(user, id)
		} else if now.After(h.certain) {
			h.gone = false
		}
	}
	t.show()
}

// foundGroups takes the groups that have roles. Those that lose them are asked about in their turn.
func (t *Table) foundGroups(ids map[string]struct{}, _, _ time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id := range ids {
		t.add(group, id)
	}
}

// answered takes what Okta says of a holder, unless an event told more a moment ago.
func (t *Table) answered(w turn, a held, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.holders[w.kind][w.id]
	if h == nil {
		return
	}
	h.asked, h.back = now, false
	if !h.due.IsZero() { // an event came while Okta was asked
		return
	}
	h.own, h.via, h.gone = a.own, nil, a.gone
	t.touch(w.kind, w.id)
	if a.gone {
		t.strip(w.kind, w.id, h)
	} else {
		h.known = a.date
	}
	for id, roles := range a.via {
		if isID(id) {
			if h.via == nil {
				h.via = map[string][]string{}
			}
			h.via[strings.Clone(id)] = roles
			t.add(group, id)
		}
	}
	if w.kind == group && len(h.own) == 0 {
		t.strip(group, w.id, h)
		delete(t.holders[group], w.id)
	}
	if w.kind == client && a.gone { // no client app, or one that holds nothing: known as such
		h.gone, h.known = false, t.listed
	}
	t.show()
}

// hasMembers takes a group's members.
func (t *Table) hasMembers(id string, ids map[string]struct{}, date, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g := t.holders[group][id]
	if g == nil || date.Before(g.known) || now.Before(g.certain) {
		return
	}
	all := len(t.holders[user]) + len(ids) - len(g.members)
	for _, other := range t.holders[group] {
		all += len(other.members)
	}
	if all > maxHolders {
		t.full = true
		return
	}
	g.members = maps.Clone(ids)
	for _, u := range t.holders[user] {
		delete(u.via, id) // the members say so
	}
	t.whole = true
	t.show()
}
