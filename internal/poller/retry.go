package poller

import (
	"context"
	"slices"
	"time"

	"github.com/grafana/alloy/okta/internal/delivery"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi"
)

const (
	// probeBack is how far before now a probe is looked for, where Loki shows any age.
	probeBack = time.Hour
	// probeAgain is the time between two searches for a probe.
	probeAgain = time.Minute
)

// retry delivers again what is lost, oldest page first.
func (p *Poller) retry(ctx context.Context, pages []*delivery.Page[position]) {
	if p.enlist() {
		p.write(func(time.Time) error { return p.journal.Save() })
	}
	var missing []string
	for _, pg := range pages {
		lost, ok := p.retryPage(ctx, pg)
		if !ok {
			return
		}
		missing = append(missing, lost...)
	}
	p.lookFor(ctx, missing)
	p.settle()
}

// retryPage fetches a page again and delivers its lost events, and those of later pages
// that came with them. It returns those that did not, or false when ctx ended or Okta does not answer.
func (p *Poller) retryPage(ctx context.Context, pg *delivery.Page[position]) (missing []string, ok bool) {
	w, cur := &p.Memory.window, pg.Start.cursor
	lost := slices.DeleteFunc(w.Lost(pg, time.Now()), func(uuid string) bool { return slices.Contains(p.search.wanted, uuid) })
	if most := p.Memory.pages.limit; len(lost) == 0 || most > 0 && p.asked(cur) > most {
		return lost, true
	}
	h, err := p.fetch(ctx, cur)
	class := oktaapi.ClassOf(err)
	switch {
	case ctx.Err() != nil:
		if err == nil {
			p.drop(h)
		}
		return nil, false
	case class == oktaapi.CursorRefused && err != nil, class == oktaapi.Refused && cur.IsStart():
		return lost, true
	case err != nil && isTooLarge(err):
		p.askFor(max(1, p.asked(cur)/2))
		return lost, true
	case err != nil: // the next pass comes back to it
		p.noPage(class, err)
		return nil, false
	}
	p.answered(h.Page)
	if !p.lostOf(ctx, h, pg) {
		return nil, false
	}
	return w.Lost(pg, time.Now()), true
}

// lostOf delivers the lost events of a page in hand, and drops it. It returns false when some were not
// delivered.
func (p *Poller) lostOf(ctx context.Context, h *hand, pg *delivery.Page[position]) bool {
	defer p.drop(h)
	for _, ev := range h.events {
		if !p.Memory.window.Redeliver(ev.UUID, time.Now()) {
			continue
		}
		if err := p.again(ctx, ev, pg); err != nil || h.gone {
			return false
		}
	}
	return true
}

// again delivers a lost event once more.
func (p *Poller) again(ctx context.Context, ev event.Event, pg *delivery.Page[position]) error {
	now := time.Now()
	entry := p.Format(ev, now)
	if entry.Labels == nil { // rules that came with a reload drop it
		p.Memory.window.Drop(ev.UUID)
		p.Metrics.dropped.Inc()
		return nil
	}
	err := p.forward(ctx, ev, entry, pg, now)
	p.sent(err)
	if err == nil {
		p.Metrics.retried.Inc()
		p.Status.set(func(s *Snapshot) { s.Retried++ })
	}
	return err
}

// probe delivers one event ahead of the position, while nothing newer may be delivered. Only
// something later can show that the pipeline works again and that what is missing is lost.
// It must be one that nobody can have delivered, or it would be found whatever the pipeline
// does, and young enough for Loki to show it.
func (p *Poller) probe(ctx context.Context) {
	m, now := p.Memory, time.Now()
	if p.Span != nil { // behind its end is nothing of ours
		if !p.ended {
			p.probeFrom(ctx, m.at, time.Time{})
		}
		return
	}
	newest := delivery.Latest(delivery.Latest(m.at.published, m.furthest), m.began.Add(startSlack))
	from := now.Add(-probeBack)
	if visible := p.Confirm.Visible(); visible > 0 {
		from = now.Add(-visible / 2)
	}
	at := position{published: delivery.Latest(from, newest), scope: p.Scope}
	at.cursor = p.start(at.published)
	if !p.probeFrom(ctx, at, newest) {
		p.probeFrom(ctx, m.at, time.Time{}) // nothing new: the next of the log, unless Loki has it
	}
}

// probeFrom delivers the first event of a page that is after a time and that nobody has
// delivered. It returns false when the page has none.
func (p *Poller) probeFrom(ctx context.Context, at position, after time.Time) bool {
	m := p.Memory
	h, err := p.fetch(ctx, at.cursor)
	if err != nil {
		if ctx.Err() == nil {
			p.noPage(oktaapi.ClassOf(err), err)
		}
		return true // there may be one
	}
	defer p.drop(h)
	page := h.Page
	p.answered(page)
	there, err := p.here(ctx, h)
	if err != nil || h.gone {
		return true
	}
	now := time.Now()
	for _, ev := range h.events {
		if !ev.Published.After(after) || ev.Published.After(page.Date) || !p.confirmable(ev, now) || there.found[ev.UUID] ||
			m.seen.has(ev.UUID) || m.window.Has(ev.UUID) || p.mayBeUnderWay(ev, now, now) || !m.window.Shown(ev.Published, now, now) {
			continue
		}
		entry := p.Format(ev, now)
		if entry.Labels == nil {
			continue
		}
		p.announce(page, []event.Event{ev}, nil)
		m.ahead = delivery.Latest(m.ahead, ev.Published)
		pg := delivery.NewPage(at, m.at, 1, len(entry.Line))
		err := p.forward(ctx, ev, entry, pg, now)
		p.sent(err)
		if err == nil {
			p.account(ev)
			m.window.Add(pg)
			m.probed = ev.UUID
		}
		return true
	}
	return false
}
