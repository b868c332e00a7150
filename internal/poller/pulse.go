package poller

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/go-kit/log/level"
)

const (
	// beat is how often a pulse is felt, and missedBeats how long it may be away before the process counts as suspended: stopped, or
	// starved of CPU. Other nodes take a process for dead after 20 s at the earliest.
	beat        = time.Second
	missedBeats = 10 * time.Second
)

// ErrNotOwned is returned by [Poller.Run] when another node reads the org.
var ErrNotOwned = errors.New("another node reads this org")

// errSuspended is why an event was not delivered although the sink was not asked.
var errSuspended = errors.New("the process was suspended")

// pulse notices that the process was suspended. It is safe for concurrent use.
type pulse struct {
	now func() time.Time

	mu   sync.Mutex
	last time.Time
	gap  time.Duration // how long the process was suspended, until that was taken; 0: it was not
}

func newPulse(now func() time.Time) *pulse {
	if now == nil {
		now = time.Now
	}
	return &pulse{now: now, last: now()}
}

// run keeps the pulse until ctx ends.
func (p *pulse) run(ctx context.Context) {
	p.mu.Lock()
	p.last = p.now()
	p.mu.Unlock()
	t := time.NewTicker(beat)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			p.feel()
		}
	}
}

// feel reports whether the process was suspended. Whoever asks first notices it: no goroutine can be ahead of the others.
func (p *pulse) feel() bool {
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	// The monotonic clock goes on while the process is stopped, the wall clock also while the machine sleeps.
	gap := max(now.Sub(p.last), now.Round(0).Sub(p.last.Round(0)))
	if p.last = now; gap > missedBeats {
		p.gap = gap
	}
	return p.gap > 0
}

// take returns how long the last suspension was. What comes after it is another one.
func (p *pulse) take() (gap time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	gap, p.gap = p.gap, 0
	return gap
}

// suspended reports whether the process was suspended since it was last known that the org is this poller's.
func (p *Poller) suspended() bool { return p.Owned != nil && p.pulse.feel() }

// afterSuspension begins as after a restart when the process was suspended: another node may have read on, so the others are asked, and
// the destination is queried about every page. It returns [ErrNotOwned] or ctx's error.
func (p *Poller) afterSuspension(ctx context.Context) error {
	for p.suspended() {
		level.Warn(p.Logger).Log("msg", "this process was suspended, asking who reads the org now",
			"for", p.pulse.take().Round(time.Second))
		p.ledger.stop() // its answer would be of before
		p.Memory.window.Doubt(time.Now())
		p.Memory.past.until = time.Time{}
		p.Memory.past.headless = !p.ends() // a range has streams of its own
		owned, err := p.Owned(ctx)
		switch {
		case err != nil:
			return err
		case !owned:
			return ErrNotOwned
		}
	}
	return nil
}
