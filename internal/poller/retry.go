// option: reconcile

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

// barrenPages is how many pages in a row that have nothing lost are fetched at a time, which is once a minute: a window has about twenty
// (delivery's bounds), and live polling waits meanwhile.
const barrenPages = 5

// rewind is the way through the log for lost events: from the page of the oldest to where the log was read to when it began, since an
// event may have reached the log long after it happened. Its pages need not begin where the window's do.
type rewind struct {
	wanted []string         // uuids; none: there is no rewind
	scope  checkpoint.Scope // of the cursor that it begins at
	before []string         // uuids that are not behind the end: it is reached when all were met, or the log ends
	cursor oktaapi.Cursor
	byTime oktaapi.Cursor // the last start by time
	latest time.Time      // event time read, to go on from when a cursor leads no further
	circle circle
	size   int // pages.limit when it went on by time last; 0: page_size, or it has not yet
	fails  int // pages in a row that a smaller one may not have been
}

// part is what has a trouble when a page of the rewind does not come: where nothing newer is delivered, nor anything behind the end of a
// range, nothing else is fetched.
func (p *confirmed) part() Part {
	if p.ended || p.Status.wrong(Hold).Lasts() {
		return Okta
	}
	return Rewind
}

// retry delivers again what is lost, the oldest first.
func (p *confirmed) retry(ctx context.Context, pages []*delivery.Page[position]) {
	if p.enlist() {
		p.wrote(p.journal.Save())
	}
	if !p.misses(p.rewind.wanted) {
		p.beginRewind(pages)
	}
	for barren := 0; barren < barrenPages && len(p.rewind.wanted) > 0; barren++ {
		found, ok := p.rewindPage(ctx)
		if !ok {
			break
		}
		if found {
			barren = -1
		}
	}
	p.commit()
}

// misses reports whether any of the events is still to be delivered again.
func (p *confirmed) misses(uuids []string) bool {
	return slices.ContainsFunc(uuids, func(uuid string) bool { return p.Memory.window.Redeliver(uuid, time.Now()) })
}

// beginRewind begins a rewind for the lost events of pages, at the earliest page: the first in the window may be a probe's. A cursor shows
// what its filter matches, so pages of another filter, from before or after a reload, are for the next rewind.
func (p *confirmed) beginRewind(pages []*delivery.Page[position]) {
	m, scope := p.Memory, pages[0].Start.scope
	pages = slices.DeleteFunc(pages, func(pg *delivery.Page[position]) bool { return pg.Start.scope != scope })
	start := slices.MinFunc(pages, func(a, b *delivery.Page[position]) int { return a.Start.published.Compare(b.Start.published) }).Start
	m.probes = p.waitingProbes()
	r := rewind{scope: scope, before: append([]string{m.last}, m.probes...), cursor: start.cursor, latest: start.published}
	for _, pg := range pages {
		r.wanted = append(r.wanted, m.window.Lost(pg, time.Now())...)
	}
	p.rewind = r
}

// foreign reports whether the rewind follows cursors of another filter or query. A start by time is of the present ones and may not show
// what is wanted, so no smaller page is tried on suspicion.
func (p *confirmed) foreign() bool {
	return p.rewind.scope.Filter != p.Scope.Filter || p.rewind.scope.Query != p.Scope.Query
}

// smaller makes the rewind ask for pages no larger than live polling, or an earlier rewind, found the way from Okta to let through.
func (p *confirmed) smaller() {
	r, most := &p.rewind, p.Memory.pages.limit
	if most > 0 && !p.foreign() && (r.size == 0 || most < r.size) && p.asked(r.cursor) > most {
		r.jump(p.start(r.latest), most)
	}
}

