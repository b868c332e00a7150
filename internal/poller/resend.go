package poller

import (
	"context"
	"time"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi"
)

// maxResendPages bounds the search for lost events after their page's cursor was
// refused.
const maxResendPages = 50

// resendPages bounds what is sent again after one answer, so that what came meanwhile
// is not held up.
const resendPages = 5

// resendLost hands over again what a question put at asked did not find. Nothing is sent
// before an event of the present configuration was found: with a wrong selector,
// everything looks lost.
func (p *Poller) resendLost(ctx context.Context, pages []*handed, asked time.Time) {
	l := &p.Memory.ledger
	if l.trusted != p.ConfirmID {
		return
	}
	for _, h := range pages {
		refused := l.refused(h, asked)
		for _, uuid := range refused {
			p.giveUp(h, uuid)
		}
		if len(refused) > 0 {
			p.settleUp()
		}
	}
	for n, i := 0, 0; n < resendPages && i < len(pages); i++ {
		h := pages[i]
		lost := make(map[string]*handover)
		for _, uuid := range l.lost(h, asked) {
			lost[uuid] = h.waiting[uuid]
		}
		if len(lost) == 0 {
			continue
		}
		if !p.resend(ctx, h, lost) {
			break
		}
		n++
	}
	p.settleUp()
}

// giveUp lets an event go that the pipeline drops or Loki refuses.
func (p *Poller) giveUp(h *handed, uuid string) {
	e := h.waiting[uuid]
	delete(h.waiting, uuid)
	h.shrink()
	p.Metrics.givenUp.Inc()
	p.Memory.warnOnce(p.Logger, "given up", "an event is let go that was handed over again and again and is not in Loki, while later ones are: the pipeline drops it or Loki refuses it; such events are counted in loki_source_okta_given_up_events_total from now on", "uuid", uuid, "hand_overs", e.attempts, "since", e.since.UTC().Format(time.RFC3339))
}

// resend fetches a page again and hands over the lost events of it. It returns false
// when ctx ended or Okta does not give the page.
func (p *Poller) resend(ctx context.Context, h *handed, lost map[string]*handover) bool {
	if p.enlist() {
		p.write(func(time.Time) error { return p.Journal.Save() })
	}
	cur := h.cursor
	searched := false // the page's own cursor is gone, going by time
	for range maxResendPages {
		page, events, err := p.fetchAt(ctx, cur, nil) // not p.events: a page may be in hand
		switch {
		case ctx.Err() != nil:
			return false
		case err != nil && !searched && (oktaapi.ClassOf(err) == oktaapi.CursorRefused || oktaapi.ClassOf(err) == oktaapi.Refused && cur.IsStart()):
			searched, cur = true, p.start(earliest(lost))
			continue
		case err != nil: // the next question comes back to it
			p.Status.fail(oktaapi.ClassOf(err), err)
			p.outage.failed(oktaapi.ClassOf(err), err)
			p.Memory.ledger.next = time.Now().Add(backoff(3))
			return false
		}
		p.answered()
		if !p.resendFrom(ctx, h, events, lost) {
			return false
		}
		if len(lost) == 0 || page.Next == "" || page.Next == cur || len(events) < p.PageSize {
			break
		}
		cur = page.Next
	}
	for _, e := range lost { // no longer in the log
		p.Memory.ledger.missed(e, time.Now())
		e.at = time.Now()
	}
	return true
}

// resendFrom hands over those of events that are lost. It returns false when ctx
// ended.
func (p *Poller) resendFrom(ctx context.Context, h *handed, events []event.Event, lost map[string]*handover) bool {
	l := &p.Memory.ledger
	for _, ev := range events {
		e, ok := lost[ev.UUID]
		if !ok {
			continue
		}
		now := time.Now()
		entry := p.Format(ev, now)
		if entry.Labels == nil { // rules that came with a reload drop it
			delete(lost, ev.UUID)
			delete(h.waiting, ev.UUID)
			p.Metrics.dropped.Inc()
			continue
		}
		p.Status.sending(now)
		err := p.Sink.Send(ctx, entry)
		p.Status.sending(time.Time{})
		if err != nil {
			return false
		}
		delete(lost, ev.UUID)
		l.missed(e, now)
		again := l.sent(entry.Timestamp, now, p.Confirm, p.ConfirmID)
		again.since, again.attempts, again.doubted = e.since, e.attempts, e.doubted
		h.waiting[ev.UUID] = again
		p.Metrics.resent.Inc()
		p.Status.set(func(s *Snapshot) { s.Resent++ })
	}
	return true
}

func earliest(events map[string]*handover) time.Time {
	var first time.Time
	for _, e := range events {
		if first.IsZero() || e.time.Before(first) {
			first = e.time
		}
	}
	return first
}
