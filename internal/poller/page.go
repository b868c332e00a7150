package poller

import (
	"context"
	"slices"
	"time"

	"github.com/go-kit/log/level"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi"
)

// What Loki refuses with its defaults: lines above limits_config.max_line_size and
// entries older than reject_old_samples_max_age, or too far in the future
// (creation_grace_period).
const (
	lokiMaxLine   = 256 << 10
	lokiMaxAge    = 7 * 24 * time.Hour
	lokiMaxFuture = 10 * time.Minute
)

// handOver sends the page's events, moves the cursor and says how long to wait
// before the next fetch. An error is that of the sink; the cursor has not moved
// then.
func (p *Poller) handOver(ctx context.Context, page oktaapi.Page, events []event.Event) (time.Duration, error) {
	var there map[string]bool
	if p.Confirm != nil {
		var err error
		if there, err = p.here(ctx, page, events); err != nil {
			return 0, ignoreEnd(ctx, err)
		}
	}
	h := &handed{cursor: p.at.cursor, scope: p.Scope, events: len(events), bytes: len(page.Body),
		waiting: make(map[string]*handover)}
	p.announce(page, events, there)
	latestEvent := p.at.published
	for _, ev := range events {
		if err := p.send(ctx, ev, there, h); err != nil {
			p.Status.sending(time.Time{})
			p.interrupted(h)
			return 0, ignoreEnd(ctx, err)
		}
		// A time ahead of the server's clock says nothing about when the event was
		// persisted; to start from it after a refused cursor could skip events.
		if ev.Published.After(latestEvent) && !ev.Published.After(page.Date) {
			latestEvent = ev.Published
		}
	}
	p.Status.sending(time.Time{})
	p.at.published = latestEvent
	p.Metrics.pages.Inc()
	return p.turn(page, len(events), h), nil
}

// interrupted keeps track of what was handed over of a page that was not finished. The
// page comes again, without these events.
func (p *Poller) interrupted(h *handed) {
	if len(h.waiting) == 0 {
		return
	}
	h.bytes, h.events = h.bytes*len(h.waiting)/h.events, len(h.waiting)
	h.after = p.at
	p.Memory.ledger.add(h)
}

// turn moves the cursor behind a page that was handed over and returns the wait before
// the next.
func (p *Poller) turn(page oktaapi.Page, events int, h *handed) time.Duration {
	full := events >= p.PageSize
	moved := page.Next != "" && page.Next != p.at.cursor
	if page.Next == "" {
		if !p.noNext {
			p.noNext = true
			level.Warn(p.Logger).Log("msg", "the page names no usable next link, asking for the same page again", "request_id", page.RequestID, "err", page.NextErr)
		}
	} else {
		p.noNext = false
		p.at.cursor = page.Next
	}
	if full && !moved {
		// The page can show nothing new any more. The time of the last event leads on.
		p.at.cursor = p.start(p.at.published)
	}
	if !full { // all that an earlier process may have handed over has been read
		p.at.replaying, p.Memory.pending = time.Time{}, nil
	}
	if moved || events > 0 || p.unsaved {
		p.note(h)
	}
	catchingUp := full && moved
	p.Status.set(func(s *Snapshot) {
		s.Pages++
		s.CatchingUp = catchingUp
		s.ReplayTo = p.at.replaying
		if !full {
			// Everything that Okta had when it answered is handed over.
			s.Watermark = latest(s.Watermark, s.LastPoll)
		}
	})
	if catchingUp {
		return 0
	}
	return p.PollInterval
}

// note keeps the new position: in the journal at once, or in the ledger until what led
// to it has arrived.
func (p *Poller) note(h *handed) {
	if p.Confirm == nil {
		p.Memory.ledger = ledger{}
		p.save()
		return
	}
	p.remember()
	h.after = p.at
	l := &p.Memory.ledger
	if n := len(l.pages); n > 0 && len(h.waiting) == 0 && l.pages[n-1].scope == h.scope {
		l.pages[n-1].after = h.after // nothing to wait for: part of the page before
	} else {
		l.add(h)
	}
	p.settleUp()
}

// announce saves how far the hand-over is about to get, before it does: after a crash
// the next process cannot ask this one what it had sent.
func (p *Poller) announce(page oktaapi.Page, events []event.Event, there map[string]bool) {
	if p.Confirm == nil {
		return
	}
	d := &p.Journal.Delivery
	further := false
	for _, ev := range events {
		further = !there[ev.UUID] && p.enlist() || further
		// The server's clock is cut to seconds, so the newest events look ahead of it; one
		// that is far ahead would make all that follow look as if they were under way.
		if !there[ev.UUID] && ev.Published.After(p.at.furthest) && ev.Published.Before(page.Date.Add(time.Minute)) {
			p.at.furthest, further = ev.Published, true
		}
	}
	if further {
		p.write(func(now time.Time) error {
			d.Pending = &checkpoint.Mark{Cursor: string(p.at.cursor), Published: p.at.furthest.UTC(), HandedOver: now.UTC()}
			return p.Journal.Save()
		})
	}
}