// rewindPage fetches a page of the rewind and delivers what is lost of it. It returns whether anything was, and false when the next pass
// has to come back to it.
func (p *confirmed) rewindPage(ctx context.Context) (found, ok bool) {
	r := &p.rewind
	p.smaller()
	cur := r.cursor
	if fewer := guess(r.fails, p.asked(cur)); fewer > 0 && !p.foreign() {
		cur = p.startOf(r.latest, min(fewer, p.Scope.PageSize))
	}
	err := p.do(ctx, p.part(), cur, func(h *hand) {
		p.clear(Rewind) // which may have begun before nothing newer was delivered
		if r.fails = 0; cur != r.cursor {
			r.jump(cur, cur.Limit()) // and live polling, whose pages come, is left alone
		}
		next, end := h.Next, r.read(h)
		if found, ok = p.sendLost(ctx, h); !ok {
			return
		}
		switch {
		case end || !p.misses(r.wanted):
			p.unfound()
		case next == "" || next == r.cursor || r.circle.closes(next): // the log may go on all the same
			p.rewindTo(p.start(r.latest))
		default:
			r.cursor = next
		}
	})
	if err != nil {
		return false, ctx.Err() == nil && p.rewindByTime(err)
	}
	return found, ok
}

// read notes what is on a page, and returns whether the end is reached.
func (r *rewind) read(h *hand) bool {
	for _, ev := range h.events {
		if !ev.Published.After(h.Date) {
			r.latest = delivery.Latest(r.latest, ev.Published)
		}
	}
	r.before = slices.DeleteFunc(r.before, func(uuid string) bool {
		return slices.ContainsFunc(h.events, func(ev event.Event) bool { return ev.UUID == uuid })
	})
	return len(r.before) == 0 || len(h.events) == 0
}

// sendLost delivers the lost events of a page in hand. It returns whether there were any, and false when some were not delivered.
func (p *confirmed) sendLost(ctx context.Context, h *hand) (found, ok bool) {
	for _, ev := range h.events {
		if !p.Memory.window.Redeliver(ev.UUID, time.Now()) {
			continue
		}
		found = true
		// They stay on the page where they are in the window.
		if err := p.send(ctx, ev, nil, time.Time{}); err != nil || h.gone {
			return found, false
		}
	}
	return found, true
}

// rewindByTime goes on by time after a cursor that is refused or a page that is too large. It returns false when the next pass has to
// come back to it.
func (p *confirmed) rewindByTime(err error) bool {
	r, class := &p.rewind, oktaapi.ClassOf(err)
	switch asked := p.asked(r.cursor); {
	case isTooLarge(err) && asked > 1:
		p.askFor(asked / 2)
	case class == oktaapi.CursorRefused, class == oktaapi.Refused && r.cursor.IsStart() && r.cursor != r.byTime: // too far back, maybe
	default:
		if p.noPage(p.part(), err); mayBeTooLarge(err) {
			r.fails++
		} else {
			r.fails = 0
		}
		return false
	}
	return p.rewindTo(p.start(r.latest))
}

// rewindTo goes on at a start by time. It returns false when that leads no further: the rewind has ended then.
func (p *confirmed) rewindTo(at oktaapi.Cursor) bool {
	if at == p.rewind.byTime {
		p.unfound()
		return false
	}
	p.rewind.jump(at, p.Memory.pages.limit)
	return true
}

// jump goes on at a start by time, with pages of so many events.
func (r *rewind) jump(at oktaapi.Cursor, size int) {
	r.cursor, r.byTime, r.circle, r.size = at, at, circle{}, size
}

// unfound ends the rewind, and gives up what it did not find.
func (p *confirmed) unfound() {
	wanted := p.rewind.wanted
	p.rewind = rewind{}
	p.forget(Rewind)
	var gone []delivery.GaveUp
	for _, uuid := range wanted {
		if g, lost := p.Memory.window.GiveUp(uuid, time.Now()); lost {
			gone = append(gone, g)
		}
	}
	if len(gone) > 0 {
		p.Metrics.givenUp.Add(float64(len(gone)))
		level.Warn(p.Logger).Log("msg", "giving up on events: lost on the way to Loki, and no longer in Okta's log", "events", len(gone),
			"uuid", gone[0].UUID, "since", utc(gone[0].Since), "metric", "loki_source_okta_given_up_events_total")
	}
}
