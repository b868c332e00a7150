package poller

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-kit/log/level"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi"
)

// ErrStuck is the health of a poller that cannot get beyond a page.
var ErrStuck = errors.New("the answers of Okta do not lead on")

// behind is how much older than the poll interval the newest event of a short page must be
// for the page to look cut by the server: Okta persists almost all events within it.
const behind = time.Minute

// leastCap is the smallest page that counts as cut.
const leastCap = 10

// follow is what is known of the way from one page to the next.
type follow struct {
	size   int       // a page of as many events is full: page_size, or less if the server caps its pages
	last   int       // events of the page before
	left   time.Time // position from which the log was last continued by time
	newest time.Time // event time up to the page before
	circle circle    // over the next links that are followed without a pause
}

// step is where a page leads.
type step struct {
	more  bool  // fetch at once
	cut   bool  // the page is not full and may all the same be followed by more
	moved bool  // the cursor is another one
	stuck error // there is more, and no way to it
}

// step moves the position behind a page; fresh is how many of its events were not known.
func (p *Poller) step(page oktaapi.Page, events []event.Event, fresh int) step {
	if p.Range != nil { // option: backfill
		return p.stepInRange(page, events, fresh) // option: backfill
	} // option: backfill
	return p.stepInLog(page, events, fresh)
}

// stepInLog is step for the log, which has no end.
func (p *Poller) stepInLog(page oktaapi.Page, events []event.Event, fresh int) step {
	f, at, n := &p.follow, &p.Memory.at, len(events)
	moved := page.Next != "" && page.Next != at.cursor
	cut := moved && n > 0 && at.published.After(f.newest) && page.Date.Sub(events[n-1].Published) > behind+p.PollInterval
	f.newest = at.published
	full := p.full(n, p.asked(at.cursor), cut)
	if !full || fresh > 0 {
		f.circle = circle{}
	}
	circular := moved && full && fresh == 0 && f.circle.closes(page.Next)
	if moved && !circular {
		if !full && fresh > 0 {
			p.clear(Links)
		}
		p.largest = p.largest && fresh == 0 // else links in a circle would be followed for ever
		at.cursor = page.Next
		return step{more: full, cut: cut && !full, moved: true}
	}
	if page.Next == "" || circular {
		p.warnOfLink(page, circular, full)
	}
	if !full {
		return step{}
	}
	return p.stepByTime(page, n, fresh)
}

// warnOfLink tells of a link that cannot be followed, until links lead on again.
func (p *Poller) warnOfLink(page oktaapi.Page, circular, full bool) {
	reason := "no next link"
	switch {
	case circular:
		reason = "a next link that was followed before"
	case page.NextErr != nil:
		reason = page.NextErr.Error()
	}
	p.fail(Links, "", nil, "reason", reason, "continue_by_time", full, "request_id", page.RequestID)
}

// stepByTime leaves a full page of n events that can show nothing new any more: the log goes on
// from the last event's time, with pages as large as Okta gives if that has led here before.
func (p *Poller) stepByTime(page oktaapi.Page, n, fresh int) step {
	f, at := &p.follow, &p.Memory.at
	stays := fresh == 0 && at.published.Equal(f.left)
	f.left = at.published
	stuck := stays && (p.largest || p.Scope.PageSize == oktaapi.MaxPageSize || p.Memory.pages.limit > 0)
	p.largest = p.largest || stays
	at.cursor = p.start(at.published)
	if stuck {
		err := fmt.Errorf("%w: %d events since %s that were delivered before, and no next link beyond them; "+
			"check what changes the Link header between here and Okta", ErrStuck, n, at.published.UTC().Format(time.RFC3339Nano))
		p.fail(Stuck, "", err, "request_id", page.RequestID)
		return step{moved: true, stuck: err}
	}
	return step{more: true, moved: true}
}

// full reports whether there is more behind a page of n events, of as many as were asked for. A server that caps its pages below
// page_size is noticed by two pages in a row of the same size that look cut.
func (p *Poller) full(n, asked int, cut bool) bool {
	f := &p.follow
	if n > f.size { // the cap was no cap
		f.size = min(n, p.Scope.PageSize)
	}
	if cut && n >= leastCap && n < min(f.size, asked) && n == f.last {
		level.Info(p.Logger).Log("msg", "Okta returns smaller pages than asked for", "page_size", p.Scope.PageSize, "events", n)
		f.size = n
	}
	f.last = n
	if n > p.Scope.PageSize { // one of the largest pages
		return n >= oktaapi.MaxPageSize
	}
	return n > 0 && n >= min(f.size, asked)
}

// circle notices next links that lead in one: Brent's cycle detection.
type circle struct {
	anchor oktaapi.Cursor
	steps  int
	limit  int
}

// closes reports whether next was followed before.
func (c *circle) closes(next oktaapi.Cursor) bool {
	if next == c.anchor {
		return true
	}
	if c.steps++; c.steps >= c.limit {
		c.anchor, c.steps, c.limit = next, 0, max(1, 2*c.limit)
	}
	return false
}
