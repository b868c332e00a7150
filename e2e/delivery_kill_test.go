package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEveryEventIsInLokiExactlyOnceWhateverMomentAlloyIsKilled(t *testing.T) {
	t.Parallel()
	kills := 10
	if long() {
		kills = 50
	}
	s := newTrial(t, reconciled)
	for range kills {
		s.alloy.launch(t)
		s.pass(t, 5*time.Second)
		s.alloy.Kill()
	}
	s.alloy.start(t)
	all := s.settle(t)
	s.requireDelivered(t, all)
}

func TestWithoutReconcileEveryEventArrivesAtLeastOnceAcrossKills(t *testing.T) {
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
