package takeover

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/grafana/alloy/okta/internal/limits"
)

const (
	// joinWait is how long a node that has just started waits before its first org: until it has met all others, it asks too few.
	joinWait = 3 * time.Second
	// askEvery is the time between two rounds of questions, and look that between two looks at the ring without a change.
	askEvery = 500 * time.Millisecond
	look     = 5 * time.Second
	// releaseMost is how long a draining node is waited for; it gives up itself before.
	releaseMost = 11 * time.Minute
	// silentMost is how long a peer that is in the ring and does not answer is waited for: one that is dead leaves the ring within 35 s.
	silentMost = 40 * time.Second
	// hungFor bounds one turn of the wait for an org, which is a round of questions (askTimeout) or a look. After a longer one the process
	// hung, and what it knew is old.
	hungFor = 10 * time.Second
	// noticeWait is how long a notice of a node that was stopped may take, and noticeAge how long it means something.
	noticeWait = time.Second
	noticeAge  = time.Minute
	// stopping is how long after such a notice copies may arrive.
	stopping = limits.LastOfDrain
	// landed is stopping for nodes of which nothing can be under way: they have released the org, or have been dead for the 20 s that the
	// ring takes to notice.
	landed = time.Second
	// pushAgain is the wait after a copy that the standby did not take.
	pushAgain = 5 * time.Second
	// leaveTimeout bounds the last words of a node.
	leaveTimeout = time.Second
)

// Start is what a node begins to read an org with.
type Start struct {
	Copies [][]byte // journals of others, for [checkpoint.Open]
	// LastPush is how long copies of what was delivered before may still arrive; 0: as after a process that was killed just now.
	LastPush time.Duration
	Others   bool // another node has read the org since this one did
	// AtOnce says that the org came to a node that runs already, from another one: nobody has polled it for a moment, and there are no
	// first polls of many orgs to be spread.
	AtOnce bool

	alone bool // no other node was asked
}

// Reader reads an org. One goroutine calls it.
type Reader interface {
	// Read reads the org until ctx ends; or until it finds that another node does, which it learns from [Seat.Owned].
	Read(ctx context.Context, start Start)
	// Drain waits until nothing that was delivered is on its way, bounded, and then forgets where it stood. When ctx ends before, the org
	// is this node's again, or it stops: it knows where it stood.
	Drain(ctx context.Context)
	// UnderWay reports whether something that was delivered may still be on its way, after Read or Drain has returned.
	UnderWay() bool
}

// Seat decides for one org, or a part of its log, whether this node reads it. Its methods are safe for concurrent use, but for Run, of
// which there must be one at a time.
type Seat struct {
	x         *Exchange
	org, name string // name is what the peers know it by
	dir       string // of its journal
	logger    log.Logger

	mu      sync.Mutex
	state   State
	since   time.Time
	waits   wait
	journal []byte // that this node saved last; nil: not in this process
	standby []byte // that another node sent; nil: the one on disk, if any
	notice  State  // Stopping or Released, when that other node said so
	noticed time.Time
	doubted time.Time // when a message or an answer came last that was not signed
	unkept  bool      // it was logged that the standby copy cannot be written
	saved   chan struct{}
	glance  *time.Timer // looks at the ring now and then, and at changes; nil: nobody wants to know

	secret func() []byte     // see Exchange.Seat
	known  []key             // see keys
	nonce  string            // what the next message to this node must be signed for
	nonces map[string]string // the same of peers, by name

	announced []string // uuids for the node that reads the org
	forwards  bool     // they are being sent
}

func newSeat(x *Exchange, org, name, dir string) *Seat {
	return &Seat{
		x: x, org: org, name: name, dir: dir, logger: log.With(x.Logger, "org", name), state: None, since: time.Now(),
		saved: make(chan struct{}, 1), nonce: rand.Text(), nonces: map[string]string{},
	}
}

