// option: reconcile

//go:build !race

package poller

// Tests whose volume, not their goroutines, is the point: minutes under the race detector.

import (
	"hash/fnv"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/limits"
)

func TestReconcileDoesNotWaitForTooOldEvents(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Generate(4000, 40*24*time.Hour)
		old := s.uuids(func(_ int, ev event.Event) bool { return time.Since(ev.Published) > limits.MaxAge })
		s.configure = func(cfg *Config) { cfg.InitialLookback = 60 * 24 * time.Hour }
		s.run()
		time.Sleep(2 * 4 * time.Hour)
		sent, arrived := s.to.counts()
		require.Equal(t, map[int]int{1: 4000}, sent)
		require.Equal(t, map[int]int{1: 4000 - len(old)}, arrived)
		require.Zero(t, s.status.Snapshot().Unconfirmed.Waiting)
		require.NoError(t, s.status.Snapshot().Unconfirmable().Err)
	})
}

// A stage that drops half of all events on purpose does not stop the feed.
func TestReconcileHalfOfAllEventsDropped(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Generate(60_000, 2*time.Hour)
		drop := s.uuids(func(i int, _ event.Event) bool { return i%2 == 0 })
		s.to.lose(func(uuid string) bool { return drop[uuid] })
		s.run()
		for range 18 {
			time.Sleep(5 * time.Minute)
			s.org.Generate(10, time.Second)
		}
		time.Sleep(time.Minute)
		_, arrived := s.to.counts()
		require.Equal(t, map[int]int{1: 30_000 + 180}, arrived)
		require.Positive(t, testutil.ToFloat64(s.metrics.givenUp))
	})
}

func TestReconcileOutagesInARowLoseNothing(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.configure = func(cfg *Config) { cfg.PollInterval = time.Second }
		s.run()
		begin := time.Now()
		s.to.lose(func(string) bool { return time.Since(begin)%(45*time.Second) < 30*time.Second })
		for time.Since(begin) < 8*time.Minute {
			s.org.Generate(2, 100*time.Millisecond)
			time.Sleep(700 * time.Millisecond)
		}
		s.to.lose(nil)
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
		s.to.lose(everything)
		s.org.Generate(60_000, 10*time.Minute)
		delivered := func() int { return int(testutil.ToFloat64(s.metrics.entries)) - 100 }
		time.Sleep(5 * time.Minute)
		bound := delivered()
		require.Less(t, bound, 20_000+1000, "a page beyond the bound at most")
		time.Sleep(50 * time.Minute)
		require.InDelta(t, bound+10, delivered(), 1, "an event every five minutes")
		require.ErrorIs(t, s.status.Snapshot().Unconfirmable().Err, ErrNothingArrives)
		s.to.lose(nil)
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
		s.to.lose(func(uuid string) bool { return dropped[uuid] })
		s.run()
		for range 24 {
			s.org.Generate(50, time.Minute)
			time.Sleep(time.Hour)
		}
		require.InDelta(t, 1, testutil.ToFloat64(s.metrics.givenUp), 0)
		require.Zero(t, s.status.Snapshot().Unconfirmed.Waiting)
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
		s.to.lose(func(uuid string) bool { return dropped[uuid] })
		s.org.Generate(4000, 10*time.Minute)
		for range 24 {
			s.org.Generate(10, time.Minute)
			time.Sleep(10 * time.Minute)
		}
		_, arrived := s.to.counts()
		require.Equal(t, map[int]int{1: 100 + 4000 + 24*10}, arrived, "the feed goes on")
	})
}

func TestReconcileSendsAgainWhileABacklogIsStillRead(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		lost := 0
		s.to.lose(func(string) bool { lost++; return lost > 100 && lost <= 200 })
		s.org.Generate(40_000, 2*time.Hour)
		s.org.Delay = 2 * time.Second
		s.run()
		time.Sleep(30 * time.Second)
		require.InDelta(t, 100, testutil.ToFloat64(s.metrics.retried), 0, "15 of 40 pages are read")
		time.Sleep(5 * time.Minute)
		s.requireExactlyOnce()
	})
}

