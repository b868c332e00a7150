// option: context, reconcile

package poller

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grafana/loki/pkg/push"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event"
)

// Metadata that is another one each time that an entry is made, as when roles change between two deliveries, doubles nothing: with
// reconcile it is the uuid in the line that is asked for. Losses, reloads, kills and outages make for deliveries again.
func TestMetadataThatChangesDoublesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		defer func() { s.stop(); s.pipe.Close() }()
		made := 0
		s.configure = func(cfg *Config) {
			cfg.Format = func(ev event.Event, now time.Time) event.Entry {
				made++
				e := format(ev, now)
				e.StructuredMetadata = push.LabelsAdapter{{Name: event.ActorRoles, Value: fmt.Sprint("CUSTOM_", made)}}
				return e
			}
		}
		s.run()
		total := 0
		for round := range 8 {
			s.org.Generate(40, time.Minute)
			total += 40
			switch round % 4 {
			case 0:
				s.to.lose(func(uuid string) bool { return uuid[0] < '8' })
				time.Sleep(30 * time.Second)
				s.to.lose(nil)
			case 1:
				time.Sleep(5 * time.Second)
				s.stop()
				s.to.die()
				s.process()
				s.run()
			case 2:
				time.Sleep(5 * time.Second)
				s.stop()
				s.run()
			case 3:
				s.to.down(true)
				time.Sleep(2 * time.Minute)
				s.to.down(false)
			}
			time.Sleep(10 * time.Minute)
		}
		synctest.Wait()
		_, arrived := s.to.counts()
		require.Equal(t, map[int]int{1: total}, arrived)
		require.Greater(t, made, total, "some were made more than once")
	})
}

// What runs beside a poller begins with it and has ended when it has.
func TestWhatRunsBesideAPoller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		defer s.pipe.Close()
		began, ended := 0, 0
		s.configure = func(cfg *Config) {
			cfg.Beside = func(ctx context.Context) { began++; <-ctx.Done(); ended++ }
		}
		for range 2 {
			s.run()
			time.Sleep(time.Minute)
			require.Equal(t, 1, began-ended)
			s.stop()
			require.Equal(t, began, ended)
		}
	})
}