// State returns what this node does about the org, since when, and the name of the node that the ring gives it to; "": not known.
func (s *Seat) State() (state State, since time.Time, owner string) {
	owner, _ = s.x.Ring.Owner(s.org)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state, s.since, owner
}

// wait is what a node waits for before it reads an org.
type wait struct {
	why  string // "": nothing
	read bool   // another node reads the org meanwhile
}

// Waits returns what this node waits for before it reads an org that the ring gives to it, in a few words, and whether another node reads
// it meanwhile.
func (s *Seat) Waits() (why string, read bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waits.why, s.waits.read
}

func (s *Seat) set(state State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != state {
		s.state, s.since = state, time.Now()
	}
}

// Mine reports whether the ring gives the org to this node.
func (s *Seat) Mine() bool {
	_, mine := s.x.Ring.Owner(s.org)
	return mine
}

// Run lets the reader read whenever the org is this node's, until ctx ends.
func (s *Seat) Run(ctx context.Context, r Reader) {
	for {
		start, err := s.acquire(ctx, r)
		if err != nil {
			s.withdraw(r)
			return
		}
		s.hold(ctx, r, start)
		switch switched := s.x.Ring.Alone() != start.alone; {
		case ctx.Err() != nil:
		case switched && s.Mine():
			s.set(Acquiring)
		default:
			s.drain(ctx, r)
		}
		if ctx.Err() != nil {
			s.leave(r.UnderWay())
			return
		}
	}
}

// withdraw says that this node no longer asks for the org. Others must not wait for it, except for what it delivered before the org left
// it and came back.
func (s *Seat) withdraw(r Reader) {
	switch state, _, _ := s.State(); {
	case state != Acquiring:
	case r.UnderWay():
		s.leave(true)
	default:
		s.set(None)
	}
}

// drain lets the reader wait for what it delivered, until ctx ends or the org is this node's again: a node must not wait for itself.
func (s *Seat) drain(ctx context.Context, r Reader) {
	level.Info(s.logger).Log("msg", "another node reads the org now, waiting for what was delivered to arrive")
	s.set(Draining)
	s.while(ctx, false, s.x.Ring.Alone(), r.Drain)
	switch {
	case ctx.Err() != nil:
	case s.Mine():
		s.set(Acquiring)
	default:
		s.set(Released)
	}
}

// hold lets the reader read until the org is no longer this node's, or the others must be asked for it. Meanwhile each journal that
// is saved goes to the standby; a node that is alone has none, and needs no goroutine for that.
func (s *Seat) hold(ctx context.Context, r Reader, start Start) {
	s.while(ctx, true, start.alone, func(ctx context.Context) {
		if start.alone {
			r.Read(ctx, start)
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		var beside sync.WaitGroup
		beside.Go(func() { s.push(ctx) })
		r.Read(ctx, start)
		cancel()
		beside.Wait()
	})
}

// while calls f with a context that ends when it is no longer true, or false, that the org is this node's, or that the node is alone. No
// goroutine waits for that: a timer looks at once, at each change, and now and then when the node is not alone.
func (s *Seat) while(ctx context.Context, mine, alone bool, f func(context.Context)) {
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	s.glance = time.AfterFunc(0, func() {
		// Before it looks, or a change that comes meanwhile would be put off.
		s.mu.Lock()
		if ctx.Err() == nil && !alone {
			s.glance.Reset(look)
		}
		s.mu.Unlock()
		if ctx.Err() == nil && (s.Mine() != mine || s.x.Ring.Alone() != alone) {
			cancel()
		}
	})
	s.mu.Unlock()
	f(ctx)
	cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.glance.Stop()
	s.glance = nil
}

// glanceIn looks at the ring after d, if anybody wants to know.
func (s *Seat) glanceIn(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.glance != nil {
		s.glance.Reset(d)
	}
}

// pause waits for d, a change, or the end of ctx.
func pause(ctx context.Context, change <-chan struct{}, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-change:
	case <-t.C:
	}
}
