// option: backfill

package poller

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/stretchr/testify/require"
	"go.uber.org/atomic"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/delivery"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi"
)

// spinning is how many looks at a clock in a test are those of a loop that waits for nothing.
const spinning = 100_000

// live is a Loki that has newer entries than those of a range.
type live struct{ Confirmer }

func (live) Newest(context.Context, time.Duration) (time.Time, error) { return time.Now(), nil }

// reads has the pollers of s read a range once, as one of several nodes; asked counts how often the others are asked.
func (s *site) reads(since, until time.Time) (suspend func(time.Duration), asked *atomic.Int64) {
	var owned atomic.Bool
	var looks atomic.Int64
	asked = &atomic.Int64{}
	suspend = suspendable(s, &owned)
	suspended := s.configure
	s.configure = func(cfg *Config) {
		suspended(cfg)
		cfg.Range, cfg.Confirm = &Range{Since: since, Until: until}, live{cfg.Confirm}
		org, _, err := oktaapi.ParseOrg(s.pipe.URL)
		require.NoError(s.t, err)
		cfg.Source = oktaapi.New(oktaapi.Config{Org: org, Auth: token{}, HTTP: s.pipe.Client(), Share: 1, PageSize: 1000, Until: until})
		clock := cfg.Clock
		cfg.Clock = func() time.Time {
			if looks.Add(1) > spinning { // the bubble's time would stand still
				time.Sleep(time.Second)
			}
			return clock()
		}
		cfg.Owned = func(ctx context.Context) (bool, error) { asked.Add(1); return true, ctx.Err() }
	}
	s.t.Cleanup(func() { require.Less(s.t, looks.Load(), int64(spinning), "it spins") })
	return suspend, asked
}

func TestASuspensionAtTheEndOfARange(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		since := time.Now()
		s.logged("range", 10)
		time.Sleep(2 * time.Hour)
		suspend, asked := s.reads(since, time.Now())
		s.to.lose(func(uuid string) bool { return uuid == "range9" })
		s.run()
		time.Sleep(time.Minute)
		require.True(t, s.status.Snapshot().Ended)
		require.False(t, s.status.Snapshot().Finished)
		suspend(40 * time.Second)
		time.Sleep(time.Minute)
		require.EqualValues(t, 1, asked.Load(), "another node may read it")
		s.anotherDelivers("range9")
		time.Sleep(time.Minute)
		require.True(t, s.status.Snapshot().Finished)
		s.requireExactlyOnce()
	})
}

// latecomers counts the entries that are late.
type latecomers struct {
	Sink
	late int
}

func (l *latecomers) Send(ctx context.Context, e event.Entry) error {
	if e.Labels[lateLabel] != "" {
		l.late++
	}
	return l.Sink.Send(ctx, e)
}

// A range has streams of its own, which live entries are not ahead of.
func TestARangeIsNotLateAfterASuspension(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		since := time.Now()
		s.logged("range", 100)
		time.Sleep(2 * time.Hour)
		suspend, asked := s.reads(since, time.Now())
		sink := &latecomers{Sink: &interrupted{s.to, 50, func() { suspend(40 * time.Second) }}}
		s.sink = sink
		s.run()
		time.Sleep(2 * time.Minute)
		require.EqualValues(t, 1, asked.Load())
		require.True(t, s.status.Snapshot().Finished)
		s.requireExactlyOnce()
		s.stop()
		require.Zero(t, sink.late)
		s.stop = func() {}
	})
}

// The last event of a range may arrive after it was looked at for the last time whether anything is held up.
func TestARangeThatIsFinishedIsNotHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var status Status
		p := New(Config{Reporting: Reporting{Status: &status, Logger: log.NewNopLogger()}, Memory: &Memory{}, Range: &Range{}})
		p.journal, _, _ = checkpoint.Open(t.TempDir(), checkpoint.Scope{Org: "https://acme.okta.com"}, 0)
		p.fail(Hold, string(delivery.Missing), nil)
		require.True(t, p.finish(t.Context()))
		require.True(t, status.Snapshot().Finished)
		require.Zero(t, status.wrong(Hold))
	})
}
