package poller

import (
	"context"
	"time"

	"github.com/go-kit/log/level"

	"github.com/grafana/alloy/okta/internal/delivery"
	"github.com/grafana/alloy/okta/internal/oktaapi"
)

// catchUp brings the journal to what the previous poller of this process knew, which is newer than any file.
func (p *Poller) catchUp() {
	if p.Memory.known() && p.journal.Follow(p.Memory.journal) {
		// Else a restart would go on from where a component with this file stood long ago.
		p.wrote(p.journal.Save())
	}
}

// resume finds out where to go on. In order: where the previous poller of this process
// stood; its last event's time, when filter, query or page size changed since; the
// checkpoint, minus the replay window; the time of that place in a checkpoint of another
// filter, query or page size; the newest event that the destination has, minus the overlap;
// the initial lookback. It returns false when ctx ended before it was known.
func (p *Poller) resume(ctx context.Context) bool {
	m := p.Memory
	defer func() { p.Status.set(func(s *Snapshot) { s.Watermark = delivery.Latest(s.Watermark, m.at.published) }) }()
	last, saved := p.journal.Last()
	m.journal = p.journal
	switch {
	case m.known() && m.at.scope == p.Scope:
		if !saved {
			p.save(p.oldest())
		}
		return true
	case m.known():
		m.at = p.position(m.at.published)
		m.past.replaying = time.Time{}
		p.save(p.oldest())
		return true
	case saved:
		from, _ := p.journal.Resume()
		m.at = position{cursor: oktaapi.Cursor(from.Cursor), published: from.Published, scope: p.Scope}
		if from != last {
			m.past.replaying = last.Published
		}
		m.heads.SetFloor(last.Published)
		level.Info(p.Logger).Log("msg", "resuming from the checkpoint", "last_event", last.Published, "delivered", last.Delivered, "replay_from",
			from.Published)
		p.inherit()
		return true
	}
	if since, until, ok := p.journal.Continue(); ok {
		if until.After(since) {
			m.past.replaying = until
		}
		m.heads.SetFloor(until)
		p.begin(since)
		return true
	}
	if p.Range != nil { // option: backfill
		p.begin(p.Range.Since) // option: backfill
		return true            // option: backfill
	} // option: backfill
	return p.ledger.beginAnew(ctx)
}

// beginAtLookback begins where a reader begins that knows nothing.
func (p *Poller) beginAtLookback() {
	initial := time.Now().Add(-p.InitialLookback)
	level.Info(p.Logger).Log("msg", "no checkpoint, starting from the initial lookback", "since", utc(initial))
	p.begin(initial)
}

// begin takes a time for the position.
func (p *Poller) begin(since time.Time) {
	p.Memory.at = p.position(since)
	p.inherit()
	// Saved before the first request: if the token is wrong for a week, the start is
	// still where it was meant to be, also after a restart.
	p.save(p.Memory.at)
}

// position is a start by time.
func (p *Poller) position(since time.Time) position {
	return position{cursor: p.start(since), published: since, scope: p.Scope}
}

// oldest is where the oldest page that waits begins, or where the poller stands: the place
// for a journal that has none for the present scope.
func (p *Poller) oldest() position {
	at, earliest, ok := p.Memory.window.Front()
	if !ok {
		return p.Memory.at
	}
	if !earliest.IsZero() {
		at.published = earliest
	}
	if at.scope != p.Scope {
		at.cursor, at.scope = p.start(at.published), p.Scope
	}
	return at
}

// start is the cursor for since, with pages as large as come.
func (p *Poller) start(since time.Time) oktaapi.Cursor {
	switch known := p.Memory.pages.limit; {
	case p.largest:
		return p.startOf(since, oktaapi.MaxPageSize)
	case known > 0:
		return p.startOf(since, min(p.Scope.PageSize, known))
	}
	return p.startOf(since, p.Scope.PageSize)
}

// startOf is the cursor for since, moved up to the retention when it lies before, with pages of n events.
func (p *Poller) startOf(since time.Time, n int) oktaapi.Cursor {
	oldest := time.Now().Add(-oktaapi.Retention)
	if oldest.Sub(since) >= time.Second {
		p.Memory.warnOnce(p.Logger, "retention", "starting 90 days ago, as far back as Okta keeps events; older events are lost",
			"wanted", utc(since), "start", utc(oldest), "lost", oldest.Sub(since).Round(time.Second))
	}
	// A minute inside the retention: the request takes time to arrive.
	return p.Source.StartOf(delivery.Latest(since, oldest.Add(time.Minute)), n)
}
