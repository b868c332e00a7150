package poller

import (
	"context"
	"slices"
	"time"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/reconcile"
)

// here is which of a page's events the destination has already, so that they are not
// sent. It matters for what was published before this process began: an earlier
// process, another machine or another collector may have delivered it. Such pages
// wait until the destination can be asked.
func (p *Poller) here(ctx context.Context, page oktaapi.Page, events []event.Event) (map[string]bool, error) {
	m := p.Memory
	if m.began.IsZero() {
		m.began = page.Date
	}
	var about []reconcile.Event
	before := false
	for _, ev := range events {
		if ev.UUID != "" && !ev.Published.IsZero() {
			about = append(about, reconcile.Event{UUID: ev.UUID, Time: ev.Published})
			// The server's clock is cut to seconds, and its nodes' clocks differ a little.
			before = before || !ev.Published.After(m.began.Add(time.Minute))
		}
	}
	if !before {
		return nil, nil
	}
	for {
		// One question serves both: what is under way, and what is about to be.
		p.looked = time.Now()
		due, pages := m.ledger.due(p.looked)
		found, err := p.ask(ctx, append(due, about...), pages)
		if err == nil {
			now := time.Now()
			p.asked = true
			p.received(pages, found, now)
			p.settleUp()
			p.resendLost(ctx, pages, p.looked)
			if !p.looked.Before(m.landing) || !p.mayLand(about, found) {
				return found, nil
			}
			sleep(ctx, time.Until(m.landing))
		} else {
			sleep(ctx, time.Until(m.ledger.next))
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

// mayLand reports whether one of events that was not found was handed over by the
// process before this one.
func (p *Poller) mayLand(events []reconcile.Event, found map[string]bool) bool {
	pending := p.Memory.pending
	return pending != nil && slices.ContainsFunc(events, func(e reconcile.Event) bool {
		return !found[e.UUID] && !e.Time.After(pending.Published)
	})
}
