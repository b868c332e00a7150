// option: reconcile

package poller

import (
	"context"
	"time"

	"github.com/go-kit/log/level"

	"github.com/grafana/alloy/okta/internal/delivery"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/limits"
	"github.com/grafana/alloy/okta/internal/oktaapi"
)

// proof is how many events of the log are looked for in Loki to see whether reading had got as far as a position.
const proof = 20

// unproven is a position that came from the newest entry that the destination has. That entry
// may be of another org, or a probe that was delivered ahead of a gap.
type unproven struct {
	newest time.Time
	back   time.Duration // how far before newest the position is
	oldest time.Time     // no position is tried before it
}

func (p *confirmed) beginAnew(ctx context.Context) bool {
	if p.Overlap == 0 {
		p.beginAtLookback()
		return true
	}
	initial := time.Now().Add(-p.InitialLookback)
	newest, err := p.newest(ctx, oktaapi.Retention, func() {})
	if err != nil {
		return false
	}
	if newest.IsZero() {
		level.Info(p.Logger).Log("msg", "no checkpoint and nothing in Loki, starting from the initial lookback",
			"since", utc(initial), "selector", p.Confirm.Selector())
		p.begin(initial)
		p.reached(newest)
		return true
	}
	oldest := oktaapi.Retention
	if accepted := p.Confirm.Accepted(); accepted > 0 {
		oldest = min(oldest, accepted)
	}
	level.Info(p.Logger).Log("msg", "no checkpoint, continuing from the newest event that Loki has",
		"newest", utc(newest), "overlap", p.Overlap)
	p.Memory.past.unproven = &unproven{newest: newest, oldest: time.Now().Add(-oldest)}
	p.goBack(p.Overlap)
	p.inherit()
	p.reached(newest)
	sleep(ctx, limits.LastPush) // of a process that was killed a moment ago
	return ctx.Err() == nil
}

// goBack moves the unproven position. It is not saved: the next process finds it as this one did.
func (p *confirmed) goBack(d time.Duration) {
	u := p.Memory.past.unproven
	u.back = d
	p.Memory.at = p.position(delivery.Latest(u.newest.Add(-d), u.oldest))
}

// proven reports whether the destination has the position's page: at least half of its
// first events before the newest one. Else everything before may be missing too, and it goes back
// twice as far, until the destination would refuse what it finds there.
func (p *confirmed) proven(events []event.Event, there answer) bool {
	m := p.Memory
	u, now := m.past.unproven, time.Now()
	found, asked := 0, 0
	for _, ev := range events {
		if asked < proof && ev.Published.Before(u.newest) && p.confirmable(ev, now) && p.Format(ev, now).Labels != nil {
			asked++
			if there.found[ev.UUID] {
				found++
			}
		}
	}
	switch {
	case found > 0 && 2*found >= asked && u.back == p.Overlap:
	case found > 0 && 2*found >= asked:
		// What is before a gap may have gaps of its own: events that were lost and waited to be delivered again.
		p.goBack(2 * u.back)
		m.past.unproven = nil
		p.save(m.at)
		return false
	case m.at.published.After(u.oldest):
		p.goBack(2 * u.back)
		return false
	case asked > 0:
		m.past.unproven = nil
		initial := now.Add(-p.InitialLookback)
		level.Warn(p.Logger).Log("msg", "what Loki has under the selector are not this org's events, starting from the initial lookback",
			"selector", p.Confirm.Selector(), "since", utc(initial))
		p.begin(initial)
		return false
	}
	m.past.unproven = nil
	p.save(m.at)
	return true
}
