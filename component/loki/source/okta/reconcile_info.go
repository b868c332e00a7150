// option: reconcile

package okta

import (
	"cmp"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grafana/alloy/okta/internal/poller"
)

var (
	unconfirmedDesc = desc("unconfirmed_events", "Events delivered and not found in Loki yet.")
	unconfirmedAge  = desc("oldest_unconfirmed_age_seconds", "Time since the first delivery of the oldest unconfirmed event, or 0.")
)

func (reconciling) describe(_ *Component, ch chan<- *prometheus.Desc) {
	ch <- unconfirmedDesc
	ch <- unconfirmedAge
}

func (reconciling) collect(c *Component, ch chan<- prometheus.Metric, now time.Time) {
	for m := range c.measured(ch, now) {
		if m.plan.of.loki == nil {
			continue
		}
		failing := cmp.Or(m.snap.Unconfirmable().Since, m.snap.Wrong[poller.Rewind].Since)
		if failing.IsZero() && now.Sub(m.snap.Asking) >= askingGrace {
			failing = m.snap.Asking
		}
		m.since(failingDesc, failing, "reconcile")
		m.send(unconfirmedDesc, float64(m.snap.Unconfirmed.Waiting))
		m.since(unconfirmedAge, m.snap.Unconfirmed.Since)
	}
}

type reconcileInfo struct {
	Selector          string    `alloy:"selector,attr"`
	Unconfirmed       int       `alloy:"unconfirmed_events,attr"`
	OldestUnconfirmed time.Time `alloy:"oldest_unconfirmed,attr,optional"`
	Skipped           uint64    `alloy:"skipped_events,attr"`
	Retried           uint64    `alloy:"retried_events,attr"`
	Error             string    `alloy:"error,attr,optional"`
}

// reconcileInfo is nil without the block.
func (p *plan) reconcileInfo(s poller.Snapshot) *reconcileInfo {
	if p.of.loki == nil {
		return nil
	}
	return &reconcileInfo{Selector: p.of.loki.Selector(), Unconfirmed: s.Unconfirmed.Waiting,
		OldestUnconfirmed: s.Unconfirmed.Since, Skipped: s.Skipped, Retried: s.Retried, Error: text(s.Unconfirmable().Err)}
}
