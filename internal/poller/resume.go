package poller

import (
	"time"

	"github.com/go-kit/log/level"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/oktaapi"
)

// resume finds out where to go on. In order: where the poller before us in this
// process stood; its last event's time, when filter, query or page size changed since;
// the checkpoint, minus the replay window; the last event's time in a checkpoint of
// another filter, query or page size; the initial lookback.
func (p *Poller) resume() {
	at, sameScope, sameOrg := p.Memory.left(p.Scope)
	switch last, saved := p.Journal.Last(); {
	case sameScope:
		p.at = at
		if !saved {
			p.recommit()
		}
		if !at.replaying.IsZero() {
			// The file may still hold the marks that the replay began behind, which
			// must not come to lie before those that it adds.
			p.Journal.Resume()
		}
		return
	case sameOrg:
		p.at = position{cursor: p.start(at.published), published: at.published, furthest: at.furthest}
		if since, ok := p.Journal.Continue(); ok && p.Confirm != nil && len(p.Memory.ledger.pages) > 0 {
			// What is under way is not confirmed; the journal must stay behind it.
			p.remember()
			p.commit(position{cursor: p.start(since), published: since})
			return
		}
	case saved:
		from, _ := p.Journal.Resume()
		p.at = position{cursor: oktaapi.Cursor(from.Cursor), published: from.Published}
		if from != last {
			p.at.replaying = last.Published
		}
		level.Info(p.Logger).Log("msg", "resuming from the checkpoint", "last_event", last.Published, "handed_over", last.HandedOver, "replay_from", from.Published)
		p.inherit()
		return
	default:
		since, ok := p.Journal.Continue()
		if !ok {
			since = time.Now().Add(-p.InitialLookback)
			level.Info(p.Logger).Log("msg", "no checkpoint, starting from the initial lookback", "since", since.UTC().Format(time.RFC3339))
		}
		p.at = position{cursor: p.start(since), published: since}
		p.inherit()
	}
	// Saved before the first request: if the token is wrong for a week, the start is
	// still where it was meant to be, also after a restart.
	p.save()
}

// inherit takes over from an earlier process how far it had handed over.
func (p *Poller) inherit() {
	pending := p.Journal.Delivery.Pending
	if pending != nil {
		p.at.furthest = pending.Published
	}
	p.remember()
	if p.Memory.pending = pending; pending != nil {
		p.Memory.landing = time.Now().Add(lastPush)
		for _, selector := range p.Journal.Delivery.Selectors {
			if p.Confirm != nil && p.Earlier != nil && selector != p.Confirm.Selector() {
				p.Memory.earlier = append(p.Memory.earlier, p.Earlier(selector))
			}
		}
	}
}

// recommit writes a file that was lost while the process went on: where the oldest page
// under way began, or where the poller stands.
func (p *Poller) recommit() {
	at := p.at
	if pages := p.Memory.ledger.pages; p.Confirm != nil && len(pages) > 0 && pages[0].scope == p.Scope {
		at.cursor = pages[0].cursor
		if first := earliest(pages[0].waiting); !first.IsZero() {
			at.published = first
		}
	}
	p.commit(at)
}

// start is the cursor for since, moved up to the retention when it lies before.
func (p *Poller) start(since time.Time) oktaapi.Cursor {
	oldest := time.Now().Add(-Retention)
	if since.Before(oldest) {
		p.Memory.warnOnce(p.Logger, "retention", "Okta keeps events for 90 days, starting there; older events are lost",
			"wanted", since.UTC().Format(time.RFC3339), "start", oldest.UTC().Format(time.RFC3339), "lost", oldest.Sub(since).Round(time.Second))
	}
	// A minute inside the retention: the request takes time to arrive.
	return p.Source.Start(latest(since, oldest.Add(time.Minute)))
}

// save makes the position durable.
func (p *Poller) save() {
	p.remember()
	p.commit(p.at)
}

// commit makes a position durable, as the newest mark.
func (p *Poller) commit(at position) {
	p.write(func(now time.Time) error { return p.Journal.Append(at.mark(now)) })
}

// mark is the position as the journal has it.
func (at position) mark(now time.Time) checkpoint.Mark {
	return checkpoint.Mark{Cursor: string(at.cursor), Published: at.published, HandedOver: now}
}

// write changes the journal. A file that cannot be written is reported, and polling
// goes on: the events are worth more than the cursor.
func (p *Poller) write(change func(now time.Time) error) {
	now := time.Now()
	err := change(now)
	p.Status.set(func(s *Snapshot) {
		switch {
		case err == nil:
			if s.CheckpointErr != nil {
				s.Recovered = now
			}
			s.CheckpointSaved, s.CheckpointFailing = now, time.Time{}
		case s.CheckpointErr == nil:
			s.CheckpointFailing = now
		}
		s.CheckpointErr = err
	})
	switch {
	case err != nil:
		p.Metrics.checkpointFailures.Inc()
		if !p.unsaved {
			p.unsaved = true
			level.Error(p.Logger).Log("msg", "the checkpoint cannot be written; a restart will repeat events", "err", err)
		}
	case p.unsaved:
		p.unsaved = false
		level.Info(p.Logger).Log("msg", "the checkpoint is written again")
	}
}

// remember keeps the position for the poller after us in this process.
func (p *Poller) remember() {
	p.Memory.put(p.Scope, p.at)
	p.Status.set(func(s *Snapshot) { s.Watermark = latest(s.Watermark, p.at.published) })
}
