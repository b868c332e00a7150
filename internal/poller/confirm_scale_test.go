// option: reconcile

package poller

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktaapi"
)

func TestALokiThatIsAwayDoesNotStopOtherOrgs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slots := oktaapi.NewSlots(2)
		var waiting, free []*site
		start := func(down bool) *site {
			s := newSite(t)
			t.Cleanup(s.pipe.Close)
			s.slots = slots
			s.to.down(down)
			s.org.Generate(1200, time.Hour)
			s.run()
			return s
		}
		for range 5 {
			waiting = append(waiting, start(true))
		}
		time.Sleep(time.Second)
		for range 5 {
			free = append(free, start(false))
		}
		time.Sleep(2 * time.Minute)
		for _, s := range free {
			s.requireExactlyOnce()
		}
		for _, s := range waiting {
			s.to.down(false)
			require.LessOrEqual(t, len(s.org.Requests()), 2, "a page is not fetched again while Loki is away")
		}
		time.Sleep(3 * time.Minute)
		for _, s := range append(waiting, free...) {
			s.requireExactlyOnce()
			s.stop()
		}
	})
}
