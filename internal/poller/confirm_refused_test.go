// option: reconcile

package poller

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.uber.org/atomic"

	"github.com/grafana/alloy/okta/internal/event"
)

func TestReconcileGivesUpAfterThreeLosses(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Generate(50, time.Minute)
		var dropped string
		s.to.lose(func(uuid string) bool {
			if dropped == "" {
				dropped = uuid
			}
			return uuid == dropped
		})
		s.run()
		for minute := range 30 {
			s.org.Generate(5, time.Second)
			time.Sleep(time.Minute)
			if minute < 9 {
				require.Zero(t, testutil.ToFloat64(s.metrics.givenUp), "after %d minutes", minute+1)
			}
		}
		require.Equal(t, 3, s.to.deliveries(dropped))
		_, arrived := s.to.counts()
		require.Equal(t, map[int]int{1: 199}, arrived)
		require.InDelta(t, 1, testutil.ToFloat64(s.metrics.givenUp), 0)
		require.Zero(t, s.status.Snapshot().Unconfirmed.Waiting, "the cursor goes on")
	})
}

// blocking does not take entries while it is on.
type blocking struct {
	*pipeline
	on atomic.Bool
}

func (b *blocking) Send(ctx context.Context, e event.Entry) error {
	if b.on.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	return b.pipeline.Send(ctx, e)
}

func TestReconcileReloadsDuringABlockedRetry(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		sink := &blocking{pipeline: s.to}
		s.sink = sink
		s.org.Generate(25_000, time.Minute)
		lost := s.uuids(func(i int, _ event.Event) bool { return i == 10 })
		s.to.lose(func(uuid string) bool { return lost[uuid] && s.to.deliveries(uuid) < 2 }) // once
		s.run()
		time.Sleep(5 * time.Second)
		sink.on.Store(true)
		for range 4 {
			time.Sleep(40 * time.Second)
			s.stop()
			s.run()
		}
		sink.on.Store(false)
		time.Sleep(time.Hour)
		s.requireExactlyOnce()
		require.Zero(t, testutil.ToFloat64(s.metrics.givenUp))
	})
}

// With nothing but the initial lookback to begin from, the first page is fetched and then waits for Loki.
func TestAPageThatWaitsForLokiIsTold(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Generate(10, time.Hour)
		s.to.down(true)
		begin := time.Now()
		s.run()
		time.Sleep(time.Minute)
		require.WithinDuration(t, begin, s.status.Snapshot().Asking, time.Second)
		s.to.down(false)
		time.Sleep(2 * time.Minute)
		require.Zero(t, s.status.Snapshot().Asking)
		s.requireExactlyOnce()
	})
}
