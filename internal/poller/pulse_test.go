// option: reconcile

package poller

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/atomic"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi"
)

// suspendable makes pollers of s one of several nodes'; the function it returns suspends the process for a while.
func suspendable(s *site, owned *atomic.Bool) (suspend func(time.Duration)) {
	var away atomic.Int64
	owned.Store(true)
	s.configure = func(cfg *Config) {
		cfg.Clock = func() time.Time { return time.Now().Add(time.Duration(away.Load())) }
		cfg.Owned = func(ctx context.Context) (bool, error) { return owned.Load(), ctx.Err() }
	}
	return func(d time.Duration) { away.Add(int64(d)) }
}

// interrupted is a sink at the n-th entry of which something happens.
type interrupted struct {
	*pipeline
	n       int
	happens func()
}

func (i *interrupted) Send(ctx context.Context, e event.Entry) error {
	if i.n--; i.n == 0 {
		i.happens()
	}
	return i.pipeline.Send(ctx, e)
}

// logged has the org log n events now and returns their uuids.
func (s *site) logged(prefix string, n int) (uuids []string) {
	for i := range n {
		uuids = append(uuids, fmt.Sprint(prefix, i))
		s.org.Append(fmt.Appendf(nil, `{"uuid":%q,"published":%q}`, uuids[i], time.Now().UTC().Format("2006-01-02T15:04:05.000Z")))
	}
	return uuids
}

func TestASuspendedPollerAsksBeforeItDelivers(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		var owned atomic.Bool
		suspend := suspendable(s, &owned)
		s.run()
		for i := range 5 { // long after the start, when nobody else can have delivered
			s.logged(fmt.Sprint("before", i, "-"), 10)
			time.Sleep(time.Minute)
		}
		s.requireExactlyOnce()
		time.Sleep(3500 * time.Millisecond) // between two beats and two polls: what follows happens while the poller is away
		suspend(40 * time.Second)
		s.anotherDelivers(s.logged("meanwhile", 100)...)
		s.logged("after", 10)
		time.Sleep(time.Minute)
		s.requireExactlyOnce()
		require.NoError(t, s.ended)
	})
}

func TestASuspensionInTheMiddleOfAPage(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		var owned atomic.Bool
		suspend := suspendable(s, &owned)
		var uuids []string
		for i := range 200 {
			uuids = append(uuids, fmt.Sprint("page", i))
		}
		s.sink = &interrupted{s.to, 60, func() {
			suspend(40 * time.Second)
			s.anotherDelivers(uuids[50:]...) // this one's copy of the 50th is under way, which nothing can prevent
		}}
		s.run()
		s.logged("first", 10)
		time.Sleep(5 * time.Minute)
		require.Equal(t, uuids, s.logged("page", 200))
		time.Sleep(5 * time.Minute)
		s.requireExactlyOnce()
	})
}

func TestASuspendedPollerEndsWhenAnotherReads(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		var owned atomic.Bool
		suspend := suspendable(s, &owned)
		s.run()
		s.logged("first", 10)
		time.Sleep(5 * time.Minute)
		owned.Store(false)
		suspend(missedBeats + beat)
		s.logged("second", 10)
		time.Sleep(time.Minute)
		sent, _ := s.to.counts()
		require.Equal(t, 10, sent[1])
		s.stop()
		require.ErrorIs(t, s.ended, ErrNotOwned)
	})
}

// A receiver that blocks, a slow request and a busy second are no suspension.
func TestASlowTurnIsNoSuspension(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		var owned atomic.Bool
		suspend := suspendable(s, &owned)
		s.sink = &interrupted{s.to, 5, func() { time.Sleep(10 * time.Minute) }}
		s.run()
		s.logged("first", 10)
		time.Sleep(5 * time.Minute)
		owned.Store(false)
		suspend(missedBeats - 2*beat)
		time.Sleep(10 * time.Minute)
		s.requireExactlyOnce()
		require.NoError(t, s.ended, "nobody was asked who reads the org")
		require.False(t, s.poller.pulse.feel())
	})
}

// forgetful is a source that fails to fetch again what had events, while it is told to.
type forgetful struct {
	Source
	fails atomic.Bool
	had   map[oktaapi.Cursor]bool
	tried atomic.Int32
}

func (f *forgetful) Fetch(ctx context.Context, cur oktaapi.Cursor) (oktaapi.Page, error) {
	if f.had[cur] && f.fails.Load() {
		f.tried.Add(1)
		return oktaapi.Page{}, &oktaapi.Error{Class: oktaapi.Transient, Err: errors.New("timeout")}
	}
	page, err := f.Source.Fetch(ctx, cur)
	f.had[cur] = f.had[cur] || len(page.Body) > 2
	return page, err
}

func TestWhatWasLostIsQueriedForAfterASuspension(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		var owned atomic.Bool
		suspend := suspendable(s, &owned)
		before, source := s.configure, &forgetful{had: map[oktaapi.Cursor]bool{}}
		s.configure = func(cfg *Config) {
			before(cfg)
			source.Source, cfg.Source = cfg.Source, source
		}
		s.run()
		s.logged("first", 10)
		time.Sleep(5 * time.Minute)
		s.to.lose(func(uuid string) bool { return uuid == "page3" })
		source.fails.Store(true)
		s.logged("page", 10)
		for i := 0; source.tried.Load() == 0; i++ { // to deliver it again
			require.Less(t, i, 100, "never counted as lost")
			s.logged(fmt.Sprint("later", i, "-"), 1)
			time.Sleep(10 * time.Second)
		}
		suspend(40 * time.Second)
		s.anotherDelivers("page3")
		s.to.lose(nil)
		source.fails.Store(false)
		time.Sleep(10 * time.Minute)
		s.requireExactlyOnce()
	})
}
