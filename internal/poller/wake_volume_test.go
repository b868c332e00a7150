// option: event_hook

//go:build !race

package poller_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktasim"
)

func TestHooksPollOnceASecondAtMost(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{RateLimit: -1}
		c, r := awake(t, org)
		began := time.Now()
		for i := range 400 * 20 {
			c.wakes.Announce([]string{fmt.Sprint(i)}, settle)
			time.Sleep(time.Second / 400)
		}
		require.LessOrEqual(t, len(after(org, began)), 21)
		for _, gap := range gaps(org)[1:] {
			require.GreaterOrEqual(t, gap, time.Second)
		}
		r.stop()
	})
}
