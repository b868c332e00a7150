package poller

import (
	"errors"
	"sync"
	"time"

	"github.com/grafana/alloy/okta/internal/oktaapi"
)

// Status is where a poller reports and others read, at any time. The zero value is
// ready; it is safe for concurrent use and outlives reloads.
type Status struct {
	mu   sync.Mutex
	snap Snapshot
}

// Snapshot is a poller's state at one moment. Times are zero when there was none.
type Snapshot struct {
	Org        string    // whose log this is about
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

	Receiver     string    // that takes an entry; filled in by who knows the receivers
	SendingSince time.Time // a receiver is taking an entry since; zero: none
	WaitUntil    time.Time // waiting for the budget until; zero: not waiting
	WaitReason   string
	WaitSince    time.Time     // the present wait began
	Waited       time.Duration // in the waits before it

	LastErr   error     // of the last try that failed, whatever came after it
	LastErrAt time.Time //

	Ended    bool // all of a span was read
	Finished bool // and all of it has arrived, or was delivered if nobody can tell

	Passed time.Time // what was delivered before it has arrived or is lost

	Stuck error // why the log does not go on although there is more; nil: it does

	Err      error // what keeps pages from coming; nil after a success, or when it is only the rate limit
	ErrClass oktaapi.Class
	ErrSince time.Time // first failure since the last success; of a refusal, the first one

	Skipped, Retried uint64    // not delivered because they were there, delivered again because they were not
	Unconfirmed      int       // events delivered and not found at the destination yet
	UnconfirmedSince time.Time // first delivery of the oldest of them
	Hidden           int       // of them, those that the destination may have and not show yet
	Shown            time.Time // when it shows the last of them, if it has it; zero: none is hidden
	Hold             string    // why nothing newer is delivered; "": it is
	HoldSince        time.Time
	ConfirmErr       error     // why nothing is being confirmed; nil: all is well
	ConfirmFailing   time.Time // since when

	Asking time.Time // waiting since then for what the destination says it has, and reading nothing; zero: not

	CheckpointErr     error     // of the last save
	CheckpointFailing time.Time // first failed save since a good one
	CheckpointSaved   time.Time
}

// Snapshot returns the current state.
func (s *Status) Snapshot() Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.snap
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
	if s.WaitSince.IsZero() {
		return s.Waited
	}
	return s.Waited + max(0, now.Sub(s.WaitSince))
}

// Waiting notes a wait for the budget; it fits [oktaapi.Config].Waiting.
func (s *Status) Waiting(until time.Time, reason string) {
	s.set(func(snap *Snapshot) {
		switch now := time.Now(); {
		case until.IsZero():
			snap.Waited, snap.WaitSince = snap.WaitedFor(now), time.Time{}
		case snap.WaitSince.IsZero():
			snap.WaitSince = now
		}
		snap.WaitUntil, snap.WaitReason = until, reason
	})
}

// begin notes that a poller of org runs. What is known about another org says nothing
// about this one.
func (s *Status) begin(org string) {
	s.set(func(snap *Snapshot) {
		if snap.Org != org {
			*snap = Snapshot{Org: org, Started: time.Now(), Waited: snap.Waited}
		}
	})
}

func (s *Status) set(change func(*Snapshot)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.snap)
}

func (s *Status) sending(since time.Time) {
	s.set(func(snap *Snapshot) { snap.SendingSince = since })
}

// asking notes that the poller waits for what the destination says it has, until the function that it returns is called.
func (s *Status) asking() (answered func()) {
	s.set(func(snap *Snapshot) { snap.Asking = time.Now() })
	return func() { s.set(func(snap *Snapshot) { snap.Asking = time.Time{} }) }
}

// fail notes a failed try. Being asked to slow down is no outage; and a refusal stands
// until a page arrives; a timeout in between does not clear it.
func (s *Status) fail(class oktaapi.Class, err error) {
	s.set(func(snap *Snapshot) {
		now := time.Now()
		snap.LastErr, snap.LastErrAt = err, now
		refused := snap.Err != nil && snap.ErrClass == oktaapi.Refused
		if class == oktaapi.RateLimited || refused && class != oktaapi.Refused {
			return
		}
		if snap.Err == nil || class == oktaapi.Refused && !refused {
			snap.ErrSince = now
		}
		snap.Err, snap.ErrClass = err, class
	})
}

// AsError returns the [oktaapi.Error] in err's chain.
func AsError(err error) (*oktaapi.Error, bool) {
	var e *oktaapi.Error
	ok := errors.As(err, &e)
	return e, ok
}
