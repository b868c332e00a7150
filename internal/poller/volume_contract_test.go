//go:build !race

package poller_test

// Tests whose volume, not their goroutines, is the point: minutes under the race detector.

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktasim"
)

func TestATrickleCostsOneRequestPerInterval(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		c := on(t, org)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		r := c.run()
		_ = org.Live(ctx, 20) // up to 200 events on each page
		pass(interval)
		require.LessOrEqual(t, len(org.Requests()), 62)
		require.Greater(t, org.Len(), 10_000)
		r.stop()
		c.requireEachOnce()
	})
}

func TestTheCheckpointIsSmallAfterAWeek(t *testing.T) {
	t.Parallel()
	largest := week(t)
	t.Logf("the checkpoint had at most %d bytes in a week", largest)
	require.Less(t, largest, 16<<10)
}

func TestAHundredThousandEventsCostAHundredRequests(t *testing.T) {
	t.Parallel()
	n := requestsToDrain(t)
	require.GreaterOrEqual(t, n, 100)
	require.LessOrEqual(t, n, 101)
}

func TestABacklogUsesItsShareAndNeverMore(t *testing.T) {
	for _, tc := range []struct {
		limit              int
		share              float64
		phase, delay, skew time.Duration
	}{
		{limit: 30, share: 0.5, phase: time.Millisecond, delay: 50 * time.Millisecond},
		{limit: 30, share: 0.5, phase: 999 * time.Millisecond, delay: 300 * time.Millisecond},
		{limit: 20, share: 1, phase: 10 * time.Millisecond, delay: 700 * time.Millisecond},
		{limit: 20, share: 0.5, phase: 500 * time.Millisecond, delay: 100 * time.Millisecond, skew: -10*time.Minute + 7*time.Millisecond},
	} {
		t.Run(fmt.Sprintf("%+v", tc), func(t *testing.T) {
			t.Parallel()
			m := budgetUsed(t, tc.limit, tc.share, tc.phase, tc.delay, tc.skew)
			require.GreaterOrEqual(t, m.ofShare, 0.95)
			t.Logf("%+v", m)
			require.LessOrEqual(t, m.ofShare, 1.0)
			require.LessOrEqual(t, m.densest, 1.0)
			require.Zero(t, m.refused)
		})
	}
}
