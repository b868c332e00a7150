// option: reconcile

package poller

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

// uuids returns those of the org's events that pick wants.
func (s *site) uuids(pick func(i int, ev event.Event) bool) map[string]bool {
	picked := make(map[string]bool)
	for i, raw := range s.org.Events() {
		events, err := event.Scan([]byte("[" + string(raw) + "]"))
		require.NoError(s.t, err)
		if pick(i, events[0]) {
			picked[events[0].UUID] = true
		}
	}
	return picked
}

func TestReconcileGivesNothingUpWhileNothingArrives(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Generate(300, time.Hour)
		s.run()
		time.Sleep(2 * time.Minute)
		s.to.lose(everything) // loki.write's token is revoked
		for range 12 {
			s.org.Generate(50, time.Minute)
			time.Sleep(10 * time.Minute)
		}
		require.ErrorIs(t, s.status.Snapshot().Unconfirmable().Err, ErrNothingArrives)
		s.to.lose(nil)
		for range 3 {
			s.org.Generate(50, time.Minute)
			time.Sleep(10 * time.Minute)
		}
		s.requireExactlyOnce()
		require.Zero(t, testutil.ToFloat64(s.metrics.givenUp))
		require.NoError(t, s.status.Snapshot().Unconfirmable().Err)
	})
}

func TestReconcileRecoversFromALostFirstStretch(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Generate(6000, time.Hour)
		s.to.lose(everything)
		s.run()
		time.Sleep(30 * time.Minute)
		s.to.lose(nil)
		for range 6 {
			s.org.Generate(10, time.Minute)
			time.Sleep(10 * time.Minute)
		}
		s.requireExactlyOnce()
	})
}

func TestReconcileRestartWithAnotherFilter(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.to.hide(3 * time.Hour)
		s.org.Generate(3000, 20*time.Hour)
		s.run()
		time.Sleep(time.Hour)
		s.stop()
		s.to.die()
		s.process()
		s.filter = `severity ne "NOTHING"`
		s.run()
		time.Sleep(time.Minute)
		sent, _ := s.to.counts()
		require.Equal(t, map[int]int{1: 3000}, sent)
	})
}

func TestReconcileFindsAnOrgAsItLeftItAfterAnother(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Generate(300, time.Hour)
		s.run()
		time.Sleep(2 * time.Minute)
		s.to.down(true)
		s.org.Generate(100, time.Second)
		time.Sleep(15 * time.Second) // delivered, not confirmed
		s.stop()

		home := s.pipe
		other := &oktasim.Org{RateLimit: -1}
		s.pipe = other.Pipe()
		s.pipe.URL = "http://other.localhost"
		s.to.down(false)
		s.run()
		time.Sleep(time.Minute)
		s.stop()
		s.pipe.Close()

		s.pipe = home
		s.run()
		time.Sleep(time.Minute)
		s.requireExactlyOnce()
	})
}

func TestReconcileSendsNothingThatTheRulesDrop(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.to.hide(3 * time.Hour)
		s.org.Generate(300, 20*time.Hour)
		drop := s.uuids(func(i int, _ event.Event) bool { return i%10 == 0 })
		s.configure = func(cfg *Config) {
			cfg.Format = func(ev event.Event, now time.Time) event.Entry {
				e := format(ev, now)
				if drop[ev.UUID] {
					e.Labels = nil
				}
				return e
			}
		}
		s.run()
		time.Sleep(time.Hour)
		s.stop()
		s.to.die()
		s.process()
		s.run()
		s.to.hide(0)
		for range 6 {
			s.org.Generate(5, time.Second)
			time.Sleep(time.Hour)
		}
		sent, _ := s.to.counts()
		require.Equal(t, map[int]int{1: 300 - len(drop) + 30}, sent)
		require.Zero(t, s.status.Snapshot().Unconfirmed.Waiting)
	})
}

func TestReconcileKeepsNoRecordOfEmptyPages(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Generate(10, time.Hour)
		s.run()
		time.Sleep(2 * time.Minute)
		s.to.down(true)
		s.org.Set(func(o *oktasim.Org) { o.AdvanceEmpty = true })
		s.org.Generate(1, time.Second)
		time.Sleep(6 * time.Hour)
		s.stop()
		require.Equal(t, 1, s.memory.window.Stats(time.Now()).Pages)
		s.to.down(false)
		s.run()
		time.Sleep(2 * time.Minute)
		s.requireExactlyOnce()
	})
}

func TestWithoutReconcileItsOldTroubleIsForgotten(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Generate(300, time.Hour)
		s.to.blind(true)
		s.run()
		time.Sleep(10 * time.Minute)
		require.Error(t, s.status.Snapshot().Unconfirmable().Err)
		s.stop()
		s.configure = func(cfg *Config) { cfg.Confirm, cfg.ConfirmID = nil, "" }
		s.run()
		s.org.Generate(10, time.Second)
		time.Sleep(time.Minute)
		snap := s.status.Snapshot()
		require.NoError(t, snap.Unconfirmable().Err)
		require.Zero(t, snap.Unconfirmed.Waiting)
		require.Zero(t, snap.Unconfirmed.Since)
		last, _ := s.saved().Last()
		require.Contains(t, last.Cursor, "after=")
	})
}
