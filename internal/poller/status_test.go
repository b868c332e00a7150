package poller_test

import (
	"context"
	"net/http"
	"os"
	"sync"
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

// watched is a poller of a simulated org, seen through its status alone.
type watched struct {
	t      *testing.T
	org    *oktasim.Org
	pipe   *oktasim.Pipe
	dir    string
	mu     sync.Mutex
	open   chan struct{} // closed: the receiver takes entries
	status poller.Status
	memory poller.Memory
	stop   func()
}

func watch(t *testing.T, org *oktasim.Org, test func(w *watched)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &watched{t: t, org: org, pipe: org.Pipe(), dir: t.TempDir(), open: make(chan struct{})}
		defer w.pipe.Close()
		close(w.open)
		w.run("right", 1)
		defer func() { w.stop() }()
		test(w)
	})
}

func (w *watched) Send(ctx context.Context, _ event.Entry) error {
	w.mu.Lock()
	open := w.open
	w.mu.Unlock()
	select {
	case <-open:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run starts the poller; a second run is a reload.
func (w *watched) run(token string, share float64) {
	if w.stop != nil {
		w.stop()
	}
	org, _, err := oktaapi.ParseOrg(w.pipe.URL)
	require.NoError(w.t, err)
	ssws, err := auth.NewSSWS(token)
	require.NoError(w.t, err)
	scope := checkpoint.Scope{Org: org.String(), PageSize: 100}
	journal, _, _ := checkpoint.Open(w.dir, scope, 0)
	formatter, err := event.New(event.Options{Org: org.Host, LineFormat: event.FormatEvent})
	require.NoError(w.t, err)
	client := w.pipe.Client()
	p := poller.New(poller.Config{
		Source: oktaapi.New(oktaapi.Config{Org: org, Auth: ssws, HTTP: client, Share: share, PageSize: 100, Waiting: w.status.Waiting}),
		Sink:   w, Format: formatter.Entry, Open: func() (*checkpoint.Journal, error) { return journal, nil }, Scope: scope,
		PollInterval: 10 * time.Second, InitialLookback: time.Hour,
		Memory: &w.memory, Reporting: poller.Reporting{Status: &w.status, Logger: log.NewNopLogger()},
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = p.Run(ctx) }()
	w.stop = func() {
		cancel()
		<-done
		client.CloseIdleConnections()
	}
}

func (w *watched) lag() time.Duration { return w.status.Snapshot().Lag(time.Now()) }

// requireLag asserts that the lag stays between the bounds for a while.
func (w *watched) requireLag(during, least, most time.Duration) {
	w.t.Helper()
	for end := time.Now().Add(during); time.Now().Before(end); time.Sleep(time.Second) {
		require.GreaterOrEqual(w.t, w.lag(), least)
		require.LessOrEqual(w.t, w.lag(), most)
	}
}

func TestLagOfAnIdleOrgStaysWithinThePollInterval(t *testing.T) {
	watch(t, &oktasim.Org{Token: "right"}, func(w *watched) {
		time.Sleep(time.Second)
		w.requireLag(6*time.Hour, 0, 11*time.Second)
		require.Zero(t, w.status.Snapshot().LastEvent, "and not because of events")
	})
}

func TestLagGrowsWhileAReceiverIsBlocked(t *testing.T) {
	watch(t, &oktasim.Org{Token: "right"}, func(w *watched) {
		time.Sleep(time.Minute)
		w.mu.Lock()
		w.open = make(chan struct{})
		w.mu.Unlock()
		w.org.Generate(1, 0)
		time.Sleep(20 * time.Second)
		blocked := w.status.Snapshot().Wrong[poller.Receiver].Since
		require.False(t, blocked.IsZero())
		for range 10 {
			time.Sleep(time.Hour)
			require.GreaterOrEqual(t, w.lag(), time.Since(blocked))
			require.LessOrEqual(t, w.lag(), time.Since(blocked)+11*time.Second)
		}
		close(w.open)
		time.Sleep(11 * time.Second)
		require.Zero(t, w.status.Snapshot().Wrong[poller.Receiver].Since)
		w.requireLag(time.Minute, 0, 11*time.Second)
	})
}

func TestLagGrowsWhileOktaRefuses(t *testing.T) {
	watch(t, &oktasim.Org{Token: "right"}, func(w *watched) {
		time.Sleep(time.Minute)
		w.org.Set(func(o *oktasim.Org) { o.Token = "another" })
		refused := time.Now()
		time.Sleep(3 * time.Hour)
		require.InDelta(t, time.Since(refused).Seconds(), w.lag().Seconds(), 11)
		snap := w.status.Snapshot()
		require.True(t, snap.Wrong[poller.Okta].Refused)
		require.WithinDuration(t, refused, snap.Wrong[poller.Okta].Since, 11*time.Second)

		w.org.Set(func(o *oktasim.Org) { o.Token = "right" })
		time.Sleep(61 * time.Second)
		snap = w.status.Snapshot()
		require.NoError(t, snap.Wrong[poller.Okta].Err)
		require.WithinDuration(t, time.Now(), snap.Recovered, 61*time.Second)
		require.ErrorContains(t, snap.LastErr, "E0000011", "what it was is still told")
		w.requireLag(time.Minute, 0, 11*time.Second)
	})
}

func TestLagOfARefusedPollerCountsFromTheLookback(t *testing.T) {
	watch(t, &oktasim.Org{Token: "another"}, func(w *watched) {
		time.Sleep(2 * time.Hour)
		require.InDelta(t, (3 * time.Hour).Seconds(), w.lag().Seconds(), 2)
	})
}

func TestLagFallsWhileABacklogIsReadUnderABudget(t *testing.T) {
	org := &oktasim.Org{Token: "right", RateLimit: 10}
	watch(t, org, func(w *watched) {
		w.stop()
		w.org.Generate(6_000, 50*time.Minute) // 60 pages, 5 a minute
		w.run("right", 0.5)
		time.Sleep(90 * time.Second)
		first := w.lag()
		require.Greater(t, first, 30*time.Minute)
		require.True(t, w.status.Snapshot().CatchingUp)
		time.Sleep(5 * time.Minute)
		require.Less(t, w.lag(), first-10*time.Minute)
		snap := w.status.Snapshot()
		require.Greater(t, snap.WaitedFor(time.Now()), 4*time.Minute, "most of the time it waits, and says so")
		require.False(t, snap.Wait.Until.IsZero())
		time.Sleep(10 * time.Minute)
		require.Less(t, w.lag(), 2*time.Minute)
	})
}

func TestTheTimeWaitingForTheBudgetGrows(t *testing.T) {
	var status poller.Status
	synctest.Test(t, func(t *testing.T) {
		status.Waiting(time.Now().Add(time.Minute), "spent")
		time.Sleep(20 * time.Second)
		require.Equal(t, 20*time.Second, status.Snapshot().WaitedFor(time.Now()))
		status.Waiting(time.Now().Add(time.Hour), "429") // the same wait, now longer
		time.Sleep(40 * time.Second)
		status.Waiting(time.Time{}, "")
		time.Sleep(time.Hour)
		require.Equal(t, time.Minute, status.Snapshot().WaitedFor(time.Now()))
		status.Waiting(time.Now().Add(time.Minute), "spent")
		time.Sleep(time.Second)
		status.Waiting(time.Time{}, "")
		require.Equal(t, 61*time.Second, status.Snapshot().WaitedFor(time.Now()))
	})
}

func TestBeingAskedToSlowDownIsNoFailure(t *testing.T) {
	watch(t, &oktasim.Org{Token: "right"}, func(w *watched) {
		time.Sleep(time.Minute)
		w.org.Inject(w.org.LimitedFor(time.Minute), 1)
		time.Sleep(15 * time.Second)
		snap := w.status.Snapshot()
		require.NoError(t, snap.Wrong[poller.Okta].Err)
		require.Zero(t, snap.Wrong[poller.Okta].Since)
		require.ErrorContains(t, snap.LastErr, "429")
		require.Contains(t, snap.Wait.Reason, "429")
	})
}

func TestARefusalStandsUntilAPageComes(t *testing.T) {
	watch(t, &oktasim.Org{Token: "right"}, func(w *watched) {
		time.Sleep(time.Minute)
		w.org.Inject(w.org.BadGateway(), 3)
		time.Sleep(11 * time.Second)
		outage := w.status.Snapshot()
		require.Equal(t, oktaapi.Transient, oktaapi.ClassOf(outage.Wrong[poller.Okta].Err))

		w.org.Set(func(o *oktasim.Org) { o.Refuse = http.StatusForbidden })
		time.Sleep(2 * time.Minute)
		refused := w.status.Snapshot()
		require.True(t, refused.Wrong[poller.Okta].Refused)
		require.True(t, refused.Wrong[poller.Okta].Since.After(outage.Wrong[poller.Okta].Since),
			"the refusal began later than the outage before it")

		w.org.Inject(w.org.BadGateway(), 2)
		time.Sleep(2 * time.Minute)
		now := w.status.Snapshot()
		require.Equal(t, refused.Wrong[poller.Okta].Since, now.Wrong[poller.Okta].Since)
		require.True(t, now.Wrong[poller.Okta].Refused)
	})
}

func TestTheCheckpointIsRewrittenWithoutAnEvent(t *testing.T) {
	watch(t, &oktasim.Org{Token: "right"}, func(w *watched) {
		time.Sleep(time.Minute)
		require.NoError(t, os.RemoveAll(w.dir))
		require.NoError(t, os.WriteFile(w.dir, nil, 0o600)) // a file where the folder must be
		w.org.Generate(1, 0)
		time.Sleep(11 * time.Second)
		snap := w.status.Snapshot()
		require.Error(t, snap.Wrong[poller.Checkpoint].Err)
		failing := snap.Wrong[poller.Checkpoint].Since
		time.Sleep(time.Minute)
		require.Equal(t, failing, w.status.Snapshot().Wrong[poller.Checkpoint].Since)

		require.NoError(t, os.Remove(w.dir))
		time.Sleep(11 * time.Second)
		snap = w.status.Snapshot()
		require.NoError(t, snap.Wrong[poller.Checkpoint].Err)
		require.True(t, snap.Recovered.After(failing))
		require.False(t, snap.CheckpointSaved.Before(snap.Recovered))
	})
}
