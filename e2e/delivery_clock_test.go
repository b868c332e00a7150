package e2e

import (
	"strings"
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
			s.alloy.start(t)
			// Loki hides a flushed chunk until its time has come, and what it may hide is not sent again before. With a clock that is
			// ahead, a flush or a kill can therefore cost ten minutes, which only the long form has.
			if name == "ahead" && !long() {
				s.unflushed, kills = true, 0
				s.pass(t, 5*time.Second)
				s.reload(t, strings.ReplaceAll(reconciled, `"500ms"`, `"400ms"`))
			}
			for range kills {
				s.pass(t, 5*time.Second)
				s.alloy.Kill()
				s.alloy.start(t)
			}
			all := s.settle(t)
			s.requireDelivered(t, all)
		})
	}
}
