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

// startSlack is how much of what is published after the start of the process counts as before
// it: the server's clock is cut to seconds, and its nodes' clocks differ a little.
const startSlack = time.Minute

// landAgain is the time between two queries for what may still land.
const landAgain = time.Second

// deliver sends the page's events, moves the position and says how long to wait before the
// next fetch. An error is that of the sink; the position has not moved then.
func (p *Poller) deliver(ctx context.Context, h *hand) (time.Duration, error) {
	m := p.Memory
	var there answer
	if p.Confirm != nil {
		var err error
		if there, err = p.here(ctx, h); err != nil || h.gone {
			return 0, nil // ctx ended, or the page comes again
		}
	}
	page, events := h.Page, h.events
	if m.past.unproven != nil && !p.proven(events, there) {
		return 0, nil // from further back
	}
	pg := delivery.NewPage(m.at, m.at, len(events), len(page.Body))
	p.foretell(page, events, there.found)
	newest, fresh, err := p.sendAll(ctx, h, there, pg)
	if err != nil || h.gone {
		m.window.Add(pg) // the page comes again, without these events
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			err = nil
		}
		return 0, err
	}
	p.looked(events)
	m.at.published = newest
	m.seen.passed(newest, page.Date)
	p.Metrics.pages.Inc()

	asked := p.asked(m.at.cursor)
	step := p.follow.step(page, events, fresh)
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
		if p.Span == nil && !step.more && !step.cut && step.stuck == nil {
			// Everything that Okta had when it answered is delivered.
			s.Watermark = delivery.Latest(s.Watermark, s.LastPoll)
		}
	})
}

// sendAll delivers the events of the page in hand. It returns the latest event time then and how many
// events were not known.
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

// known reports whether an event was delivered before or is there already, which makes it known.
func (p *Poller) known(ev event.Event, there answer) bool {
	m := p.Memory
	switch {
	case there.found[ev.UUID]:
		m.seen.add(ev.UUID)
		p.Metrics.skipped.Inc()
		p.Status.set(func(s *Snapshot) { s.Skipped++; s.LastEvent = delivery.Latest(s.LastEvent, ev.Published) })
		return true
	case m.seen.has(ev.UUID) || m.window.Has(ev.UUID):
		p.Metrics.duplicates.Inc()
		return true
	}
	return false
}

// send delivers an event as part of pg, or again, whatever pg is; unless the relabeling rules drop it, or a previous process may have
// delivered it, as far as a query sent at asked can tell: then it is left to be looked for.
func (p *Poller) send(ctx context.Context, ev event.Event, pg *delivery.Page[position], asked time.Time) error {
	m, now := p.Memory, time.Now()
	again := m.window.Has(ev.UUID)
	entry := p.Format(ev, now)
	switch {
	case entry.Labels == nil: // the relabeling rules say so, maybe since a reload
		m.window.Drop(ev.UUID)
		m.seen.add(ev.UUID)
		p.Metrics.dropped.Inc()
		return nil
	case !again && p.mayBeUnderWay(ev, now, asked):
		m.window.Leave(pg, delivery.Event{UUID: ev.UUID, Time: ev.Published}, delivery.Latest(m.past.landing, now), now)
		m.seen.add(ev.UUID)
		return nil
	}
	if err := p.forward(ctx, ev, entry, pg, now); err != nil {
		return err
	}
	if again {
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
	refusal := p.refusal(entry, now) // before the entry is the receiver's
	if err := p.offer(ctx, entry); err != nil {
		return err
	}
	m.told.Tell(p.Logger, p.Metrics.overLimit, refusal, ev.UUID)
	m.sent = time.Now()
	m.seen.add(ev.UUID)
	if !p.confirmable(ev, now) {
		m.window.Drop(ev.UUID) // it was, when it was delivered first
	} else {
		route := p.Pipeline
		if p.PerStream {
			route ^= uint64(entry.LabelsKey)
		}
		m.window.Deliver(pg, delivery.Event{UUID: ev.UUID, Time: entry.Timestamp}, route, now)
	}
	return nil
}

// confirmable reports whether there is a point in querying for an event: it can be looked
// for, and is neither so old nor so far ahead of our clock and Okta's that the destination refuses it.
func (p *Poller) confirmable(ev event.Event, now time.Time) bool {
	if p.Confirm == nil || ev.UUID == "" || ev.Published.IsZero() {
		return false
	}
	accepted, behind := p.Confirm.Accepted(), max(0, -p.Memory.skew)
	return (accepted == 0 || now.Sub(ev.Published) < accepted) && ev.Published.Sub(now) < soon+behind
}

// here is which of a page's events the destination has already, so that they are not
// delivered. It matters for what was published before this process began: a previous
// process, another machine or another collector may have delivered it. Such pages
// wait until the destination answers; they are dropped meanwhile when others want their memory,
// and h is gone then. It returns an error only when ctx ends.
func (p *Poller) here(ctx context.Context, h *hand) (answer, error) {
	m := p.Memory
	if m.past.began.IsZero() {
		m.past.began = h.Date
	}
	until := m.past.known()
	if err := p.learnNewest(ctx, h); err != nil || h.gone {
		return answer{}, err
	}
	var about []delivery.Event
	before := false
	for _, ev := range h.events {
		if ev.UUID != "" && !ev.Published.IsZero() {
			about = append(about, delivery.Event{UUID: ev.UUID, Time: ev.Published})
			before = before || !ev.Published.After(until)
		}
	}
	if !before {
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
			if h.Wanted() {
				p.drop(h)
			}
			sleep(ctx, time.Until(p.queries.next))
		case !a.asked.Before(m.past.landing) || !m.past.mayLand(about, a.found):
			return a, nil
		default: // most of what is under way lands soon
			sleep(ctx, min(time.Until(m.past.landing), landAgain))
		}
	}
}

// learnNewest asks how far Loki's streams have got when the checkpoint does not say: what is
// far behind them needs the label late. The page in hand makes room for others while there is no answer. It returns an error only when
// ctx ends.
func (p *Poller) learnNewest(ctx context.Context, h *hand) error {
	if !p.Memory.past.headless {
		return nil
	}
	newest, err := p.newest(ctx, 0, func() {
		if h.Wanted() {
			p.drop(h)
		}
	})
	if err == nil {
		p.reached(newest)
	}
	return err
}

// reached notes how far Loki's streams have got.
func (p *Poller) reached(newest time.Time) {
	p.Memory.heads.SetFloor(newest)
	p.Memory.past.headless = false
}

// newest asks for the newest entry until there is an answer, and calls waiting before each wait. It returns an error only
// when ctx ends.
func (p *Poller) newest(ctx context.Context, back time.Duration, waiting func()) (time.Time, error) {
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
