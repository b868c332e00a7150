package poller

import (
	"context"
	"slices"
	"time"

	"github.com/go-kit/log/level"

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
			if n > 1 {
				level.Info(p.Logger).Log("msg", "the checkpoint can be read again", "attempts", n)
				p.saved(nil)
			}
			return true
		}
		if n == 1 {
			level.Error(p.Logger).Log("msg", "the checkpoint cannot be read, waiting until it can", "err", err)
		}
		p.saved(err)
		sleep(ctx, backoff(n))
	}
	return false
}

// advanced makes the position behind a page durable: at once, or when the page has arrived.
func (p *Poller) advanced(pg *delivery.Page[position]) {
	if p.Confirm == nil {
		p.save(p.Memory.at)
		return
	}
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
		if m.window.Empty() && m.pending == nil {
			m.previous = nil
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

// announce saves how far the delivery is about to get, before it does: after a crash the
// next process cannot ask this one what it had delivered.
func (p *Poller) announce(page oktaapi.Page, events []event.Event, there map[string]bool) {
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
		if ev.Published.After(p.Memory.furthest) && ev.Published.Before(page.Date.Add(time.Minute)) {
			p.Memory.furthest, further = ev.Published, true
		}
	}
	if further {
		p.write(func(now time.Time) error {
			p.journal.Delivery.Pending = &checkpoint.Mark{
				Cursor: string(p.Memory.at.cursor), Published: p.Memory.furthest.UTC(), Delivered: now.UTC(),
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
	err := change(time.Now())
	p.saved(err)
	switch {
	case err != nil:
		p.Metrics.checkpointFailures.Inc()
		if !p.unsaved {
			p.unsaved = true
			level.Error(p.Logger).Log("msg", "the checkpoint cannot be written; a restart will repeat events", "err", err)
		}
	case p.unsaved:
		p.unsaved = false
		level.Info(p.Logger).Log("msg", "the checkpoint is written again")
	}
}

// saved reports how reading or writing the checkpoint went.
func (p *Poller) saved(err error) {
	now := time.Now()
	p.Status.set(func(s *Snapshot) {
		switch {
		case err == nil:
			if s.CheckpointErr != nil {
				s.Recovered = now
			}
			s.CheckpointSaved, s.CheckpointFailing = now, time.Time{}
		case s.CheckpointErr == nil:
			s.CheckpointFailing = now
		}
		s.CheckpointErr = err
	})
}
