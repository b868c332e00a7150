package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestExactlyOnceWheneverAlloyIsKilled(t *testing.T) {
	t.Parallel()
	kills := 10
	if long() {
		kills = 50
	}
	s := newTrial(t, reconciled)
	for range kills {
		s.alloy.launch(t)
		most := 4 * time.Second
		if s.IntN(4) == 0 {
			most = 20 * time.Second // long enough to be done with what the one before left
		}
		s.pass(t, most)
		s.alloy.Kill()
	}
	s.alloy.start(t)
	all := s.settle(t)
	s.requireDelivered(t, all)
}

// A push that Loki, or a proxy before it, is still working on when alloy-okta is killed arrives after the next process has asked.
func TestAKillWhileAPushIsUnderWayDoublesNothing(t *testing.T) {
	t.Parallel()
	kills := 3
	if long() {
		kills = 15
	}
	s := newTrial(t, reconciled)
	s.gate.slow.Store(true)
	s.alloy.start(t)
	for range kills {
		s.waitForMore(t, confirmed, 0)
		s.pass(t, 5*time.Second)
		s.burst(t)
		time.Sleep(time.Duration(1500+s.IntN(3000)) * time.Millisecond)
		s.alloy.Kill()
		require.NoError(t, s.loki.Reader().Flush(t.Context()))
		s.alloy.start(t)
	}
	all := s.settle(t)
	s.requireDelivered(t, all)
}

func TestWithoutReconcileAtLeastOnceAcrossKills(t *testing.T) {
	t.Parallel()
	kills := 4
	if long() {
		kills = 20
	}
	s := newTrial(t, second)
	for range kills {
		s.alloy.launch(t)
		s.pass(t, 5*time.Second)
		s.alloy.Kill()
	}
	s.alloy.start(t)
	s.second.waitFor(t, s.logged(t))
	all := s.end(t)
	s.second.waitFor(t, all)
	s.alloy.stop(t)
	s.second.requireAtLeastOnce(t, all)
	require.Greater(t, s.second.entries(), len(all), "a kill is followed by a replay")
	t.Logf("%d events, %d entries", len(all), s.second.entries())
}
