package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi"
)

const (
	// tries is how often in a row a page is asked for when Okta does not answer. After that, which is half a minute, the run fails.
	tries     = 6
	firstWait = time.Second
	// minSlice is how much of the range is compared at once; maxSlice is that where nothing happened.
	minSlice = time.Hour
	maxSlice = 24 * time.Hour
	// ahead is how far in the future a time of publication may lie and still be believed.
	ahead = 5 * time.Minute
)

// reading goes through the org's log.
type reading struct {
	*audit
	cursor  oktaapi.Cursor
	limit   int       // events a page
	passed  time.Time // what was persisted until then was read
	ended   bool      // there is nothing more
	scanned []event.Event
}

// next reads one page.
func (r *reading) next(ctx context.Context) error {
	page, err := r.fetch(ctx)
	if err != nil {
		return err
	}
	defer page.Release()
	fresh := 0
	times := make([]time.Time, 0, len(r.scanned))
	for _, ev := range r.scanned {
		if !ev.Published.IsZero() && ev.Published.Before(page.Date.Add(ahead)) {
			times = append(times, ev.Published)
		}
		if r.take(ev) {
			fresh++
		}
	}
	if len(times) > 0 {
		// Events come in the order in which they were persisted, and hardly any is published after that. Half of a page may be late, and
		// one may have a wrong date.
		slices.SortFunc(times, time.Time.Compare)
		if middle := times[len(times)/2]; middle.After(r.passed) {
			r.passed = middle
		}
	}
	switch {
	case len(r.scanned) == 0:
		r.ended = true
	case page.Next != "" && page.Next != r.cursor:
		r.cursor = page.Next
	case len(r.scanned) < r.limit:
		r.ended = true
	case fresh == 0:
		return errors.New("reading Okta's log: no link to the next page, and more events at once than a page holds")
	default:
		r.cursor = r.cfg.Source.StartOf(times[len(times)-1], r.limit)
	}
	return nil
}

// fetch gets the page at the cursor. After a transient error it is tried again for a while.
func (r *reading) fetch(ctx context.Context) (oktaapi.Page, error) {
	wait := firstWait
	for try := 1; ; try++ {
		r.report.Requests++
		page, err := r.cfg.Source.Fetch(ctx, r.cursor)
		switch {
		case err == nil:
			if r.scanned, err = event.ScanInto(r.scanned, page.Body); err == nil {
				return page, nil
			}
			err = fmt.Errorf("reading Okta's log: %w", err)
			page.Release()
		case ctx.Err() != nil:
			return page, err
		case errors.Is(err, oktaapi.ErrBodyTooLarge) && r.limit > 1:
			r.limit /= 2
			r.cursor = r.cfg.Source.StartOf(r.resume(), r.limit)
			continue
		case oktaapi.ClassOf(err) == oktaapi.CursorRefused && try == 1:
			r.cursor = r.cfg.Source.StartOf(r.resume(), r.limit)
			continue
		case oktaapi.ClassOf(err) == oktaapi.Refused:
			if r.cfg.Remedy != nil {
				if remedy := r.cfg.Remedy(err); remedy != "" {
					err = fmt.Errorf("%w: %s", err, remedy)
				}
			}
			return page, err
		}
		if try == tries {
			return page, err
		}
		if oktaapi.ClassOf(err) == oktaapi.RateLimited { // the client waits by itself
			continue
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return page, ctx.Err()
		}
		wait *= 2
	}
}

// resume is where reading goes on without a cursor. All that was persisted before was read, as an event is persisted after it is published;
// what is read twice is known by its uuid.
func (r *reading) resume() time.Time {
	if r.passed.Add(-time.Minute).Before(r.open) {
		return r.open
	}
	return r.passed.Add(-time.Minute)
}
