package poller

import (
	"cmp"
	"sync"
	"time"

	"github.com/grafana/alloy/okta/internal/delivery"
)

// Status is where the pollers of one org report and others read, at any time. The zero value is
// ready; it is safe for concurrent use and outlives reloads.
type Status struct {
	mu      sync.Mutex
	snap    Snapshot
	offered time.Time // since when the receivers are taking an entry; zero: they are not
}

// Snapshot is a poller's state at one moment. Times are zero when there was none.
type Snapshot struct {
	Started    time.Time // the org's first poller in this process began
	Recovered  time.Time // last time that Okta, the checkpoint or Loki worked again after failures
	LastPoll   time.Time // last page from Okta, empty ones too
	LastEvent  time.Time // latest event time delivered
	Watermark  time.Time // everything Okta had up to then is delivered
	CatchingUp bool      // the last page was full: there is more
	ReplayTo   time.Time // delivering again what came before the stop, up to this event time; zero: not

	// ClockSkew is how far our clock is ahead of Okta's, at the last page; negative: behind.
	ClockSkew time.Duration

	Pages, Events, Replayed uint64 // since Started

	// Wrong is what is wrong, by [Part].
	Wrong [parts]Trouble

	Receiver string // the one that takes an entry; the component fills it in
	Wait     Wait   // for the budget

	LastErr   error // of the last try that failed, whatever came after it
	LastErrAt time.Time

	Ended    bool // all of a range was read
	Finished bool // and all of it has arrived, or was delivered if nobody can tell

	Passed time.Time // what was delivered before it has arrived or is lost

	Skipped, Retried uint64         // not delivered because they were there, delivered again because they were not
	Unconfirmed      delivery.Stats // of what was delivered and is not found at the destination yet

	Asking time.Time // waiting since then for what the destination says it has, and reading nothing; zero: not

	CheckpointSaved time.Time // last
}

// Wait is a wait for the budget. Its times are zero when there is none.
type Wait struct {
	Since, Until time.Time
	Reason       string

	before time.Duration // in the waits before it
}

// Unconfirmable is why nothing is being confirmed: queries fail, or find nothing. The zero value: all is well.
func (s Snapshot) Unconfirmable() Trouble {
	why, other := s.Wrong[Queries], s.Wrong[Arrival]
	if !why.Lasts() {
		return other
	}
	if other.Lasts() {
		why.Since = delivery.Earliest(why.Since, other.Since)
	}
	return why
}

// Snapshot returns the current state.
func (s *Status) Snapshot() Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := &s.snap.Wrong[Receiver]; !s.offered.IsZero() && !t.Lasts() {
		t.fail("", nil, s.offered)
	}
	return s.snap
}

// sending notes since when the receivers are taking an entry; zero: they have it. It is called twice for each event, so it becomes a
// trouble only when somebody looks at the status meanwhile. It returns whether that happened.
func (s *Status) sending(since time.Time) (known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offered = since
	return s.snap.Wrong[Receiver].Lasts()
}

// Lag is how far behind the log the poller is: the time since everything Okta had was
// delivered. It grows while the poller is idle, blocked, refused or behind, and
// falls to the poll interval when it keeps up. Negative clock differences count as 0.
func (s Snapshot) Lag(now time.Time) time.Duration {
	if s.Watermark.IsZero() {
		return 0
	}
	return max(0, now.Sub(s.Watermark))
}

// WaitedFor is the time spent waiting for the budget, the present wait included.
func (s Snapshot) WaitedFor(now time.Time) time.Duration {
	if s.Wait.Since.IsZero() {
		return s.Wait.before
	}
	return s.Wait.before + max(0, now.Sub(s.Wait.Since))
}

// Waiting notes a wait for the budget; it fits [oktaapi.Config].Waiting.
func (s *Status) Waiting(until time.Time, reason string) {
	s.set(func(snap *Snapshot) {
		now := time.Now()
		if until.IsZero() {
			snap.Wait = Wait{before: snap.WaitedFor(now)}
			return
		}
		snap.Wait = Wait{Since: cmp.Or(snap.Wait.Since, now), Until: until, Reason: reason, before: snap.Wait.before}
	})
}

// begin notes that a poller runs.
func (s *Status) begin() {
	s.set(func(snap *Snapshot) {
		if snap.Started.IsZero() {
			snap.Started = time.Now()
		}
		snap.reloaded()
	})
}

func (s *Status) set(change func(*Snapshot)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.snap)
}

// wrong returns what is wrong with a part.
func (s *Status) wrong(part Part) Trouble {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.snap.Wrong[part]
}

// asking notes that the poller waits for what the destination says it has, until the function that it returns is called.
func (s *Status) asking() (answered func()) {
	s.set(func(snap *Snapshot) { snap.Asking = time.Now() })
	return func() { s.set(func(snap *Snapshot) { snap.Asking = time.Time{} }) }
}
