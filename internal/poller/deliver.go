package poller

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/prometheus/common/model"

	"github.com/grafana/alloy/okta/internal/delivery"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/limits"
)

// lateLabel names the hour (UTC) of an entry that is too far behind the newest of its
// labels for Loki to take it into the same stream.
const (
	lateLabel  = "late"
	lateLayout = "2006-01-02T15"
)

// deliver sends the page's events, moves the position and says how long to wait before the
// next fetch. An error is that of the sink; the position has not moved then.
func (p *Poller) deliver(ctx context.Context, h *hand) (time.Duration, error) {
	m := p.Memory
	there, ok := p.ledger.prepare(ctx, h)
	if !ok {
		return 0, nil // ctx ended, or the page is fetched again
	}
	page, events := h.Page, h.events
	pg := delivery.NewPage(m.at, m.at, len(events), len(page.Body))
	newest, fresh, err := p.sendAll(ctx, h, there, pg)
	if err != nil || h.gone {
		m.window.Add(pg) // the page is fetched again, and these events are known then
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			err = nil
		}
		return 0, err
	}
	p.looked(events) // option: event_hook
	p.came(len(events))
	m.at.published = newest
	m.recent.passed(newest, page.Date)
	p.Metrics.pages.Inc()

	asked := p.asked(m.at.cursor)
	step := p.step(page, events, fresh)
	if step.moved && step.more && fresh > 0 {
		p.grow(asked, len(events), page.Light)
	}
	if !step.more && !step.cut { // all that a previous process may have delivered has been read
		m.past.read()
	}
	if step.moved || len(events) > 0 || p.Status.wrong(Checkpoint).Lasts() {
		p.advanced(pg)
	}
	p.progressed(step, fresh)
	if step.more {
		return 0, nil
	}
	return p.PollInterval, nil
}

// progressed reports a page that was delivered.
func (p *Poller) progressed(step step, fresh int) {
	if step.stuck == nil && (fresh > 0 || !step.more) {
		p.clear(Stuck)
	}
	p.Status.set(func(s *Snapshot) {
		s.Pages++
		s.CatchingUp = step.more
		s.ReplayTo = p.Memory.past.replaying
		s.Watermark = delivery.Latest(s.Watermark, p.Memory.at.published)
		if !p.ends() && !step.more && !step.cut && step.stuck == nil {
			// Everything that Okta had when it answered is delivered.
			s.Watermark = delivery.Latest(s.Watermark, s.LastPoll)
		}
	})
}

// sendAll delivers the events of the page in hand. It returns the latest event time behind them, and how many
// of them were new.
func (p *Poller) sendAll(ctx context.Context, h *hand, there answer, pg *delivery.Page[position]) (newest time.Time, fresh int, err error) {
	newest = p.Memory.at.published
	for _, ev := range h.events {
		if !p.known(ev, there) {
			if err := p.send(ctx, ev, pg, there.asked); err != nil || h.gone {
				return newest, fresh, err
			}
			fresh++
		}
		// A time ahead of the server's clock says nothing about when the event was
		// persisted; to start from it after a refused cursor could skip events.
		if ev.Published.After(newest) && !ev.Published.After(h.Date) {
			newest = ev.Published
		}
		p.Memory.last = cmp.Or(ev.UUID, p.Memory.last) // one without a uuid may be anywhere
	}
	return newest, fresh, nil
}

// known reports whether an event needs no delivery: it was delivered before, or the destination has it.
func (p *Poller) known(ev event.Event, there answer) bool {
	m := p.Memory
	switch {
	case there.found[ev.UUID]:
		m.recent.add(ev.UUID)
		p.Metrics.skipped.Inc()
		p.Status.set(func(s *Snapshot) { s.Skipped++; s.LastEvent = delivery.Latest(s.LastEvent, ev.Published) })
		return true
	case m.recent.has(ev.UUID) || m.window.Has(ev.UUID):
		p.Metrics.duplicates.Inc()
		return true
	}
	return false
}

// send delivers an event as part of pg; an event of the window is delivered again and stays on its page. It delivers nothing that the
// relabeling rules drop, nor what a previous process may have delivered, as far as a query sent at asked can tell: queries look for that.
func (p *Poller) send(ctx context.Context, ev event.Event, pg *delivery.Page[position], asked time.Time) error {
	m, now := p.Memory, time.Now()
	repeat := m.window.Has(ev.UUID)
	entry := p.Format(ev, now)
	if p.Pass != nil {
		p.Pass(ev, now)
	}
	switch {
	case entry.Labels == nil: // the relabeling rules say so, maybe since a reload
		m.window.Drop(ev.UUID)
		m.recent.add(ev.UUID)
		p.Metrics.dropped.Inc()
		return nil
	case !repeat && p.ledger.mayBeUnderWay(ev, now, asked):
		m.window.Leave(pg, delivery.Event{UUID: ev.UUID, Time: ev.Published}, delivery.Latest(m.past.landing, now), now)
		m.recent.add(ev.UUID)
		return nil
	}
	if err := p.forward(ctx, ev, entry, pg, now); err != nil {
		return err
	}
	if repeat {
		p.Metrics.retried.Inc()
		p.Status.set(func(s *Snapshot) { s.Retried++ })
	} else {
		p.account(ev)
	}
	return nil
}

// forward gives an entry to the sink and enters it in the window, in pg.
func (p *Poller) forward(ctx context.Context, ev event.Event, entry event.Entry, pg *delivery.Page[position], now time.Time) error {
	m := p.Memory
	stream := uint64(entry.LabelsKey)
	if p.OutOfOrder > 0 && m.heads.Behind(stream, entry.Timestamp) > p.OutOfOrder {
		entry.Labels = entry.Labels.Clone()
		entry.Labels[lateLabel] = model.LabelValue(entry.Timestamp.UTC().Format(lateLayout))
		entry.LabelsKey = entry.Labels.Fingerprint()
		p.Metrics.late.Inc()
	} else if entry.Timestamp.Before(now.Add(limits.MaxAhead)) { // else Loki refuses it
		m.heads.Note(stream, entry.Timestamp)
		p.journal.Newest = delivery.Latest(p.journal.Newest, entry.Timestamp.UTC())
	}
	if p.suspended() {
		return errSuspended
	}
	refusal := limits.OfEntry(entry.Labels, entry.Entry, now, p.ledger.accepted()) // before the entry is the receiver's
	if err := p.offer(ctx, entry); err != nil {
		return err
	}
	m.told.Tell(p.Logger, p.Metrics.overLimit, refusal, ev.UUID)
	m.sent = time.Now()
	m.recent.add(ev.UUID)
	p.ledger.delivered(ev, entry, pg, now)
	return nil
}

// account counts an event that was delivered.
func (p *Poller) account(ev event.Event) {
	m := p.Metrics
	m.entries.Inc()
	replayed := !ev.Published.After(p.Memory.past.replaying) && !p.Memory.past.replaying.IsZero()
	if replayed {
		m.replayed.Inc()
	}
	p.Status.set(func(s *Snapshot) {
		s.Events++
		s.LastEvent = delivery.Latest(s.LastEvent, ev.Published)
		if replayed {
			s.Replayed++
		}
	})
	if ev.UUID == "" || ev.Published.IsZero() {
		m.malformed.Inc()
		p.Memory.warnOnce(p.Logger, "malformed", "an event has no uuid or no usable published time; forwarded all the same", "uuid", ev.UUID)
	}
}
