package poller

import (
	"context"
	"slices"
	"time"

	"github.com/go-kit/log/level"

	"github.com/grafana/alloy/okta/internal/delivery"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi"
)

// searchPages is how many pages of a search are fetched at a time, which is once a minute: a window has about twenty (delivery's
// bounds), and live polling waits meanwhile.
const searchPages = 5

// search is the way through the log for lost events whose page Okta does not give again: from the window's front to where the log was
// read to when it began, since an event may have reached the log long after it happened.
type search struct {
	wanted []string // uuids; none: there is no search
	before []string // uuids that are not behind the end: it is reached when all were met
	cursor oktaapi.Cursor
	again  oktaapi.Cursor // the last start by time
	latest time.Time      // event time read, to go on from when a cursor is refused
}

// lookFor goes on with the search, or begins one for lost events.
func (p *Poller) lookFor(ctx context.Context, lost []string) {
	s, m := &p.search, p.Memory
	if len(s.wanted) == 0 {
		if len(lost) == 0 {
			return
		}
		_, earliest, _ := m.window.Front()
		*s = search{wanted: lost, before: []string{m.last}, cursor: p.start(earliest), latest: earliest}
		if m.window.Has(m.probed) {
			s.before = append(s.before, m.probed)
		}
	}
	for range searchPages {
		h, err := p.fetch(ctx, s.cursor)
		if ctx.Err() != nil {
			if err == nil {
				p.drop(h)
			}
			return
		}
		if err != nil {
			if !p.searchOn(err) {
				return
			}
			continue
		}
		p.answered(h.Page)
		next, end := h.Next, s.read(h)
		if !p.lostOf(ctx, h, delivery.NewPage(m.at, m.at, 0, 0)) {
			return
		}
		left := slices.ContainsFunc(s.wanted, func(uuid string) bool { return m.window.Redeliver(uuid, time.Now()) })
		if end || !left || next == "" || next == s.cursor {
			p.unfound()
			return
		}
		s.cursor = next
	}
}

// read notes what is on a page, and returns whether the end is reached.
func (s *search) read(h *hand) bool {
	for _, ev := range h.events {
		if !ev.Published.After(h.Date) {
			s.latest = delivery.Latest(s.latest, ev.Published)
		}
	}
	s.before = slices.DeleteFunc(s.before, func(uuid string) bool {
		return slices.ContainsFunc(h.events, func(ev event.Event) bool { return ev.UUID == uuid })
	})
	return len(s.before) == 0 || len(h.events) == 0
}

// searchOn goes on by time after a cursor that is refused or a page that is too large. It returns false when the next pass has to come
// back to it.
func (p *Poller) searchOn(err error) bool {
	s, class := &p.search, oktaapi.ClassOf(err)
	asked := p.asked(s.cursor)
	switch {
	case isTooLarge(err) && asked > 1:
		p.askFor(asked / 2)
	case class != oktaapi.CursorRefused:
		p.noPage(class, err)
		return false
	}
	again := p.start(s.latest)
	if again == s.again { // it leads no further
		p.unfound()
		return false
	}
	s.cursor, s.again = again, again
	return true
}

// unfound ends the search, and gives up what it did not find.
func (p *Poller) unfound() {
	wanted := p.search.wanted
	p.search = search{}
	var gone []delivery.GaveUp
	for _, uuid := range wanted {
		if g, lost := p.Memory.window.GiveUp(uuid, time.Now()); lost {
			gone = append(gone, g)
		}
	}
	if len(gone) > 0 {
		p.Metrics.givenUp.Add(float64(len(gone)))
		level.Warn(p.Logger).Log("msg", "giving up on events: lost on the way to Loki, and no longer in Okta's log", "events", len(gone),
			"uuid", gone[0].UUID, "since", gone[0].Since.UTC().Format(time.RFC3339), "metric", "loki_source_okta_given_up_events_total")
	}
}
