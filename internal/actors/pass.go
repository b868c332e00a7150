package actors

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi/management"
)

// changed is the part of an event that tells of a change.
type changed struct {
	Outcome struct {
		Result string `json:"result"`
	} `json:"outcome"`
	Target []struct {
		ID   string `json:"id"`
		Type string `json:"type"`
		Name string `json:"displayName"`
	} `json:"target"`
}

// userType is the type of a user, as an actor or a target.
const userType = "User"

// The event types that change what is known. Source: Okta's catalog of event types, 2026.08.1. Those of a user's lifecycle say that it
// was made anew, or ended, or that a directory took it over, which may come with another profile.
const (
	joins       = "group.user_membership.add"
	leaves      = "group.user_membership.remove"
	groupGone   = "group.lifecycle.delete"
	groupMade   = "group.lifecycle.create"
	groupChange = "group.profile.update" // its name, for instance
)

var (
	ofGroups = []string{joins, leaves, groupGone, groupMade, groupChange}
	ofUsers  = []string{
		"user.account.update_primary_email", "user.account.update_profile", "user.account.update_secondary_email",
		"user.account.update_user_type", "application.provision.user.import_profile",
		"user.lifecycle.activate", "user.lifecycle.create", "user.lifecycle.deactivate", "user.lifecycle.delete.completed",
		"user.lifecycle.delete.initiated", "user.lifecycle.reactivate", "user.lifecycle.suspend", "user.lifecycle.unsuspend",
	}
)

// Types are the event types that change what is known, sorted. A filter that leaves them out leaves changes to later answers.
func Types() []string { return slices.Sorted(slices.Values(slices.Concat(ofGroups, ofUsers))) }

// Pass is called with each event that was looked up, in the order of the log, and takes what the event says.
func (k *Known) Pass(ev *event.Event, now time.Time) {
	users := len(k.profile) > 0 && slices.Contains(ofUsers, ev.EventType)
	groups := len(k.names) > 0 && slices.Contains(ofGroups, ev.EventType)
	if !users && !groups || ev.Published.IsZero() {
		return
	}
	var e changed
	if json.Unmarshal(ev.Raw, &e) != nil || e.Outcome.Result != "" && !strings.EqualFold(e.Outcome.Result, "SUCCESS") {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if users {
		k.passUsers(&e, strings.HasPrefix(ev.EventType, "user.lifecycle.delete."), now)
		return
	}
	k.passGroups(ev, &e, now)
}

// passGroups takes what an event says of named groups. The caller holds mu.
func (k *Known) passGroups(ev *event.Event, e *changed, now time.Time) {
	for _, target := range e.Target {
		if target.Type != "UserGroup" && target.Type != "Group" {
			continue
		}
		known, named := k.groups[target.ID] != nil, slices.Contains(k.names, target.Name)
		switch ev.EventType {
		case joins, leaves:
			if !k.sought && named { // the list that is on its way may be older, and it is not known yet which group that is
				k.lookAgain(now)
			}
			for _, member := range e.Target {
				if member.Type == userType {
					k.moves(target.ID, member.ID, move{ev.Published, ev.EventType == joins})
				}
			}
		case groupGone:
			delete(k.groups, target.ID)
			fallthrough // a search that is on its way may be older, and find it
		default:
			if known || named {
				k.lookAgain(now)
			}
		}
	}
}

// passUsers has Okta asked about users at their next event, and once more when it is certain to know of this one. A deleted user has no
// profile any more, and is asked about only then. The caller holds mu.
func (k *Known) passUsers(e *changed, deleted bool, now time.Time) {
	for _, target := range e.Target {
		if target.Type != userType {
			continue
		}
		certain := now.Add(management.CertainAfter)
		k.changed.Add(strings.Clone(target.ID), certain)
		u, known := k.users.Peek(target.ID)
		if !known {
			continue
		}
		u.retryAt = now
		if deleted {
			k.bytes -= u.cost()
			u.values, u.retryAt = nil, certain
			k.bytes += u.cost()
		}
	}
}
