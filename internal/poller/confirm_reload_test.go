// option: reconcile

package poller

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/pipesim"
)

func TestReconcileGoesOnWhenAReloadPutsTheSelectorRight(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Generate(3000, time.Hour)
		right := s.finds
		s.finds = `{job="wrong"}`
		s.run()
		time.Sleep(5 * time.Minute)
		require.ErrorIs(t, s.status.Snapshot().Unconfirmable().Err, ErrNothingArrives)

		s.stop()
		s.id, s.finds = "two", right
		s.run()
		s.org.Generate(10, time.Second)
		time.Sleep(2 * time.Minute)
		s.requireExactlyOnce()
		require.NoError(t, s.status.Snapshot().Unconfirmable().Err)
		require.Zero(t, s.status.Snapshot().Unconfirmed.Waiting)
		last, _ := s.saved().Last()
		require.Contains(t, last.Cursor, "after=")
	})
}

func TestReconcileMidPageReloadWithNewLabels(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Generate(10, time.Second)
		first, second := &labeled{s.to, "one", 410}, &labeled{s.to, "two", -1}
		s.sink, s.finds = first, first.selects()
		s.run()
		time.Sleep(time.Minute)
		s.org.Generate(1000, time.Second)
		time.Sleep(time.Minute) // 400 of the page are sent

		s.stop()
		s.id, s.sink, s.finds = "two", second, second.selects()
		s.run()
		for range 10 {
			s.org.Generate(10, time.Second)
			time.Sleep(time.Minute)
		}
		s.requireExactlyOnce()
		require.Zero(t, s.status.Snapshot().Unconfirmed.Waiting)
	})
}

func TestReconcileDoesNotWaitForARemovedDestination(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Generate(100, time.Minute)
		s.run()
		time.Sleep(3 * time.Minute) // what comes now is of this process
		s.to.down(true)
		s.to.lose(everything)
		s.org.Generate(100, time.Second)
		time.Sleep(20 * time.Second) // delivered; the old Loki is switched off

		s.stop()
		s.id, s.to = "two", newPipeline(t)
		s.run()
		s.org.Generate(100, time.Second)
		time.Sleep(time.Minute)
		_, arrived := s.to.counts()
		require.Equal(t, map[int]int{1: 100}, arrived, "what is new is delivered")
		for range 3 {
			time.Sleep(10 * time.Minute)
			s.org.Generate(10, time.Second)
		}
		time.Sleep(time.Minute)
		_, arrived = s.to.counts()
		require.Equal(t, map[int]int{1: 230}, arrived, "what the old one cannot be asked about goes to the new one in the end")
		require.Zero(t, s.status.Snapshot().Unconfirmed.Waiting)
		require.NoError(t, s.status.Snapshot().Unconfirmable().Err)
	})
}

func TestReconcileStartWaitsForAKilledProcessPush(t *testing.T) {
	for name, takes := range map[string]time.Duration{"at once": 0, "an answer that takes longer than the push": 12 * time.Second} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, s *site) {
				s.org.Generate(100, time.Minute)
				s.run()
				time.Sleep(62 * time.Second)
				s.org.Generate(100, time.Second)
				for sent, _ := s.to.counts(); sent[1] < 200; sent, _ = s.to.counts() {
					time.Sleep(100 * time.Millisecond)
				}
				// All is in a push that a slow Loki has taken but not stored when the process is killed.
				s.to.Set(func(f *pipesim.Faults) { f.PushTakes = 6 * time.Second })
				time.Sleep(1100 * time.Millisecond)
				s.stop()
				s.to.die()
				s.process()
				s.to.Set(func(f *pipesim.Faults) { f.PushTakes, f.QueryTakes = 0, takes })
				s.run()
				time.Sleep(2 * time.Minute)
				s.requireExactlyOnce()
			})
		})
	}
}

func TestReconcileStartWithNewLabelsFindsTheOldOnes(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		labels := func(label string) {
			sink := &labeled{s.to, label, -1}
			s.id, s.sink, s.finds = label, sink, sink.selects()
		}
		s.before = s.view
		for _, label := range []string{"one", "two", "three"} {
			labels(label)
			s.run()
			s.org.Generate(2500, time.Second)
			time.Sleep(time.Second) // all of it is delivered, and none of it confirmed
			s.stop()
			time.Sleep(10 * time.Second) // loki.write drains
			s.process()
		}
		labels("four")
		s.run()
		for range 10 {
			s.org.Generate(10, time.Second)
			time.Sleep(time.Minute)
		}
		s.requireExactlyOnce()
		require.Zero(t, s.status.Snapshot().Unconfirmed.Waiting)
		require.Empty(t, s.saved().Delivery.Selectors, "nothing is under way any more")
	})
}

// Loki does not show a flushed chunk before the time of its first entry has come.
func TestReconcileDoesNotTakeWhatLiesInTheFutureForLost(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Set(func(o *oktasim.Org) { o.Clock = 10 * time.Minute })
		s.to.Set(func(f *pipesim.Faults) { f.QueryTakes = 2 * time.Second }) // in which the time of an event can come
		feed := func() { s.org.Generate(20, time.Second) }
		feed()
		s.run()
		time.Sleep(time.Minute) // the configuration is known to work
		s.stop()
		hidden := 0
		s.to.hideIf(func(e *pipesim.Entry) bool { // every other chunk is flushed
			if e.Time.Unix()/60%2 == 0 && e.Time.After(time.Now()) {
				hidden++
				return true
			}
			return false
		})
		s.run()
		for i := range 30 {
			feed()
			time.Sleep(30 * time.Second)
			if i == 20 {
				s.stop()
				s.to.die()
				s.process()
				s.run()
			}
		}
		time.Sleep(time.Hour)
		s.requireExactlyOnce()
		require.Positive(t, hidden)
		require.Zero(t, s.status.Snapshot().Unconfirmed.Waiting)
	})
}
