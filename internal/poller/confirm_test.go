// option: reconcile

package poller

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/grafana/loki/pkg/push"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

// format puts the uuid into the line, which is all these tests need of an entry.
func format(ev event.Event, now time.Time) event.Entry {
	return event.Entry{Labels: model.LabelSet{"job": "test"}, LabelsKey: 1, Entry: push.Entry{Timestamp: ev.Published, Line: ev.UUID}}
}

// site is an org, a folder and a pipeline, with processes that come and go.
type site struct {
	t      *testing.T
	org    *oktasim.Org
	pipe   *oktasim.Pipe
	dir    string
	to     *pipeline
	filter string
	id     string
	sink   Sink           // nil: to
	slots  *oktaapi.Slots // nil: no bound
	finds  string         // the selector
	before func(selector string) Confirmer

	configure func(*Config) // changes what run is about to start; nil: nothing

	memories *Memories
	memory   *Memory // of the last run
	poller   *Poller // the last one
	ended    error   // what its Run returned
	status   *Status
	metrics  *Metrics
	stop     func()
}

func newSite(t *testing.T) *site {
	org := &oktasim.Org{RateLimit: -1}
	s := &site{t: t, org: org, pipe: org.Pipe(), dir: t.TempDir(), to: newPipeline(t), id: "one", finds: `{job="test"}`}
	s.process()
	return s
}

// process begins a new process on the same folder.
func (s *site) process() {
	s.memories, s.status, s.metrics = &Memories{}, &Status{}, NewMetricsByOrg().Of("")
}

// run starts a poller; stopping it is a reload if run is called again, and the end of
// the process if process is called first.
func (s *site) run() {
	org, _, err := oktaapi.ParseOrg(s.pipe.URL)
	require.NoError(s.t, err)
	scope := checkpoint.Scope{Org: org.String(), PageSize: 1000, Filter: s.filter}
	journal, notes, _ := checkpoint.Open(s.dir, scope, 0)
	if s.filter == "" {
		require.Empty(s.t, notes)
	}
	client := s.pipe.Client()
	ctx, cancel := context.WithCancel(context.Background())
	memory, err := s.memories.Take(s.t.Context(), Owner{Dir: s.dir, Org: org.String(), To: s.filter + s.id})
	require.NoError(s.t, err)
	s.memory = memory
	sink := s.sink
	if sink == nil {
		sink = s.to
	}
	cfg := Config{
		Source: oktaapi.New(oktaapi.Config{Org: org, Auth: token{}, HTTP: client, Share: 1, PageSize: 1000, Filter: s.filter, Slots: s.slots}),
		Sink:   sink, Format: format, Open: func() (*checkpoint.Journal, error) { return journal, nil }, Scope: scope,
		PollInterval: 10 * time.Second, InitialLookback: 24 * time.Hour, OutOfOrder: 50 * time.Minute,
		Confirming: Confirming{Confirm: s.view(s.finds), ConfirmID: s.id, Previous: s.before},
		Memory:     memory, Metrics: s.metrics, Reporting: Reporting{Status: s.status, Logger: log.NewNopLogger()},
	}
	if s.configure != nil {
		s.configure(&cfg)
	}
	p := New(cfg)
	done := make(chan struct{})
	go func() { defer close(done); s.ended = p.Run(ctx) }()
	s.poller = p
	s.stop = func() {
		cancel()
		<-done
		client.CloseIdleConnections()
		s.memories.Release(memory)
	}
}

// saved is the journal as the next process would find it. Opening one belongs to a
// start, which cleans up after killed writes: the running poller must be at rest.
func (s *site) saved() *checkpoint.Journal {
	synctest.Wait()
	org, _, _ := oktaapi.ParseOrg(s.pipe.URL)
	j, _, _ := checkpoint.Open(s.dir, checkpoint.Scope{Org: org.String(), PageSize: 1000, Filter: s.filter}, 0)
	return j
}

// requireExactlyOnce waits for the log to be delivered and checks that it was, once.
func (s *site) requireExactlyOnce() {
	s.t.Helper()
	_, arrived := s.to.counts()
	require.Equal(s.t, map[int]int{1: len(s.org.Events())}, arrived)
}

type token struct{}

