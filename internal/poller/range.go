// option: backfill needs reconcile

package poller

import (
	"context"
	"time"

	"github.com/go-kit/log/level"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi"
)

// Range is a part of the log that has an end, for a poller that reads it once. Source must be bounded by Until.
type Range struct {
	Since, Until time.Time
	// Passed returns the time before which everything that was delivered on Pipeline has arrived or is lost, as another poller of
	// the process knows it. Behind the end of a range nothing follows that could show it. That does not say that Confirm finds what is
	// delivered: it may find the other poller's entries and none of the range's. Nil: nobody knows.
	Passed func() time.Time
}

// stepInRange is step for a range. Okta's last page has no next link; but a full one without it may have lost its link on the way.
func (p *Poller) stepInRange(page oktaapi.Page, events []event.Event, fresh int) step {
	f, n := &p.follow, len(events)
	if fresh > 0 {
		f.circle = circle{}
	}
	moved := page.Next != "" && page.Next != p.Memory.at.cursor
	circular := moved && fresh == 0 && f.circle.closes(page.Next)
	switch full := n > 0 && n >= min(p.asked(p.Memory.at.cursor), p.Scope.PageSize); {
	case moved && !circular:
		p.Memory.at.cursor = page.Next
		return step{more: true, moved: true}
	case full:
		p.warnOfLink(page, circular, full)
		return p.stepByTime(page, n, fresh)
	default:
		p.ended = true
		return step{}
	}
}

// finish waits until all of a range has arrived, and notes that it has. It returns whether it has: not when ctx ended, nor when the process
// was suspended, for then others are asked first.
func (p *Poller) finish(ctx context.Context) bool {
	p.Status.set(func(s *Snapshot) { s.Ended, s.Watermark = true, p.Range.Until })
	if stats := p.Memory.window.Stats(time.Now()); stats.Hidden > 0 {
		level.Info(p.Logger).Log("msg", "the range is delivered, waiting for Loki to show events that are old", "unconfirmed", stats.Waiting,
			"hidden", stats.Hidden, "until", utc(stats.Shown))
	}
	for !p.Memory.window.Empty() && ctx.Err() == nil && !p.suspended() {
		p.ledger.pause(ctx, time.Second)
	}
	if ctx.Err() != nil || p.suspended() {
		return false
	}
	p.clear(Hold) // the last of it arrived after pause had looked
	p.journal.Finished = true
	p.save(p.Memory.at)
	p.Status.set(func(s *Snapshot) { s.Finished = true })
	level.Info(p.Logger).Log("msg", "the range is read, and all of it was delivered", "since", utc(p.Range.Since),
		"until", utc(p.Range.Until), "confirmed", p.Confirm != nil)
	return true
}

// overtaken takes over what another poller knows of the pipeline, for nothing later of its own shows a range what is lost.
func (p *confirmed) overtaken(now time.Time) {
	w := &p.Memory.window
	if p.Range == nil || w.Empty() {
		return
	}
	// It must have been sent after our last entry was taken: two that wait for one receiver are taken in any order.
	if p.Range.Passed != nil && p.Range.Passed().After(p.Memory.sent) {
		w.Overtake(p.Pipeline, now)
	}
	if p.ended {
		w.Sample(now)
	}
}
