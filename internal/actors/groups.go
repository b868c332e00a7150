package actors

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/grafana/alloy/okta/internal/oktaapi/management"
)

// group is a group that has one of the names. The mutex of Known guards it.
type group struct {
	name    string
	members map[string]struct{}
	moved   map[string]move // what events said of members that the list may not have yet
	counts  time.Time       // Okta's time; the list has all that happened before
	listed  time.Time       // our time of the list; zero: none yet
	large   bool            // there is no room for its members
}

// move is that somebody joined a group, or left it.
type move struct {
	at    time.Time // Okta's
	joins bool
}

// groupsOf are the names of the groups that a user is in. The caller holds mu.
func (k *Known) groupsOf(id string, now time.Time) string {
	var names []string
	for _, g := range k.groups {
		if _, is := g.members[id]; is && now.Sub(g.listed) < k.groupsLast && !slices.Contains(names, g.name) {
			names = append(names, g.name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}

func (k *Known) setRefresh(every time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.groupsLast = max(minGroupsLast, 4*every)
}

// found takes which groups have the names, by id.
func (k *Known) found(names map[string]string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sought = true
	maps.DeleteFunc(k.groups, func(id string, g *group) bool { return names[id] != g.name })
	for id, name := range names {
		if k.groups[id] == nil {
			k.groups[id] = &group{name: name}
		}
	}
}

// called are the ids of the groups that were found by a name.
func (k *Known) called(name string) (ids []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for id, g := range k.groups {
		if g.name == name {
			ids = append(ids, id)
		}
	}
	return ids
}

// gone takes that there is no such group any more.
func (k *Known) gone(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.groups, id)
}

// room is how many members of a group there is room for.
func (k *Known) room(id string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.roomFor(id)
}

// roomFor is room, for a caller that holds mu.
func (k *Known) roomFor(id string) int {
	room := maxMembers
	for other, g := range k.groups {
		if other != id {
			room -= len(g.members)
		}
	}
	return room
}

// listed takes the members of a group, as of date, a time of Okta's. What events said of the minute before stays.
func (k *Known) listed(id string, ids map[string]struct{}, date, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	g := k.groups[id]
	if g == nil {
		return
	}
	g.members, g.listed, g.large, g.counts = ids, now, false, date.Add(-management.CertainAfter)
	maps.DeleteFunc(g.moved, func(_ string, m move) bool { return m.at.Before(g.counts) })
	for user, m := range g.moved {
		k.move(id, g, user, m.joins)
	}
}

// tooLarge notes that there is no room for a group's members: it has none.
func (k *Known) tooLarge(id string, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if g := k.groups[id]; g != nil {
		g.members, g.moved, g.listed, g.large = nil, nil, now, true
	}
}

// move has a user be in a group, or not. The caller holds mu.
func (k *Known) move(id string, g *group, user string, joins bool) {
	if !joins {
		delete(g.members, user)
		return
	}
	if g.members == nil {
		g.members = map[string]struct{}{}
	}
	if len(g.members) < k.roomFor(id) {
		g.members[user] = struct{}{}
	}
}

// moves takes that a user joined or left a group at a time of Okta's. Of two, the newer one counts, so they may come late or twice.
func (k *Known) moves(id, user string, m move) {
	g := k.groups[id]
	if g == nil || g.large || m.at.Before(g.counts) || m.at.Before(g.moved[user].at) {
		return
	}
	if g.moved == nil {
		g.moved = map[string]move{}
	}
	if _, known := g.moved[user]; !known && len(g.moved) >= maxMembers { // the next list has it
		return
	}
	user = strings.Clone(user)
	g.moved[user] = m
	k.move(id, g, user, m.joins)
}

// lookAgain has Okta asked for the groups when it is certain to know of an event of now. The caller holds mu.
func (k *Known) lookAgain(now time.Time) {
	k.certain = now.Add(management.CertainAfter)
	if k.due.IsZero() {
		k.due = k.certain
		k.signal()
	}
}

// looks notes that Okta is asked for the groups now. Of an event of the minute before it may not know: then it is asked once more.
func (k *Known) looks(now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.due = time.Time{}
	if now.Before(k.certain) {
		k.due = k.certain
	}
}

// groupsDue is when to look for groups because of an event; zero: there was none.
func (k *Known) groupsDue() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.due
}
