package roles

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi/management"
)

// changed is the part of an event that tells of a change.
type changed struct {
	at, now time.Time // Okta's time of the event, and ours

	Outcome struct {
		Result string `json:"result"`
	} `json:"outcome"`
	Debug struct {
		Data struct {
			Granted string `json:"privilegeGranted"`
		} `json:"debugData"`
	} `json:"debugContext"`
	Target []struct {
		ID   string `json:"id"`
		Type string `json:"type"`
	} `json:"target"`
}

// tell is what an event does to a table, and whether that changes something. The caller holds mu.
type tell func(t *Table, e *changed) (changes bool)

// tells are the event types after which somebody holds other roles than before. Source: Okta's catalog of event types, 2026.08.1, which
// says that a grant lists all privileges that its target has now, those through groups included, and that a revoke leaves none.
// user.privileged_account.privilege.* come in addition to user.account.privilege.*. Bindings are of custom roles and of those that Okta
// made of the same parts, and do not say which.
var tells = map[string]tell{
	"user.account.privilege.grant":       holds(user),
	"user.account.privilege.revoke":      holdsNone(user),
	"group.privilege.grant":              holds(group),
	"group.privilege.revoke":             holdsNone(group),
	"app.oauth2.client.privilege.grant":  holds(client),
	"app.oauth2.client.privilege.revoke": holdsNone(client),
	"group.user_membership.add":          membership(true),
	"group.user_membership.remove":       membership(false),
	"iam.resourceset.bindings.add":       binding(true),
	"iam.resourceset.bindings.delete":    binding(false),
	"user.lifecycle.delete.initiated":    deleted(user),
	"user.lifecycle.delete.completed":    deleted(user),
	"group.lifecycle.delete":             deleted(group),
}

// Types are the event types that change a table, sorted. A filter that leaves them out leaves changes to the refresh.
func Types() []string { return slices.Sorted(maps.Keys(tells)) }

// Pass is called with each event that was looked up, in the order of the log, and changes the table if the event says so. An event that is
// older than what is known changes nothing, so it may come twice.
func (t *Table) Pass(ev *event.Event, now time.Time) {
	does := tells[ev.EventType]
	if does == nil || ev.Published.IsZero() {
		return
	}
	e := changed{at: ev.Published, now: now}
	if json.Unmarshal(ev.Raw, &e) != nil || e.Outcome.Result != "" && !strings.EqualFold(e.Outcome.Result, "SUCCESS") {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if does(t, &e) {
		t.show()
		t.signal()
	}
}

// targets calls see with each target of a type that may be of the kind.
func (e *changed) targets(k kind, see func(id string)) {
	for _, target := range e.Target {
		is := target.Type == "User"
		switch k {
		case group:
			is = target.Type == "UserGroup" || target.Type == "Group"
		case client:
			// PublicClientApp as an actor; the catalog does not say of what type a target of app.oauth2.client.privilege.* is.
			is = strings.Contains(target.Type, "App") || strings.Contains(target.Type, "Client")
		}
		if is {
			see(target.ID)
		}
	}
}

// news returns the holder that an event is about that happened at a time; nil: something newer is known already.
func (t *Table) news(k kind, id string, at time.Time) *holder {
	if t.holders[k][id] == nil && k == user && at.Before(t.listed) {
		return nil // the list is newer, and did not have it
	}
	h := t.add(k, id)
	if h == nil || at.Before(h.known) || at.Before(h.told) {
		return nil
	}
	return h
}

// about is a tell that changes each target of a kind, unless something newer is known of it.
func about(k kind, change func(t *Table, e *changed, id string, h *holder)) tell {
	return func(t *Table, e *changed) (changes bool) {
		e.targets(k, func(id string) {
			if h := t.news(k, id, e.at); h != nil {
				change(t, e, id, h)
				t.touch(k, id)
				changes = true
			}
		})
		return changes
	}
}

// said notes that an event told all about a holder.
func (h *holder) said(e *changed) {
	until := e.now.Add(management.CertainAfter)
	h.known, h.told, h.certain, h.sure, h.due, h.late, h.gone = e.at, e.at, until, until, until, true, false
}

// unsaid notes that an event told that a holder's roles changed, but not how: Okta is asked at once, and once more when it is certain to
// know. After a loss it is asked at once only when no event of the last minute told all, as an answer that is older than that event would
// undo it.
func (h *holder) unsaid(lost bool, e *changed) {
	h.told, h.due, h.late, h.gone = e.at, e.now, true, false
	if lost && e.now.Before(h.sure) {
		h.due = e.now.Add(management.CertainAfter)
	}
	h.certain = e.now.Add(management.CertainAfter)
}

// dueBy makes a holder due unless it is already.
func (h *holder) dueBy(at time.Time) {
	if h.due.IsZero() {
		h.due = at
	}
}

func holds(k kind) tell {
	return about(k, func(t *Table, e *changed, id string, h *holder) {
		names := granted(e.Debug.Data.Granted)
		if len(names) == 0 { // it does not say: what is known stays
			h.unsaid(false, e)
			return
		}
		first := k == group && len(h.own) == 0 && !e.now.Before(h.sure)
		t.set(k, id, h, names)
		h.said(e)
		if first { // its members are asked for at once
			h.due = e.now
		}
	})
}

// set replaces the roles of a holder.
func (t *Table) set(k kind, id string, h *holder, names []string) {
	var groups []string // that a user has through groups
	if k == user {
		h.via = slices.DeleteFunc(h.via, func(g via) bool { return !slices.Contains(names, g.role) })
		for _, g := range h.via {
			groups = append(groups, g.role)
		}
		for _, g := range t.holders[group] {
			if _, member := g.members[id]; member {
				groups = append(groups, g.own...)
			}
		}
	}
	before := h.own
	h.own = slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return slices.Contains(groups, name) && !slices.Contains(before, name)
	})
	if k == group {
		t.notVia(id, h.own...)
	}
}

