package e2e

import (
	"testing"
	"time"
)

func TestEveryEventIsInLokiExactlyOnceAcrossStopsUnderLoad(t *testing.T) {
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
