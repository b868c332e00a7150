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

// open opens the journal. One that cannot be read is not replaced, for reading would start
// over and leave a gap: it is tried again until it can be read or ctx ends.
func (p *Poller) open(ctx context.Context) bool {
	for n := 1; ctx.Err() == nil; n++ {
		journal, err := p.Open()
		if err == nil {
			p.journal = journal
			if p.Status.wrong(Checkpoint).Kind == Unread {
				p.clear(Checkpoint)
			}
			return true
		}
		p.fail(Checkpoint, Unread, err)
		sleep(ctx, backoff(n))
	}
	return false
}

// advanced makes the position behind a page durable: at once, or when the page has arrived.
func (p *Poller) advanced(pg *delivery.Page[position]) {
	pg.End = p.Memory.at
	p.Memory.window.Add(pg)
	if n := p.Memory.window.Trim(time.Now()); n > 0 {
		p.Metrics.unverified.Add(float64(n))
		p.Memory.warnOnce(p.Logger, "unverified", "more events than can be remembered wait until Loki shows them; the oldest count as unverified",
			"events", n, "metric", "loki_source_okta_unverified_events_total")
	}
	p.settle()
}

// settle moves the journal behind the pages of which everything arrived, and returns what
// still waits.
func (p *Poller) settle() delivery.Stats {
	m := p.Memory
	end, moved := m.window.Settle()
	if moved {
		if end.scope != p.Scope { // a cursor of another filter is of no use; the time is
			end.cursor = p.start(end.published)
		}
		if p.Confirm != nil && m.window.Empty() && m.past.pending == nil {
			m.past.previous = nil
			p.journal.Delivery.Selectors = nil // the next delivery enters its own
		}
		p.save(end)
	}
	stats := m.window.Stats(time.Now())
	p.Status.set(func(s *Snapshot) {
		s.Unconfirmed, s.UnconfirmedSince, s.Hidden, s.Shown = stats.Waiting, stats.Since, stats.Hidden, stats.Shown
	})
	return stats
}

// foretell saves how far the delivery is about to get, before it does: after a crash the
// next process cannot ask this one what it had delivered.
func (p *Poller) foretell(page oktaapi.Page, events []event.Event, there map[string]bool) {
	if p.Confirm == nil {
		return
	}
	further := false
	for _, ev := range events {
		if there[ev.UUID] {
			continue
		}
		further = p.enlist() || further
		// The server's clock is cut to seconds, so the newest events look ahead of it; one
		// that is far ahead would make all that follow look as if they were under way.
		if ev.Published.After(p.Memory.past.furthest) && ev.Published.Before(page.Date.Add(time.Minute)) {
			p.Memory.past.furthest, further = ev.Published, true
		}
	}
	if further {
		p.write(func(now time.Time) error {
			p.journal.Delivery.Pending = &checkpoint.Mark{
				Cursor: string(p.Memory.at.cursor), Published: p.Memory.past.furthest.UTC(), Delivered: now.UTC(),
			}
			return p.journal.Save()
		})
	}
}

// enlist notes in the journal, unsaved, that something is about to be delivered under the
// present selector. It reports whether that is new.
func (p *Poller) enlist() bool {
	d, selector := &p.journal.Delivery, p.Confirm.Selector()
	if slices.Contains(d.Selectors, selector) {
		return false
	}
	d.Selectors = append(d.Selectors, selector)
	return true
}

// save makes a position durable, as the newest mark.
func (p *Poller) save(at position) {
	p.write(func(now time.Time) error { return p.journal.Append(at.mark(now)) })
}

// write changes the journal. A file that cannot be written is reported, and polling
// goes on: the events are worth more than the cursor.
func (p *Poller) write(change func(now time.Time) error) {
	if err := change(time.Now()); err != nil {
		p.Metrics.checkpointFailures.Inc()
		p.fail(Checkpoint, "", err)
		return
	}
	p.clear(Checkpoint)
	p.Status.set(func(s *Snapshot) { s.CheckpointSaved = time.Now() })
}
