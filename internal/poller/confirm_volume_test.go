// option: reconcile

//go:build !race

package poller

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A stage that drops a quarter of a busy org's events has the window's pages read once more a minute, and no more than that.
func TestReconcileAStageThatDropsCostsAPassAMinute(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		n := 0
		s.to.lose(func(string) bool { n++; return n%4 == 0 })
		s.run()
		time.Sleep(time.Minute)
		before, begin := len(s.org.Requests()), time.Now()
		for range 6 * 15 {
			s.org.Generate(200, 10*time.Second)
			time.Sleep(10 * time.Second)
		}
		minutes := time.Since(begin).Minutes()
		a := float64(len(s.org.Requests())-before) / minutes
		t.Logf("%.1f requests a minute", a)
		require.Less(t, a, 6+20.0, "6 for the log, 1 for each 1,000 events of the window")
	})
}

func TestReconcileStartSkipsWhatLokiHas(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Generate(3000, time.Hour)
		s.run()
		time.Sleep(time.Minute)
		s.requireExactlyOnce()
		for range 20 {
			time.Sleep(time.Second)
			s.org.Generate(300, time.Second)
			time.Sleep(9*time.Second + 300*time.Millisecond) // after the poll, before the entries arrive
			s.stop()
			s.to.die()
			s.process()
			s.run()
		}
		time.Sleep(5 * time.Minute)
		s.requireExactlyOnce()
		sent, _ := s.to.counts()
		require.Positive(t, sent[2], "something did die with a process, or this test proves nothing")
	})
}

func TestReconcileDoesNotTakeWhatLokiHidesForLost(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.to.hide(3 * time.Hour) // query_ingesters_within
		s.org.Generate(3000, 20*time.Hour)
		s.run()
		time.Sleep(2 * time.Hour)
		for range 3 { // a kill in the middle of the back-fill
			s.stop()
			s.to.die()
			s.process()
			s.run()
			time.Sleep(20 * time.Minute)
		}
		sent, _ := s.to.counts()
		require.Equal(t, map[int]int{1: 3000}, sent)
		s.to.hide(0) // the chunks are flushed
		time.Sleep(time.Hour)
		s.requireExactlyOnce()
		require.Zero(t, s.status.Snapshot().Unconfirmed.Waiting)
	})
}
