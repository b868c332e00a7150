// option: context

package okta

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grafana/alloy/okta/internal/poller"
)

var (
	holdersDesc = desc("role_holders", "Users, groups and client apps that hold administrators' roles, with context.", "kind")
	actorsDesc  = desc("known_actors", "Users whose profile is known (profile) or asked for (waiting), and members of named groups (member), "+
		"with context.", "kind")
)

func (identified) describe(_ *Component, ch chan<- *prometheus.Desc) {
	ch <- holdersDesc
	ch <- actorsDesc
}

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