// notVia takes from all users what they have through a group, but for some roles. The caller holds mu.
func (t *Table) notVia(group string, but ...string) {
	for _, u := range t.holders[user] {
		u.notVia(group, but...)
	}
}

// notVia takes what a user has through a group, but for some roles.
func (h *holder) notVia(group string, but ...string) {
	h.via = slices.DeleteFunc(h.via, func(g via) bool { return g.group == group && !slices.Contains(but, g.role) })
}

func holdsNone(k kind) tell {
	return about(k, func(t *Table, e *changed, id string, h *holder) {
		t.strip(k, id, h)
		h.said(e)
	})
}

// strip takes all roles from a holder, and from others those that they have through it.
func (t *Table) strip(k kind, id string, h *holder) {
	h.own, h.via, h.members, h.moved = nil, nil, nil, nil
	switch k {
	case user:
		for _, g := range t.holders[group] {
			delete(g.members, id)
		}
	case group:
		t.notVia(id)
	}
}

func deleted(k kind) tell {
	return func(t *Table, e *changed) (changes bool) {
		e.targets(k, func(id string) {
			if h := t.holders[k][id]; h != nil && !e.at.Before(h.known) && !e.at.Before(h.told) {
				t.strip(k, id, h)
				h.known, h.told, h.due, h.late, h.gone, changes = e.at, e.at, time.Time{}, true, true, true
				t.touch(k, id)
			}
		})
		return changes
	}
}

// membership handles that somebody joins or leaves a group with roles; other groups do not matter.
func membership(add bool) tell {
	return func(t *Table, e *changed) (changes bool) {
		e.targets(group, func(id string) {
			g := t.holders[group][id]
			if g == nil || g.gone || e.at.Before(g.known) || !g.large.IsZero() {
				return
			}
			if g.members == nil {
				g.members = map[string]struct{}{}
			}
			if g.moved == nil {
				g.moved = map[string]time.Time{}
			}
			if len(g.moved) >= maxHolders { // more than are to be remembered: what is older than this counts no more
				clear(g.moved)
				g.known = e.at
			}
			e.targets(user, func(member string) {
				if e.at.Before(g.moved[member]) { // an older one, delivered a second time
					return
				}
				if _, is := g.members[member]; add && !is && len(g.members) >= t.roomFor(id) {
					t.full = true
					return
				}
				member = strings.Clone(member)
				g.moved[member] = e.at
				t.touch(user, member)
				if add {
					g.members[member] = struct{}{}
				} else {
					delete(g.members, member)
				}
				if u := t.holders[user][member]; u != nil && !add {
					u.notVia(id)
					u.certain, u.late = e.now.Add(management.CertainAfter), true
					u.dueBy(u.certain)
				}
			})
			g.dueBy(e.now.Add(management.CertainAfter)) // of its roles this says nothing
			changes = true
		})
		return changes
	}
}

// binding handles that a custom role, or one like it, is given or taken. The event does not say which; when one is taken, all roles go that
// may be meant.
func binding(add bool) tell {
	of := func(k kind) tell {
		return about(k, func(t *Table, e *changed, id string, h *holder) {
			if !add {
				h.own = slices.DeleteFunc(slices.Clone(h.own), isBound)
				h.known = e.at
				if k == group {
					t.notVia(id, h.own...)
				}
			}
			h.unsaid(!add, e)
		})
	}
	users, groups := of(user), of(group)
	return func(t *Table, e *changed) bool {
		changes := users(t, e)
		return groups(t, e) || changes
	}
}

// isBound reports whether a role is given by a binding: a custom one, or one of three of RoleType that Okta calls IAM-based.
func isBound(name string) bool {
	switch name {
	case "WORKFLOWS_ADMIN", "ACCESS_CERTIFICATIONS_ADMIN", "ACCESS_REQUESTS_ADMIN":
		return true
	}
	return strings.HasPrefix(name, event.CustomRole)
}
