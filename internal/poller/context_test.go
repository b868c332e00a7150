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

// offers is a sink that remembers what it was offered.
type offers struct {
	Sink
	lines []string
}

func (o *offers) Send(ctx context.Context, e event.Entry) error {
	o.lines = append(o.lines, e.Line)
	return o.Sink.Send(ctx, e)
}

// An entry that is made to see whether an event may be a probe, or is proof, passes nothing: what is passed is what is delivered, in that
// order.
func TestOnlyWhatIsDeliveredPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		defer func() { s.stop(); s.pipe.Close() }()
		var passed []string
		var to *offers
		made := 0
		s.configure = func(cfg *Config) {
			if to == nil {
				to = &offers{Sink: cfg.Sink}
			}
			to.Sink, cfg.Sink = cfg.Sink, to
			before := cfg.Format
			cfg.Format = func(ev event.Event, now time.Time) event.Entry { made++; return before(ev, now) }
			cfg.Pass = func(ev event.Event, now time.Time) { passed = append(passed, before(ev, now).Line) }
		}
		s.run()
		for range 4 {
			s.org.Generate(40, time.Minute)
			s.to.lose(func(uuid string) bool { return true })
			time.Sleep(5 * time.Minute)
			s.to.lose(nil)
			time.Sleep(10 * time.Minute)
		}
		synctest.Wait()
		require.Equal(t, to.lines, passed)
		require.Greater(t, made, len(passed), "entries were made of others, too")
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
			synctest.Wait()
			require.Equal(t, 1, began-ended)
			s.stop()
			require.Equal(t, began, ended)
		}
	})
}
