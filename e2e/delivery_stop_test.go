package e2e

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestExactlyOnceAcrossStopsUnderLoad(t *testing.T) {
	t.Parallel()
	stops := 4
	if long() {
		stops = 25
	}
	s := newTrial(t, reconciled)
	for range stops {
		s.alloy.start(t)
		s.pass(t, 4*time.Second)
		s.burst(t)
		s.pass(t, time.Second)
		s.alloy.stop(t)
	}
	s.alloy.start(t)
	all := s.settle(t)
	s.requireDelivered(t, all)
}

func TestExactlyOnceThoughLabelsChangeBetweenRuns(t *testing.T) {
	t.Parallel()
	s := newTrial(t, reconciled)
	for n := range 3 {
		s.alloy.start(t)
		s.waitForMore(t, confirmed, 0)
		s.burst(t)
		s.pass(t, 2*time.Second)
		s.alloy.stop(t)
		require.NoError(t, s.loki.Reader().Flush(t.Context()))
		require.NoError(t, os.WriteFile(s.alloy.config, []byte(stage(n)), 0o600))
	}
	s.alloy.start(t)
	all := s.settle(t)
	s.requireDelivered(t, all)
}
