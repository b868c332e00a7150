package oktaapi

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/atomic"

	"github.com/grafana/alloy/okta/internal/httptext"
)

// slowBody is how long a body may be on its way before its slot is lent to others: what comes
// slowly takes little memory, and a few slow orgs must not stop hundreds.
const slowBody = 2 * time.Second

// Slots bounds how many pages are in memory at once. Clients share one; it is safe for
// concurrent use. Clients that wait are served in order.
//
// A page has a slot from its response's header to [Page.Release]. None is taken while a client waits for Okta: its answers take up to
// request_timeout, and there may be fewer slots than slow orgs.
type Slots struct {
	taken   chan struct{}
	waiting atomic.Int32
}

// NewSlots returns slots for n pages.
func NewSlots(n int) *Slots { return &Slots{taken: make(chan struct{}, n)} }

// slot is one page's. The zero value has no bound.
type slot struct {
	of *Slots

	mu   sync.Mutex
	held bool
	lent bool // may be given to others while it is held
}

// take waits for a slot, unless there is one already. It returns an error only when ctx ends.
func (s *slot) take(ctx context.Context) error {
	s.mu.Lock()
	s.lent = false
	held := s.held
	s.mu.Unlock()
	if s.of == nil || held {
		return nil
	}
	s.of.waiting.Add(1)
	defer s.of.waiting.Add(-1)
	select {
	case s.of.taken <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	s.mu.Lock()
	s.held = true
	s.mu.Unlock()
	return nil
}

// lend gives the slot to others after d, unless it is taken again before that.
func (s *slot) lend(d time.Duration) (stop func() bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lent = true
	return time.AfterFunc(d, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.lent {
			s.give()
		}
	}).Stop
}

// release gives the slot back. It may be called twice.
func (s *slot) release() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.give()
}

// give gives the slot back. The caller holds mu.
func (s *slot) give() {
	if s.held {
		s.held = false
		<-s.of.taken
	}
}

// deadline ends a context after a time that can stand still: who waits for a slot is not late.
type deadline struct {
	timer *time.Timer
	ends  time.Time
	end   context.CancelCauseFunc
}

// withDeadline returns a context that ends after d of the deadline's time, with the cause [context.DeadlineExceeded].
func withDeadline(ctx context.Context, d time.Duration) (context.Context, *deadline) {
	ctx, end := context.WithCancelCause(ctx)
	timer := time.AfterFunc(d, func() { end(context.DeadlineExceeded) })
	return ctx, &deadline{timer, time.Now().Add(d), end}
}

// pause calls f while the time stands still.
func (d *deadline) pause(f func() error) error {
	if !d.timer.Stop() {
		return context.DeadlineExceeded
	}
	left := time.Until(d.ends)
	err := f()
	d.ends = time.Now().Add(left)
	d.timer.Reset(left)
	return err
}

// stop ends the context.
func (d *deadline) stop() {
	d.timer.Stop()
	d.end(context.Canceled)
}

// overdue is err, or [context.DeadlineExceeded] while doing something when that is what ended ctx.
func overdue(ctx context.Context, doing string, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, context.DeadlineExceeded) {
		if hint := httptext.Hint(err); hint != "" {
			return fmt.Errorf("%s: %w; %s", doing, cause, hint)
		}
		return fmt.Errorf("%s: %w", doing, cause)
	}
	return err
}
