package poller

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event"
)

func TestReconcileGivesUpAfterThreeLosses(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Generate(50, time.Minute)
		var dropped string
		s.to.lose = func(uuid string) bool {
			if dropped == "" {
				dropped = uuid
			}
			return uuid == dropped
		}
		s.run()
		for minute := range 30 {
			s.org.Generate(5, time.Second)
			time.Sleep(time.Minute)
			if minute < 9 {
				require.Zero(t, testutil.ToFloat64(s.metrics.givenUp), "after %d minutes", minute+1)
			}
		}
		s.to.mu.Lock()
		require.Equal(t, 3, s.to.sent[dropped])
		s.to.mu.Unlock()
		_, arrived := s.to.counts()
		require.Equal(t, map[int]int{1: 199}, arrived)
		require.InDelta(t, 1, testutil.ToFloat64(s.metrics.givenUp), 0)
		require.Zero(t, s.status.Snapshot().Unconfirmed, "the cursor goes on")
	})
}

// A stage that drops half of all events on purpose does not stop the feed.
func TestReconcileHalfOfAllEventsDropped(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Generate(60_000, 2*time.Hour)
		drop := s.uuids(func(i int, _ event.Event) bool { return i%2 == 0 })
		s.to.lose = func(uuid string) bool { return drop[uuid] }
		s.run()
		for range 18 {
			time.Sleep(5 * time.Minute)
			_, arrived := s.to.counts()
			t.Log(arrived, s.status.Snapshot().Hold, s.memory.window.Stats(time.Now()), testutil.ToFloat64(s.metrics.givenUp))
		}
		_, arrived := s.to.counts()
		require.Equal(t, map[int]int{1: 30_000}, arrived)
		require.Positive(t, testutil.ToFloat64(s.metrics.givenUp))
	})
}

func TestReconcileOutagesInARowLoseNothing(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.configure = func(cfg *Config) { cfg.PollInterval = time.Second }
		s.run()
		begin := time.Now()
		s.to.lose = func(string) bool { return time.Since(begin)%(45*time.Second) < 30*time.Second }
		for time.Since(begin) < 8*time.Minute {
			s.org.Generate(2, 100*time.Millisecond)
			time.Sleep(700 * time.Millisecond)
		}
		s.to.set(func() { s.to.lose = nil })
		for range 30 {
			s.org.Generate(2, time.Second)
			time.Sleep(time.Minute)
		}
		s.requireExactlyOnce()
		require.Zero(t, testutil.ToFloat64(s.metrics.givenUp))
	})
}

// A pipeline that worked and then delivers nothing for an hour is tried with an event now and then.
func TestReconcileProbesAPipelineThatDeliversNothing(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Generate(100, time.Hour)
		s.run()
		time.Sleep(2 * time.Minute)
		s.requireExactlyOnce()
		s.to.set(func() { s.to.lose = func(string) bool { return true } })
		s.org.Generate(60_000, 10*time.Minute)
		delivered := func() int { return int(testutil.ToFloat64(s.metrics.entries)) - 100 }
		time.Sleep(5 * time.Minute)
		bound := delivered()
		require.Less(t, bound, 20_000+1000, "a page beyond the bound at most")
		time.Sleep(50 * time.Minute)
		require.InDelta(t, bound+10, delivered(), 1, "an event every five minutes")
		require.ErrorIs(t, s.status.Snapshot().ConfirmErr, ErrNothingArrives)
		s.to.set(func() { s.to.lose = nil })
		time.Sleep(time.Hour)
		s.requireExactlyOnce()
		require.Zero(t, testutil.ToFloat64(s.metrics.givenUp))
	})
}

// An event that Loki would not show is let go too, though not before it must have shown.
func TestReconcileLetsAnOldEventGo(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Generate(3000, 20*time.Hour)
		dropped := s.uuids(func(i int, _ event.Event) bool { return i == 10 })
		s.to.lose = func(uuid string) bool { return dropped[uuid] }
		s.run()
		for range 24 {
			s.org.Generate(50, time.Minute)
			time.Sleep(time.Hour)
		}
		require.InDelta(t, 1, testutil.ToFloat64(s.metrics.givenUp), 0)
		require.Zero(t, s.status.Snapshot().Unconfirmed)
		_, arrived := s.to.counts()
		require.Equal(t, map[int]int{1: 3000 + 24*50 - 1}, arrived)
	})
}

// More events in a row than the stretch holds, all of them dropped, and then others that show it.
func TestReconcileLetsALongRunOfEventsGo(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.run()
		s.org.Generate(100, time.Second)
		time.Sleep(65 * time.Second) // between two polls
		s.org.Generate(2*20_000-2000, 10*time.Minute)
		dropped := s.uuids(func(i int, _ event.Event) bool { return i >= 100 })
		s.to.set(func() { s.to.lose = func(uuid string) bool { return dropped[uuid] } })
		s.org.Generate(4000, 10*time.Minute)
		for range 24 {
			s.org.Generate(10, time.Minute)
			time.Sleep(10 * time.Minute)
		}
		_, arrived := s.to.counts()
		require.Equal(t, map[int]int{1: 100 + 4000 + 24*10}, arrived, "the feed goes on")
	})
}

// blocking does not take entries while it is on.
type blocking struct {
	to *destination
	on bool
}

func (b *blocking) Send(ctx context.Context, e event.Entry) error {
	b.to.mu.Lock()
	on := b.on
	b.to.mu.Unlock()
	if on {
		<-ctx.Done()
		return ctx.Err()
	}
	return b.to.Send(ctx, e)
}

func TestReconcileReloadsDuringABlockedRetry(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		sink := &blocking{to: s.to}
		s.sink = sink
		s.org.Generate(25_000, time.Minute)
		lost := s.uuids(func(i int, _ event.Event) bool { return i == 10 })
		s.to.lose = func(uuid string) bool { return lost[uuid] && s.to.sent[uuid] < 2 } // once
		s.run()
		time.Sleep(5 * time.Second)
		s.to.set(func() { sink.on = true })
		for range 4 {
			time.Sleep(40 * time.Second)
			s.stop()
			s.run()
		}
		s.to.set(func() { sink.on = false })
		time.Sleep(time.Hour)
		s.requireExactlyOnce()
		require.Zero(t, testutil.ToFloat64(s.metrics.givenUp))
	})
}