// enlist notes in the journal, unsaved, that something is about to be handed over under
// the present selector. It reports whether that is new.
func (p *Poller) enlist() bool {
	d := &p.Journal.Delivery
	selector := p.Confirm.Selector()
	if slices.Contains(d.Selectors, selector) {
		return false
	}
	d.Selectors = append(d.Selectors, selector)
	return true
}

// send hands over one event, unless it was before or is there already, and enters it
// in h.
func (p *Poller) send(ctx context.Context, ev event.Event, there map[string]bool, h *handed) error {
	l := &p.Memory.ledger
	if there[ev.UUID] {
		p.Memory.seen.add(ev.UUID)
		p.Metrics.skipped.Inc()
		p.Status.set(func(s *Snapshot) { s.Skipped++; s.LastEvent = latest(s.LastEvent, ev.Published) })
		return nil
	}
	now := time.Now()
	if p.Memory.seen.has(ev.UUID) {
		p.Metrics.duplicates.Inc()
		return nil
	}
	entry := p.Format(ev, now)
	if entry.Labels == nil { // the relabeling rules say so
		p.Metrics.dropped.Inc()
		return nil
	}
	if p.inFlight(ev, now) {
		e := l.sent(ev.Published, now, p.Confirm, p.ConfirmID)
		e.attempts = 0
		h.waiting[ev.UUID] = e
		p.Memory.seen.add(ev.UUID)
		return nil
	}
	p.Status.sending(now)
	if err := p.Sink.Send(ctx, entry); err != nil {
		return err
	}
	p.Memory.seen.add(ev.UUID)
	if p.confirmable(ev, now) {
		h.waiting[ev.UUID] = l.sent(entry.Timestamp, now, p.Confirm, p.ConfirmID)
	}
	p.account(ev, entry, now)
	return nil
}

// inFlight reports whether an event that is not at the destination was handed over by
// an earlier process and must not be sent yet: because the present configuration has
// never been seen to work, so that "not there" proves nothing; or because the event is
// so old that the destination may have it and not show it.
func (p *Poller) inFlight(ev event.Event, now time.Time) bool {
	if !p.confirmable(ev, now) {
		return false
	}
	pending := p.Memory.pending
	if pending == nil || ev.Published.After(pending.Published) {
		return false
	}
	return p.Journal.Delivery.ConfirmedBy != p.ConfirmID || hidden(p.Confirm, ev.Published, p.looked)
}

// confirmable reports whether there is a point in asking for an event: it can be looked
// for, and is not so old that the destination refuses it.
func (p *Poller) confirmable(ev event.Event, now time.Time) bool {
	if p.Confirm == nil || ev.UUID == "" || ev.Published.IsZero() {
		return false
	}
	accepted := p.Confirm.Accepted()
	return accepted == 0 || now.Sub(ev.Published) < accepted
}

// account counts an event that was handed over and warns, once each, of what Loki's
// defaults would refuse.
func (p *Poller) account(ev event.Event, entry event.Entry, now time.Time) {
	m := p.Metrics
	m.entries.Inc()
	replayed := !p.at.replaying.IsZero() && !ev.Published.After(p.at.replaying)
	if replayed {
		m.replayed.Inc()
	}
	p.Status.set(func(s *Snapshot) {
		s.Events++
		s.LastEvent = latest(s.LastEvent, ev.Published)
		if replayed {
			s.Replayed++
		}
	})
	if ev.UUID == "" || ev.Published.IsZero() {
		m.malformed.Inc()
		p.Memory.warnOnce(p.Logger, "malformed", "an event has no uuid or no usable published time; it is forwarded all the same", "uuid", ev.UUID)
	}
	if len(entry.Line) > lokiMaxLine {
		m.oversized.Inc()
		p.Memory.warnOnce(p.Logger, "oversized", "an event's line is over 256 KB, which Loki refuses by default; it is forwarded all the same, raise max_line_size", "uuid", ev.UUID, "bytes", len(entry.Line))
	}
	if age := now.Sub(entry.Timestamp); age > lokiMaxAge || age < -lokiMaxFuture {
		m.outOfRange.Inc()
		p.Memory.warnOnce(p.Logger, "out of range", "an event is older than 7 days or more than 10 minutes ahead, which Loki refuses by default; it is forwarded all the same, set reject_old_samples_max_age", "uuid", ev.UUID, "published", entry.Timestamp)
	}
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
