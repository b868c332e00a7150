// option: context

package okta

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grafana/alloy/okta/internal/poller"
)

var holdersDesc = desc("role_holders", "Users, groups and client apps that hold administrators' roles, with context.", "kind")

func (identified) describe(_ *Component, ch chan<- *prometheus.Desc) { ch <- holdersDesc }

func (identified) collect(c *Component, ch chan<- prometheus.Metric, now time.Time) {
	for m := range c.measured(ch, now) {
		i := m.plan.of.identity
		if i == nil {
			continue
		}
		m.since(failingDesc, m.snap.Wrong[poller.Roles].Since, "roles")
		known := i.table.Status()
		m.send(holdersDesc, float64(known.Users), "user")
		m.send(holdersDesc, float64(known.Groups), "group")
		m.send(holdersDesc, float64(known.Clients), "client")
	}
}

// contextInfo is what the UI shows of roles.
type contextInfo struct {
	Users     int       `alloy:"users_with_roles,attr"`
	Groups    int       `alloy:"groups_with_roles,attr"`
	Clients   int       `alloy:"clients_with_roles,attr"`
	Pending   int       `alloy:"users_to_ask_about,attr"`
	Refreshed time.Time `alloy:"refreshed,attr,optional"`
	Full      bool      `alloy:"too_many,attr,optional"`
	Error     string    `alloy:"error,attr,optional"`
}

// contextInfo is nil without roles.
func (p *plan) contextInfo(s poller.Snapshot) *contextInfo {
	if p.of.identity == nil {
		return nil
	}
	t := p.of.identity.table.Status()
	return &contextInfo{Users: t.Users, Groups: t.Groups, Clients: t.Clients, Pending: t.Pending, Refreshed: t.Refreshed, Full: t.Full,
		Error: text(s.Wrong[poller.Roles].Err)}
}
