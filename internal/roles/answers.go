package roles

import (
	"maps"
	"slices"
	"time"

	"github.com/grafana/alloy/okta/internal/oktaapi/management"
)

// assigned takes the list of users that hold roles, as of date, a time of Okta's. A user who is not on it holds none, unless something
// newer is known. A list of more than maxHolders was not read to its end: it says nothing of users who are not on it.
func (t *Table) assigned(ids map[string]struct{}, date, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.listed, t.fresh, t.whole = date, now, true
	for id, h := range t.holders[user] {
		if _, on := ids[id]; !on && len(ids) <= maxHolders && h.known.Before(date) && now.After(h.certain) {
			delete(t.holders[user], id)
		}
	}
	// Somebody was left out until there is room.
	t.full = len(ids) > maxHolders || t.full && (t.roomFor("") <= 0 || len(t.holders[user])+len(t.holders[group]) >= maxHolders)
	for id := range ids {
		if h := t.holders[user][id]; h == nil {
			t.add(user, id)
		} else if now.After(h.certain) {
			h.gone = false
		}
	}
	t.show()
}

// foundGroups takes the groups that have roles. Groups that lost theirs are asked about in their turn.
func (t *Table) foundGroups(ids map[string]struct{}, date, _ time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	maps.DeleteFunc(t.holders[group], func(_ string, g *holder) bool { return g.gone && g.known.Before(date) })
	for id := range ids {
		t.add(group, id)
	}
}

// answered takes what Okta says of a holder, unless an event said more a moment ago.
func (t *Table) answered(w turn, a held, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.holders[w.kind][w.id]
	if h == nil || h.gone {
		return
	}
	h.asked, h.back = now, false
	if h.late { // an event came while Okta was asked
		return
	}
	t.touch(w.kind, w.id)
	if now.Before(h.certain) { // the answer may be older than an event: it takes nothing away, and Okta is asked once more
		h.own, h.due = sorted(slices.Concat(h.own, a.own)), h.certain
		t.addVia(h, a.via)
		t.show()
		return
	}
	h.own, h.via, h.gone = a.own, nil, a.gone
	t.addVia(h, a.via)
	if !a.gone {
		h.known = a.date
		counts := a.date.Add(-management.CertainAfter) // what is older than that, Okta knows
		maps.DeleteFunc(h.moved, func(_ string, at time.Time) bool { return at.Before(counts) })
	}
	switch {
	case w.kind == group && len(h.own) == 0:
		t.strip(group, w.id, h)
		delete(t.holders[group], w.id)
	case a.gone:
		t.strip(w.kind, w.id, h)
	case w.kind == group:
		t.notVia(w.id, h.own...)
	}
	if w.kind == client && a.gone { // it is no client app, or it holds nothing, which is known now
		h.gone, h.known = false, t.listed
	}
	t.show()
}

// addVia adds what a user has through groups. The caller holds mu.
func (t *Table) addVia(u *holder, all []via) {
	for _, g := range all {
		if management.IsID(g.group) && !slices.Contains(u.via, g) {
			u.via = append(u.via, g)
			t.add(group, g.group)
		}
	}
}

// hasMembers takes a group's members. Of those that a recent event was about, what that told stays.
func (t *Table) hasMembers(id string, ids map[string]struct{}, date time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g := t.holders[group][id]
	if g == nil || g.gone || date.Before(g.known) {
		return
	}
	if len(ids) > t.roomFor(id) {
		t.full = true
		return
	}
	members := maps.Clone(ids)
	for member := range g.moved {
		if _, is := g.members[member]; is {
			members[member] = struct{}{}
		} else {
			delete(members, member)
		}
	}
	g.members, g.large = members, time.Time{}
	t.notVia(id) // the members say so
	t.whole = true
	t.show()
}

// room is how many members of a group the table may keep.
func (t *Table) room(id string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.roomFor(id)
}

// roomFor is room, for a caller that holds mu.
func (t *Table) roomFor(id string) int {
	room := maxHolders - len(t.holders[user])
	for other, g := range t.holders[group] {
		if other != id {
			room -= len(g.members)
		}
	}
	return room
}

// tooLarge notes that a group has more members than there is room for, and that Okta is not to be asked about them before until.
func (t *Table) tooLarge(id string, until time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if g := t.holders[group][id]; g != nil {
		g.members, g.moved, g.large, t.whole = nil, nil, until, true
		t.show()
	}
}

// wantsMembers reports whether Okta is to be asked for a group's members.
func (t *Table) wantsMembers(id string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	g := t.holders[group][id]
	return g != nil && len(g.own) > 0 && !g.gone && now.After(g.large)
}

// overflows reports whether the last list had more holders than there is room for.
func (t *Table) overflows() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.full
}

// largest is the id of a group that is too large, always the same of several; "": there is none.
func (t *Table) largest() (first string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, g := range t.holders[group] {
		if !g.large.IsZero() && len(g.own) > 0 && (first == "" || id < first) {
			first = id
		}
	}
	return first
}
