// option: reconcile

//go:build !race

package poller_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/pipesim"
)

// replaced kills the process together with its disk and starts another one after a while.
func (s *trial) replaced(down time.Duration) {
	s.write.Kill()
	s.stop()
	pass(down)
	s.dir = s.t.TempDir()
	s.process()
	s.run()
}

// A container without a volume that is killed at random moments and is away for up to a day.
func TestWithoutADiskNothingIsSkippedOrDoubled(t *testing.T) {
	for _, perMinute := range []int{1, 20} {
		t.Run(fmt.Sprint(perMinute, " a minute"), func(t *testing.T) {
			try(t, uint64(perMinute), pipesim.Defaults(), func(s *trial) {
				s.overlap = time.Hour
				s.feed(perMinute, 36*time.Hour)
				s.run()
				for _, down := range []time.Duration{0, time.Second, time.Minute, 20 * time.Minute, 2 * time.Hour, 20 * time.Hour, 0} {
					pass(time.Duration(s.rnd.Int64N(int64(40 * time.Minute))))
					s.replaced(down)
				}
				took := s.recovered()
				t.Logf("everything was there after %s", took)
				pass(90 * time.Minute)
				s.requireExactlyOnce()
			})
		})
	}
}

// The first start has nothing to go on from.
func TestWithoutADiskAndAnEmptyLoki(t *testing.T) {
	try(t, 1, pipesim.Defaults(), func(s *trial) {
		s.overlap = time.Hour
		s.feed(10, 8*time.Hour)
		pass(6 * time.Hour)
		before := len(s.due(lookback + time.Minute))
		s.run()
		pass(time.Hour)
		missing, doubled, _ := s.loki.Compare(s.due(2 * time.Minute))
		require.Empty(t, doubled)
		require.InDelta(t, before, len(missing), 20, "what is before the initial lookback")
	})
}

// Probes that got through a pipeline which lost everything else for hours are the newest that Loki has.
func TestWithoutADiskBehindAGap(t *testing.T) {
	try(t, 3, pipesim.Defaults(), func(s *trial) {
		s.overlap = time.Hour
		s.feed(20, 10*time.Hour)
		s.run()
		pass(time.Hour)
		gap := time.Now()
		s.loki.Set(func(f *pipesim.Faults) { f.Lose = func(*pipesim.Entry) bool { return true } })
		pass(4 * time.Hour)
		s.loki.Set(func(f *pipesim.Faults) { f.Lose = nil })
		view, err := s.loki.View(trialSelector)
		require.NoError(t, err)
		for {
			newest, err := view.Newest(t.Context(), 0)
			require.NoError(t, err)
			if newest.Sub(gap) > 2*time.Hour {
				break
			}
			pass(time.Second)
		}
		s.replaced(time.Minute)
		s.recovered()
		pass(90 * time.Minute)
		s.requireExactlyOnce()
	})
}

// others puts entries of another org into Loki that the selector matches.
func (s *trial) others(until time.Time) {
	for at := s.begin; at.Before(until); at = at.Add(30 * time.Second) {
		s.loki.Put("other"+at.String(), model.LabelSet{"job": "test", "org": "another"}, at)
	}
}

func TestWithoutADiskASelectorMayMatchOtherOrgs(t *testing.T) {
	t.Run("that are ahead", func(t *testing.T) {
		try(t, 4, pipesim.Defaults(), func(s *trial) {
			s.overlap = time.Hour
			s.feed(10, 20*time.Hour)
			s.others(s.begin.Add(12 * time.Hour))
			s.run()
			pass(2 * time.Hour)
			s.replaced(9 * time.Hour)
			s.recovered()
			pass(90 * time.Minute)
			s.requireExactlyOnce()
		})
	})
	t.Run("that are all there is", func(t *testing.T) {
		try(t, 5, pipesim.Defaults(), func(s *trial) {
			s.overlap = time.Hour
			s.feed(10, 20*time.Hour)
			s.others(s.begin.Add(12 * time.Hour))
			pass(10 * time.Hour)
			before := len(s.due(lookback + time.Minute))
			s.run()
			pass(time.Hour)
			missing, doubled, _ := s.loki.Compare(s.due(2 * time.Minute))
			require.Empty(t, doubled)
			require.InDelta(t, before, len(missing), 20, "what is before the initial lookback")
		})
	})
}

// Nothing is fetched, and so nothing skipped, before Loki says where to go on.
func TestWithoutADiskLokiIsWaitedFor(t *testing.T) {
	try(t, 6, pipesim.Defaults(), func(s *trial) {
		s.overlap = time.Hour
		s.feed(10, 20*time.Hour)
		s.run()
		pass(time.Hour)
		s.loki.Set(func(f *pipesim.Faults) { f.QueryDown = true })
		s.replaced(2 * time.Hour)
		requests := len(s.org.Requests())
		pass(3 * time.Hour)
		require.Equal(t, requests, len(s.org.Requests()))
		snap := s.status.Snapshot()
		require.ErrorIs(t, snap.Unconfirmable().Err, pipesim.ErrDown)
		require.GreaterOrEqual(t, time.Since(snap.Unconfirmable().Since), 3*time.Hour-time.Minute)
		s.loki.Set(func(f *pipesim.Faults) { f.QueryDown = false })
		s.recovered()
		pass(90 * time.Minute)
		s.requireExactlyOnce()
		require.NoError(t, s.status.Snapshot().Unconfirmable().Err)
	})
}