func (token) Authorize(_ context.Context, r *http.Request) error {
	r.Header.Set("Authorization", "SSWS any")
	return nil
}
func (token) Challenge(*http.Response) bool { return false }
func (token) Method() string                { return "test" }

// in runs a test in a bubble, beside others, and ends everything at its end.
func in(t *testing.T, f func(t *testing.T, s *site)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		defer s.pipe.Close()
		s.stop = func() {}
		defer func() { s.stop() }()
		f(t, s)
	})
}

func TestReconcileMovesTheCursorBehindWhatLokiHas(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Generate(2500, time.Hour)
		s.to.down(true)
		s.run()
		time.Sleep(5 * time.Minute)
		before, _ := s.saved().Last()
		require.Contains(t, before.Cursor, "since=", "nothing is confirmed, so the journal has the start")

		s.to.down(false)
		time.Sleep(5 * time.Minute)
		s.requireExactlyOnce()
		after, _ := s.saved().Last()
		require.Contains(t, after.Cursor, "after=")
		require.Zero(t, s.status.Snapshot().Unconfirmed.Waiting)
		require.NoError(t, s.status.Snapshot().Unconfirmable().Err)
		require.InDelta(t, 2500, testutil.ToFloat64(s.metrics.confirmed), 0)
	})
}

func TestReconcileRedeliversOnceALaterEventArrived(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		lost := 0
		s.to.lose(func(string) bool { lost++; return lost%7 == 0 && lost < 700 })
		s.org.Generate(1500, time.Minute)
		s.run()
		time.Sleep(time.Minute)
		s.org.Generate(10, time.Second)
		time.Sleep(2 * time.Minute)
		s.requireExactlyOnce()
		require.Positive(t, testutil.ToFloat64(s.metrics.retried))
		last, _ := s.saved().Last()
		require.Contains(t, last.Cursor, "after=")
	})
}

func TestReconcileNoAgeProvesALoss(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.begin()
		s.requireExactlyOnce()
		first := true
		s.to.lose(func(string) bool { was := first; first = false; return was })
		s.org.Generate(1, time.Millisecond) // the last of all, and lost
		time.Sleep(2 * time.Hour)
		_, arrived := s.to.counts()
		require.Equal(t, 10, arrived[1], "a copy may still be under way")
		require.ErrorIs(t, s.status.Snapshot().Unconfirmable().Err, ErrNothingArrives)
		for range 2 { // two probes, and the retry
			s.org.Generate(1, time.Millisecond)
			time.Sleep(5 * time.Minute)
		}
		s.requireExactlyOnce()
		require.NoError(t, s.status.Snapshot().Unconfirmable().Err)
	})
}

func TestReconcileFirstStartBesideAnotherCollector(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Generate(4000, time.Hour)
		others := s.uuids(func(i int, _ event.Event) bool { return i%3 != 0 })
		s.anotherDelivers(slices.Collect(maps.Keys(others))...)
		s.run()
		time.Sleep(5 * time.Minute)
		s.requireExactlyOnce()
		require.InDelta(t, 4000-1334, testutil.ToFloat64(s.metrics.skipped), 0)
	})
}

func TestReconcileReloadsKeepTrackOfWhatIsUnderWay(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Generate(2000, time.Hour)
		s.run()
		lost := 0
		s.to.lose(func(string) bool { lost++; return lost%50 == 0 && lost < 3000 })
		for i := range 30 {
			s.org.Generate(100, time.Second)
			time.Sleep(time.Duration(i*731) * time.Millisecond)
			s.stop()
			if i%10 == 9 {
				s.id = fmt.Sprint("changed", i) // labels or selector
			}
			s.run()
		}
		s.org.Generate(10, time.Second)
		time.Sleep(time.Hour)
		s.requireExactlyOnce()
	})
}

func TestReconcileReloadWithAnotherFilterLosesNothing(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Generate(500, time.Hour)
		s.run()
		time.Sleep(time.Minute)
		s.to.lose(everything)
		s.org.Generate(100, time.Second)
		time.Sleep(15 * time.Second) // delivered, and lost
		s.stop()
		s.filter = `severity ne "NOTHING"`
		s.run()
		time.Sleep(time.Second)
		s.stop() // and the process dies before anything is confirmed
		s.to.die()
		s.process()
		s.to.lose(nil)
		s.run()
		time.Sleep(time.Hour)
		s.requireExactlyOnce()
	})
}
