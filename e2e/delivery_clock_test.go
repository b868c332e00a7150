package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// With a clock that is ahead, an event that Loki does not show may be one that Loki hides: it lets go of a flushed chunk, and does
// not show from the store what begins in the future. Such an event is not sent again before its time has come, so a kill can cost
// ten minutes. The long form of the trial waits for them, with a Loki that does hide; the short form reloads instead.
func TestAnOrgWhoseClockIsTenMinutesOff(t *testing.T) {
	t.Parallel()
	for name, knob := range map[string]string{"ahead": "--clock=10m", "behind": "--clock=-10m"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTrial(t, reconciled, knob)
			kills := 2
			if long() {
				kills = 20
			}
			switch {
			case name == "ahead" && long():
				s.loki.Kill()
				s.loki.Hiding = true
				require.NoError(t, s.loki.Start(t.Context()))
			case name == "ahead":
				kills = 0
			}
			s.alloy.start(t)
			for range kills {
				s.pass(t, 5*time.Second)
				s.alloy.Kill()
				s.alloy.start(t)
			}
			if kills == 0 {
				s.pass(t, 5*time.Second)
				s.reload(t, strings.ReplaceAll(reconciled, `"500ms"`, `"400ms"`))
				s.pass(t, 5*time.Second)
			}
			all := s.settle(t)
			if s.loki.Hiding {
				_, last := bounds(all)
				time.Sleep(time.Until(last))
			}
			s.requireDelivered(t, all)
		})
	}
}
