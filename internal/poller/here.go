// option: reconcile

package poller

import (
	"context"
	"slices"
	"time"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/delivery"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi"
)

const (
	// startSlack is how much of what is published after the start of the process counts as before
	// it: the server's clock is cut to seconds, and its nodes' clocks differ a little.
	startSlack = time.Minute
	// landAgain is the time between two queries for what may still land.
	landAgain = time.Second
	// soon is how far ahead an event may be to be waited for. Loki refuses what is over ten minutes ahead and takes it when its time has
	// come: it is delivered again then. A date in the far future must not hold up the cursor until then.
	soon = time.Hour
)

func (p *confirmed) prepare(ctx context.Context, h *hand) (answer, bool) {
	there, err := p.here(ctx, h)
	if err != nil || h.gone || p.Memory.past.unproven != nil && !p.proven(h.events, there) {
		return answer{}, false
	}
	p.foretell(h.Page, h.events, there.found)
	return there, true
}

// here finds out which of a page's events the destination has already: they are not
// delivered. It matters for what was published before this process began: a previous
// process, another machine or another collector may have delivered it. Such pages
// wait until the destination answers; they are dropped meanwhile when others want their memory,
// and h is gone then. It returns an error only when ctx ends.
func (p *confirmed) here(ctx context.Context, h *hand) (answer, error) {
	m := p.Memory
	if m.past.until.IsZero() {
		m.past.until = h.Date.Add(startSlack)
	}
	lend := func() {
		if h.Wanted() {
			p.drop(h)
		}
	}
	if m.past.headless { // what is far behind the newest entry needs the label late
		newest, err := p.newest(ctx, 0, lend)
		if err != nil {
			return answer{}, err
		}
		p.reached(newest)
		if h.gone {
			return answer{}, nil
		}
	}
	var about []delivery.Event
	for _, ev := range h.events {
		if ev.UUID != "" && !ev.Published.IsZero() {
			about = append(about, delivery.Event{UUID: ev.UUID, Time: ev.Published})
		}
	}
	if !slices.ContainsFunc(about, func(e delivery.Event) bool { return !e.Time.After(m.past.until) }) {
		return answer{}, nil
	}
	defer p.Status.asking()()
	for {
		// One query serves both: what is under way, and what is about to be.
		a, err := p.ask(ctx, append(m.window.Due(time.Now()), about...))
		switch {
		case err != nil:
			return a, err
		case a.err != nil:
			lend()
			sleep(ctx, time.Until(p.queries.next))
		case !a.asked.Before(m.past.landing) || !m.past.mayLand(about, a.found):
			return a, nil
		default: // most of what is under way lands soon
			sleep(ctx, min(time.Until(m.past.landing), landAgain))
		}
	}
}

// reached notes how far Loki's streams have got.
func (p *confirmed) reached(newest time.Time) {
	p.Memory.heads.SetFloor(newest)
	p.Memory.past.headless = false
}

// newest asks for the newest entry until there is an answer, and calls waiting before each wait. It returns an error only
// when ctx ends.
func (p *confirmed) newest(ctx context.Context, back time.Duration, waiting func()) (time.Time, error) {
	defer p.Status.asking()()
	for {
		newest, err := p.Confirm.Newest(ctx, back)
		switch {
		case ctx.Err() != nil:
			return time.Time{}, ctx.Err()
		case err == nil:
			p.clear(Queries)
			return newest, nil
		}
		p.unanswered(err, time.Now())
		waiting()
		sleep(ctx, time.Until(p.queries.next))
	}
}

// mayBeUnderWay reports whether an event that a query sent at asked did not find was
// delivered by a previous process and must not be delivered yet: because the present
// configuration has never been seen to work, so that "not found" proves nothing; or because
// the destination may have it and not show it.
func (p *confirmed) mayBeUnderWay(ev event.Event, now, asked time.Time) bool {
	m := p.Memory
	if !m.past.mayHave(ev.Published) || !p.confirmable(ev, now) {
		return false
	}
	return !p.Memory.window.Trusts() || !m.window.Shown(ev.Published, m.past.landing, asked)
}

// confirmable reports whether there is a point in querying for an event of the page in hand, with whose clock ours is compared.
func (p *confirmed) confirmable(ev event.Event, now time.Time) bool {
	if ev.UUID == "" || ev.Published.IsZero() {
		return false
	}
	accepted, behind := p.Confirm.Accepted(), max(0, -p.hand.Skew)
	return (accepted == 0 || now.Sub(ev.Published) < accepted) && ev.Published.Sub(now) < soon+behind
}

// foretell saves how far the delivery is about to get, before it does: after a crash the
// next process cannot ask this one what it had delivered.
func (p *confirmed) foretell(page oktaapi.Page, events []event.Event, there map[string]bool) {
	furthest, further := p.furthest(), false
	for _, ev := range events {
		if there[ev.UUID] {
			continue
		}
		further = p.enlist() || further
		// The server's clock is cut to seconds, so the newest events look ahead of it; one
		// that is far ahead would make all that follow look as if they were under way.
		if ev.Published.After(furthest) && ev.Published.Before(page.Date.Add(time.Minute)) {
			furthest, further = ev.Published, true
		}
	}
	if further {
		p.journal.Delivery.Pending = &checkpoint.Mark{
			Cursor: string(p.Memory.at.cursor), Published: furthest.UTC(), Delivered: time.Now().UTC(),
		}
		p.wrote(p.journal.Save())
	}
}

// furthest is the latest event time of which the journal says that it is about to be delivered.
func (p *confirmed) furthest() time.Time {
	if pending := p.journal.Delivery.Pending; pending != nil {
		return pending.Published
	}
	return time.Time{}
}

// enlist notes in the journal, unsaved, that something is about to be delivered under the
// present selector. It reports whether that is new.
func (p *confirmed) enlist() bool {
	d, selector := &p.journal.Delivery, p.Confirm.Selector()
	if slices.Contains(d.Selectors, selector) {
		return false
	}
	d.Selectors = append(d.Selectors, selector)
	return true
}
