package e2e

import (
	"testing"
	"time"
)

func TestAnOrgWhoseClockIsTenMinutesOff(t *testing.T) {
	t.Parallel()
	for name, knob := range map[string]string{"ahead": "--clock=10m", "behind": "--clock=-10m"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kills := 2
			if long() {
				kills = 20
			}
			s := newTrial(t, reconciled, knob)
			for range kills {
				s.alloy.start(t)
				s.pass(t, 5*time.Second)
				s.alloy.Kill()
			}
			s.alloy.start(t)
			all := s.settle(t)
			s.requireDelivered(t, all)
		})
	}
}
