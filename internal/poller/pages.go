package poller

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"time"

	"github.com/grafana/alloy/okta/internal/oktaapi"
)

const (
	// suspicious is how many pages in a row must fail as a page that is too large may, before a smaller one is tried: most outages
	// look the same, and are shorter.
	suspicious = 3
	// leastGuess is the smallest page that is tried on suspicion: Okta's default.
	leastGuess = 100
	// growAgain is how long no larger pages are tried after one that did not come.
	growAgain = time.Hour
)

// pages is how many events are asked for when page_size are too many for the way from Okta to here. A next link asks for as many as its
// page did, and is opaque ("cursor formats may change without notice", Okta core API, pagination): another size is a new start, from the
// last event's time. It gets larger again page by page, while they are light.
type pages struct {
	limit int       // 0: page_size
	fails int       // pages in a row that a smaller one may not have been
	grown bool      // the size was raised, and no page has come since
	until time.Time // not raised before
}

// guess is how many events to ask for instead of as many as were asked for, on suspicion after so many failures in a row; 0: as before.
// It is tried in turn with what was asked for.
func guess(fails, asked int) int {
	if fails < suspicious || fails%2 == 0 || asked <= leastGuess {
		return 0
	}
	return max(asked>>((fails-suspicious)/2+1), leastGuess)
}

// asked is how many events a cursor asks for.
func (p *Poller) asked(cur oktaapi.Cursor) int {
	if n := cur.Limit(); n > 0 {
		return n
	}
	return p.Scope.PageSize
}

// askFor makes starts by time ask for n events.
func (p *Poller) askFor(n int) {
	p.largest = false
	p.Memory.pages.limit = n
	p.Memory.warnOnce(p.Logger, "page size", "pages are too large for the way from Okta; asking for smaller ones",
		"page_size", p.Scope.PageSize, "events", n)
}

// came notes that a page of n events came: a next link may ask for more than a start by time would, and then starts may ask for as many.
func (p *Poller) came(n int) {
	s := &p.Memory.pages
	if s.limit == 0 || n <= s.limit {
		return // which says nothing about larger ones, also where the limit is above page_size: one of the largest pages was too large
	}
	if s.limit = n; n >= p.Scope.PageSize {
		s.limit = 0
	}
}

// grow asks for twice as many events as a page that came easily, if it is full and light.
func (p *Poller) grow(asked, got int, light bool) {
	s := &p.Memory.pages
	if !light || got < asked || asked >= p.Scope.PageSize || time.Now().Before(s.until) {
		return
	}
	if s.limit = 2 * asked; s.limit >= p.Scope.PageSize {
		s.limit = 0
	}
	s.grown = true
	p.Memory.at.cursor = p.start(p.Memory.at.published)
}

// tooLarge asks for less after an error that says or suggests that the page at a cursor was too large. It returns whether that is all
// there is to do about it, and how long to wait.
func (p *Poller) tooLarge(err error, cur oktaapi.Cursor) (time.Duration, bool) {
	s, at, asked := &p.Memory.pages, &p.Memory.at, p.asked(cur)
	switch {
	case isTooLarge(err) && asked > 1:
		if s.grown && !errors.Is(err, oktaapi.ErrBodyTooLarge) { // of bytes, a light page tells what twice as many would be
			s.until = time.Now().Add(growAgain)
		}
		s.grown = false
		p.askFor(asked / 2)
		at.cursor = p.start(at.published)
		return 0, true
	case errors.Is(err, oktaapi.ErrBodyTooLarge):
		p.oversized(err)
		return refusedDelay(), true
	case !mayBeTooLarge(err):
		s.fails = 0
	case s.grown:
		s.grown, s.until = false, time.Now().Add(growAgain)
		s.limit = max(1, asked/2)
		at.cursor = p.start(at.published)
	default:
		s.fails++
	}
	return 0, false
}

// oversized is the kind of being stuck at an event, and not for want of a link.
const oversized = "oversized"

// oversized reports a single event that cannot be read.
func (p *Poller) oversized(err error) {
	err = fmt.Errorf("%w: a single event behind %s cannot be read, and nothing after it; leave it out with filter, or set the cursor "+
		"behind it: %w", ErrStuck, p.Memory.at.published.UTC().Format(time.RFC3339Nano), err)
	p.fail(Stuck, oversized, err)
}

// aboutLimit finds the parameter in the words of a 400, and not rate_limit in a filter.
var aboutLimit = regexp.MustCompile(`\blimit\b`)

func isTooLarge(err error) bool {
	e, ok := errors.AsType[*oktaapi.Error](err)
	return errors.Is(err, oktaapi.ErrBodyTooLarge) || ok && (e.Status == http.StatusRequestEntityTooLarge ||
		e.Status == http.StatusBadRequest && e.Class == oktaapi.Refused && e.Code == "E0000001" && aboutLimit.MatchString(e.Summary))
}

// mayBeTooLarge reports whether an error is what a page that is too large may give: no complete answer in time, one that is cut, or the
// error of a server that cannot make it.
func mayBeTooLarge(err error) bool {
	e, ok := errors.AsType[*oktaapi.Error](err)
	switch {
	case !ok:
		return false
	case e.Status == http.StatusInternalServerError, e.Status == http.StatusBadGateway, e.Status == http.StatusGatewayTimeout:
		return true
	}
	return e.Status == 0 && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.ErrUnexpectedEOF))
}