func TestReconcileWithAWrongSelectorSendsNothingTwice(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.to.blind(true)
		s.org.Generate(3000, time.Hour)
		s.run()
		for range 3 {
			time.Sleep(2 * time.Hour)
			s.org.Generate(100, time.Minute)
			sent, _ := s.to.counts()
			require.Equal(t, []int{1}, slices.Collect(maps.Keys(sent)), "each event was delivered once")
			snap := s.status.Snapshot()
			require.ErrorIs(t, snap.Unconfirmable().Err, ErrNothingArrives)
			require.ErrorContains(t, snap.Unconfirmable().Err, `{job="test"}`)
			mark, _ := s.saved().Last()
			require.Contains(t, mark.Cursor, "since=", "the cursor stays")

			s.stop() // a restart must not double either
			s.to.die()
			s.process()
			s.run()
		}
		// The selector is put right: the feed goes on, and nothing was doubled.
		s.to.blind(false)
		s.stop()
		s.id = "two"
		s.run()
		time.Sleep(time.Hour)
		s.org.Generate(10, time.Second)
		// What died with the first processes is hours old now: Loki might hide it.
		time.Sleep(4*time.Hour + time.Hour)
		s.requireExactlyOnce()
		require.NoError(t, s.status.Snapshot().Unconfirmable().Err)
	})
}

func TestReconcileBoundsTheWindowWhileLokiIsAway(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Generate(80_000, 20*time.Hour)
		s.to.down(true)
		s.run()
		time.Sleep(3 * 24 * time.Hour)
		sent, _ := s.to.counts()
		require.Zero(t, sent[1], "nothing from before the start is delivered before Loki can be asked")
		s.to.down(false)
		time.Sleep(2 * time.Second)
		s.to.down(true)
		time.Sleep(24 * time.Hour)
		sent, _ = s.to.counts()
		require.LessOrEqual(t, sent[1], 50_000+1000)
		requests := len(s.org.Requests())
		time.Sleep(24 * time.Hour)
		require.Equal(t, requests, len(s.org.Requests()), "the poller stopped fetching")
		s.to.down(false)
		time.Sleep(12 * time.Hour)
		s.requireExactlyOnce()
	})
}

func TestReconcileQueriesOncePerPageOrInterval(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Generate(15_000, 2*time.Hour)
		s.run()
		time.Sleep(2 * time.Minute)
		s.requireExactlyOnce()
		require.Zero(t, s.status.Snapshot().Unconfirmed.Waiting)
		// Before a page is sent: sixteen. All of them arrive in the same instant here, so
		// what is confirmed comes after, four pages a query.
		require.LessOrEqual(t, s.to.Stats().Queries, 16+4)

		before := s.to.Stats().Queries
		time.Sleep(time.Hour)
		require.Equal(t, before, s.to.Stats().Queries, "with nothing under way nothing is asked")
		for range 60 {
			s.org.Generate(3, time.Second)
			time.Sleep(10 * time.Second)
		}
		time.Sleep(15 * time.Second)
		require.LessOrEqual(t, s.to.Stats().Queries-before, 62)
		s.requireExactlyOnce()
	})
}

// A probe far ahead of a backlog is lost again and again, while the backlog loses events on the way to it.
func TestReconcileFindsWhatIsLostBeforeAProbe(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Generate(40_000, 140*time.Minute)
		s.org.Delay = 20 * time.Second
		probe, begin := "", time.Now()
		s.to.lose(func(uuid string) bool {
			switch n := s.to.deliveries(uuid); {
			case time.Since(begin) < 4*time.Minute:
				return true
			case probe == "" || probe == uuid:
				probe = uuid
				return n < 3
			default:
				hash := fnv.New32()
				_, _ = hash.Write([]byte(uuid))
				return n == 1 && hash.Sum32()%50 == 0
			}
		})
		s.run()
		for range 6 * 60 {
			s.org.Generate(5, time.Second)
			time.Sleep(time.Minute)
		}
		require.Equal(t, 3, s.to.deliveries(probe))
		require.Zero(t, testutil.ToFloat64(s.metrics.givenUp))
		s.requireExactlyOnce()
	})
}
