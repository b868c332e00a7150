// option: context

package okta

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grafana/alloy/okta/internal/poller"
)

var (
	holdersDesc = desc("role_holders", "Users, groups and client apps that hold administrators' roles, with context.", "kind")
	actorsDesc  = desc("known_actors", "Users whose profile is known (profile) or asked for (waiting), and members of named groups (member), "+
		"with context.", "kind")
)

func (identified) collect(c *Component, ch chan<- prometheus.Metric, now time.Time) {
	for m := range c.measured(ch, now) {
		if i := m.plan.of.identity; i != nil {
			m.since(failingDesc, m.snap.Wrong[poller.Roles].Since, "roles")
			known := i.table.Status()
			m.send(holdersDesc, float64(known.Users), "user")
			m.send(holdersDesc, float64(known.Groups), "group")
			m.send(holdersDesc, float64(known.Clients), "client")
		}
		if a := m.plan.of.actors; a != nil {
			m.since(failingDesc, m.snap.Wrong[poller.Actors].Since, "profiles")
			known := a.known.Status()
			m.send(actorsDesc, float64(known.Profiles), "profile")
			m.send(actorsDesc, float64(known.Waiting), "waiting")
			m.send(actorsDesc, float64(known.Members), "member")
		}
	}
}

// contextInfo is what the UI shows of roles, profiles and groups.
type contextInfo struct {
	Users     int       `alloy:"users_with_roles,attr"`
	Groups    int       `alloy:"groups_with_roles,attr"`
	Clients   int       `alloy:"clients_with_roles,attr"`
	Pending   int       `alloy:"users_to_ask_about,attr"`
	Refreshed time.Time `alloy:"refreshed,attr,optional"`
	Full      bool      `alloy:"too_many,attr,optional"`
	Error     string    `alloy:"error,attr,optional"`

	Profiles     int       `alloy:"profiles,attr,optional"`
	Unseen       []string  `alloy:"attributes_of_no_profile,attr,optional"`
	Waiting      int       `alloy:"profiles_to_ask_for,attr,optional"`
	Named        int       `alloy:"named_groups,attr,optional"`
	Members      int       `alloy:"members_of_named_groups,attr,optional"`
	MembersRead  time.Time `alloy:"members_read,attr,optional"`
	ErrorOfNamed string    `alloy:"profiles_error,attr,optional"`
}

// contextInfo is nil when neither roles nor profiles nor groups are wanted.
func (p *plan) contextInfo(s poller.Snapshot) *contextInfo {
	if p.of.identity == nil && p.of.actors == nil {
		return nil
	}
	info := &contextInfo{Error: text(s.Wrong[poller.Roles].Err), ErrorOfNamed: text(s.Wrong[poller.Actors].Err)}
	if i := p.of.identity; i != nil {
		t := i.table.Status()
		info.Users, info.Groups, info.Clients, info.Pending = t.Users, t.Groups, t.Clients, t.Pending
		info.Refreshed, info.Full = t.Refreshed, t.Full
	}
	if a := p.of.actors; a != nil {
		t := a.known.Status()
		info.Unseen = t.Unseen
		info.Profiles, info.Waiting, info.Named, info.Members, info.MembersRead = t.Profiles, t.Waiting, t.Groups, t.Members, t.Refreshed
	}
	return info
}

// verdict is what health says of roles, and of actors if all is well with these. Events are delivered in any case.
func (identified) verdict(k *collector, now time.Time) (v condition) {
	p, s := k.plan.Load(), k.live.snapshot()
	if t := s.Wrong[poller.Roles]; p.of.identity != nil && t.Lasts() {
		if v = rolesWords.verdict(t, now, p); v.unhealthy() {
			return v
		}
	}
	if t := s.Wrong[poller.Actors]; p.of.actors != nil && t.Lasts() {
		if of := actorsWords.verdict(t, now, p); v.message == "" || of.unhealthy() {
			return of
		}
	}
	return v
}

// words are what health says of a trouble that costs events what is known beside them. kind is that of one with groups only.
type words struct{ kind, groups, forbidden, failing string }

var (
	rolesWords = words{
		poller.GroupRoles,
		"members of groups with roles are not known since %s: %v",
		"who holds administrators' roles is not known since %s; events go on, without actor_roles: %v",
		"roles could not be refreshed since %s; events go on, with what is known or without: %v",
	}
	actorsWords = words{
		poller.GroupMembers,
		"who is in the named groups is not known since %s: %v",
		"profiles may not be read since %s; events go on, without what context names in profile: %v",
		"profiles could not be read since %s; events go on, with what is known or without: %v",
	}
)

func (w words) verdict(t poller.Trouble, now time.Time, p *plan) condition {
	is, text := troubled, w.failing
	switch {
	case t.Kind == w.kind:
		is, text = fine, w.groups
	case t.Refused:
		text = w.forbidden
	case now.Sub(t.Since) < max(outageGrace, 3*p.args.PollInterval):
		return condition{}
	}
	return condition{is: is, message: fmt.Sprintf(text, clock(t.Since), t.Err), since: t.Since}
}
