// option: backfill

//go:build !race

package poller_test

import (
	"context"
	"fmt"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktaapi/auth"
	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/poller"
)

// backfill starts a poller of a range beside the component's, with its log, budget and pages.
func (c *component) backfill(since, until time.Time, share float64) (got *sink, stop func()) {
	org, err := url.Parse(c.pipe.URL)
	require.NoError(c.t, err)
	cfg := c.client
	cfg.Org, cfg.Budget, cfg.HTTP, cfg.Share, cfg.Until = org, c.budget, c.pipe.Client(), share, until
	cfg.PageSize = max(cfg.PageSize, 1000)
	cfg.Auth, err = auth.NewSSWS(token)
	require.NoError(c.t, err)
	status, got := &poller.Status{}, &sink{blockAt: -1}
	cfg.Waiting = status.Waiting
	formatter, err := event.New(c.format)
	require.NoError(c.t, err)
	dir := c.t.TempDir()
	scope := checkpoint.Scope{Org: org.String(), PageSize: cfg.PageSize}
	p := poller.New(poller.Config{
		Source: oktaapi.New(cfg), Sink: got, Format: formatter.Entry, Scope: scope, PollInterval: c.interval,
		Open: func() (*checkpoint.Journal, error) {
			journal, _, err := checkpoint.Open(dir, scope, 0)
			return journal, err
		},
		Range: &poller.Range{Since: since, Until: until}, Memory: &poller.Memory{},
		Reporting: poller.Reporting{Status: status, Logger: log.NewLogfmtLogger(c.logs)},
	})
	ctx, cancel := context.WithCancel(c.t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = p.Run(ctx) }()
	return got, func() { cancel(); <-done }
}

// A busy org with a long back-fill: the live feed lags no more than without it, but for a request every three minutes.
func TestABackfillIsBehindLivePolling(t *testing.T) {
	for _, tc := range []struct{ limit, perSecond int }{{10, 62}, {20, 120}} {
		t.Run(fmt.Sprint(tc), func(t *testing.T) {
			t.Parallel()
			lag := func(share float64) (worst time.Duration, ranged int) {
				synctest.Test(t, func(t *testing.T) {
					org := &oktasim.Org{RateLimit: tc.limit}
					begin := time.Now()
					for i := range 40 * 1000 {
						at := begin.Add(time.Duration(i) * 2 * time.Second)
						org.AppendAt(at, ev(fmt.Sprint("old", i), at))
					}
					pass(24 * time.Hour)
					c := on(t, org)
					c.lookback = time.Second
					r := c.run()
					var old *sink
					if share > 0 {
						var stop func()
						old, stop = c.backfill(begin, begin.Add(20*time.Hour), share)
						defer stop()
					}
					ctx, cancel := context.WithCancel(t.Context())
					fed := make(chan struct{})
					go func() {
						defer close(fed)
						for n := 0; ctx.Err() == nil; n++ {
							org.Append(evs(fmt.Sprint("new", n, "-"), tc.perSecond)...)
							time.Sleep(time.Second)
						}
					}()
					for range 12 * 60 {
						pass(time.Second)
						worst = max(worst, c.status.Snapshot().Lag(time.Now()))
					}
					cancel()
					<-fed
					r.stop()
					require.Zero(t, c.logs.count("rate limit"), "%s", c.logs.lines())
					if old != nil {
						ranged = len(old.lines())
					}
				})
				return worst, ranged
			}
			alone, _ := lag(0)
			for _, share := range []float64{.25, .45} {
				beside, ranged := lag(share)
				t.Logf("lag %s alone, %s beside a range of share %v, which got %d events", alone, beside, share, ranged)
				require.LessOrEqual(t, beside, alone+20*time.Second)
				require.GreaterOrEqual(t, ranged, 4*1000)
			}
		})
	}
}

// A range is read in parts as the log is, also where something on the way takes the next links out.
func TestARangeIsAskedForInParts(t *testing.T) {
	for _, links := range []bool{true, false} {
		t.Run(fmt.Sprintf("links: %t", links), func(t *testing.T) {
			contract(t, func(t *testing.T) {
				org := &oktasim.Org{RateLimit: -1}
				if !links {
					org.Set(func(o *oktasim.Org) { o.Intercept = oktasim.Always(org.NoNext()) })
				}
				begin := time.Now()
				heavy(org, "a", 2000, 1000)
				pass(2 * time.Hour)
				c := on(t, org)
				c.client.MaxBody, c.format.Org = 100_000, "localhost"
				got, stop := c.backfill(begin.Add(-time.Minute), begin.Add(time.Hour), .25)
				pass(10 * time.Minute)
				stop()
				require.Equal(t, names("a", 2000), got.uuids())
			})
		})
	}
}
