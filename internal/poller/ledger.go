package poller

import (
	"context"
	"errors"
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
	// delivered notes that an event was delivered now as an entry, as part of pg or again.
	delivered(ev event.Event, entry event.Entry, pg *delivery.Page[position], now time.Time)
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

func (direct) searchUnder([]string)                                                    {}
func (direct) prepare(context.Context, *hand) (answer, bool)                           { return answer{}, true }
func (direct) mayBeUnderWay(event.Event, time.Time, time.Time) bool                    { return false }
func (direct) delivered(event.Event, event.Entry, *delivery.Page[position], time.Time) {}
func (direct) accepted() time.Duration                                                 { return limits.MaxAge }
func (direct) drain(context.Context)                                                   {}
func (direct) underWay() bool                                                          { return false } // whatever the one before left
func (direct) stop()                                                                   {}

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

// Confirmer tells which events the destination has; reconcile.Loki is one. Find answers for all of the events or not at all. An error
// whose chain holds interface{ Refused() bool } returning true needs an operator, any other passes by itself.
type Confirmer interface {
	Find(ctx context.Context, events []delivery.Event) (map[string]bool, error)
	Unhurried(ctx context.Context) context.Context // for a Find that nobody waits for
	Selector() string                              // for messages
	// Visible is the age up to which the destination shows an event at once; 0: any age.
	Visible() time.Duration
	// Newest is the time of the newest entry that the destination shows, zero when it has none
	// as young as back. 0: as far back as one of its streams may still be open.
	Newest(ctx context.Context, back time.Duration) (time.Time, error)
	// Accepted is the age up to which the destination takes an event at all; 0: any age.
	Accepted() time.Duration
	// Empty reports that the destination has nothing at all since a time, whoever sent it; false
	// also when it does not say.
	Empty(ctx context.Context, since time.Time) bool
}

// ErrNothingArrives is the health of a poller whose Confirmer answers and finds none
// of what was delivered.
var ErrNothingArrives = errors.New("no delivered event found in Loki")

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

// Drain goes on confirming what was delivered after Run has returned, so that the journal is complete when another node goes on from
// it. Nothing is fetched and nothing is delivered. It returns when nothing is on its way any more, as far as one can tell, or ctx ends.
func (p *Poller) Drain(ctx context.Context) {
	if p.journal == nil { // it never began, but the one before it may have delivered
		if p.Memory.at.scope != p.Scope { // a cursor of ours is not what that one's journal is for
			return
		}
		p.journal = p.Memory.journal
		p.ledger.configure()
	}
	defer p.Troubles.gone(&p.Reporting) // Run did so already, but a query that fails here notes a trouble, which nothing else would end
	p.ledger.drain(ctx)
}

// UnderWay reports whether something that was delivered has not been seen to arrive, after Run or Drain has returned and while the
// Memory is the poller's.
func (p *Poller) UnderWay() bool { return p.ledger.underWay() }
