package poller

import (
	"context"
	"time"

	"github.com/grafana/alloy/okta/internal/delivery"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/limits"
)

// ledger is the account of what was delivered. There are two: direct believes the receivers, confirmed asks the destination.
type ledger interface {
	// configure makes what the poller before left under way this one's.
	configure()
	// beginAnew sets the position without a checkpoint. It returns false when ctx ended.
	beginAnew(ctx context.Context) bool
	// searchUnder makes queries look for what a previous process delivered under its selectors, too.
	searchUnder(selectors []string)
	// prepare gets ready to deliver the page in hand. It returns what the destination has of it already, and false when the page is not
	// to be delivered now: ctx ended, its memory was given back, or the position was moved.
	prepare(ctx context.Context, h *hand) (there answer, ok bool)
	// mayBeUnderWay reports whether an event that a query sent at asked did not find was delivered by a previous process and must not be
	// delivered yet.
	mayBeUnderWay(ev event.Event, now, asked time.Time) bool
	// confirmable reports whether there is a point in querying for an event.
	confirmable(ev event.Event, now time.Time) bool
	// accepted is the age up to which the destination takes an event; 0: any age.
	accepted() time.Duration
	// pause waits for d, or until an event that was announced is due, and follows what is under way.
	pause(ctx context.Context, d time.Duration)
	// drain follows what is under way until nothing is, or ctx ends.
	drain(ctx context.Context)
	// underWay reports whether something that was delivered has not been seen to arrive.
	underWay() bool
	// stop ends the query that is under way.
	stop()
}

// direct is the ledger without a Confirmer: what the receivers took has arrived, so its window is always empty.
type direct struct{ *Poller }

func (p direct) configure() {
	p.Status.set(func(s *Snapshot) { s.Unconfirmed = delivery.Stats{} })
	m := p.Memory
	m.window, m.confirm, m.past.previous = delivery.Window[position]{}, nil, nil
	m.past.unproven = nil // option: reconcile
}

func (p direct) beginAnew(context.Context) bool {
	p.beginAtLookback()
	return true
}

func (p direct) pause(ctx context.Context, d time.Duration) {
	for end := time.Now().Add(d); ctx.Err() == nil && !p.suspended(); {
		until := p.due(end)
		if !time.Now().Before(until) {
			return
		}
		p.rest(ctx, until, nil)
	}
}

func (direct) searchUnder([]string)                                 {}
func (direct) prepare(context.Context, *hand) (answer, bool)        { return answer{}, true }
func (direct) mayBeUnderWay(event.Event, time.Time, time.Time) bool { return false }
func (direct) confirmable(event.Event, time.Time) bool              { return false }
func (direct) accepted() time.Duration                              { return limits.MaxAge }
func (direct) drain(context.Context)                                {}
func (direct) underWay() bool                                       { return false } // whatever the one before left
func (direct) stop()                                                {}

// rest waits until a time, an announcement, one of answers, or the end of ctx.
func (p *Poller) rest(ctx context.Context, until time.Time, answers <-chan answer) (a answer, answered bool) {
	t := time.NewTimer(max(time.Until(until), time.Millisecond))
	defer t.Stop()
	select {
	case a = <-answers:
		return a, true
	case <-p.Wakes.signals(): // option: event_hook
	case <-t.C:
	case <-ctx.Done():
	}
	return a, false
}

// due is when to poll: at end, or earlier.
func (p *Poller) due(end time.Time) time.Time {
	end = p.before(end) // option: event_hook
	return end
}

// answer is what a query brought.
type answer struct {
	events []delivery.Event
	asked  time.Time
	found  map[string]bool
	err    error
	empty  bool // the destination has nothing at all of the time of events

	silent  *previous // the Loki of a previous configuration that did not answer:
	silence error     // what is not found may be there
}
