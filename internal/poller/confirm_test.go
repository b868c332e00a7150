package poller

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
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
	"github.com/grafana/alloy/okta/internal/reconcile"
)

// destination is a pipeline that ends in a Loki: what is sent to it is in memory
// first, arrives a second later, and can get lost on the way.
type destination struct {
	mu        sync.Mutex
	sent      map[string]int // deliveries of each uuid
	arrived   map[string]int
	flying    []flight
	lose      func(uuid string) bool // asked at delivery
	blind     bool                   // finds nothing, as with a wrong selector
	hideOlder time.Duration          // does not show what is older than this, as Loki's ingesters; 0: shows all
	down      bool                   // cannot be asked
	shared    bool                   // others send to it, too
	queries   []time.Time
}

type flight struct {
	uuid  string
	lands time.Time
	at    time.Time // the event's own time
}

func newDestination() *destination {
	return &destination{sent: map[string]int{}, arrived: map[string]int{}}
}

// format puts the uuid into the line, which is all these tests need of an entry.
func format(ev event.Event, now time.Time) event.Entry {
	return event.Entry{Labels: model.LabelSet{"job": "test"}, LabelsKey: 1, Entry: push.Entry{Timestamp: ev.Published, Line: ev.UUID}}
}

func (d *destination) Send(ctx context.Context, e event.Entry) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sent[e.Line]++
	if d.lose == nil || !d.lose(e.Line) {
		d.flying = append(d.flying, flight{e.Line, time.Now().Add(time.Second), e.Timestamp})
	}
	return ctx.Err()
}

// land moves what has arrived by now. The caller holds mu.
func (d *destination) land() {
	var still []flight
	for _, f := range d.flying {
		if f.lands.After(time.Now()) {
			still = append(still, f)
		} else {
			d.arrived[f.uuid]++
		}
	}
	d.flying = still
}

// die is a kill -9 of the process: what was only in its memory is gone.
func (d *destination) die() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.land()
	d.flying = nil
}

func (d *destination) Selector() string       { return `{job="test"}` }
func (d *destination) Visible() time.Duration { return 150 * time.Minute }
func (d *destination) Newest(context.Context, time.Duration) (time.Time, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down {
		return time.Time{}, errors.New("connection refused")
	}
	return time.Time{}, nil // its limits are not those of a stream
}
func (d *destination) Accepted() time.Duration { return 7 * 24 * time.Hour }

func (d *destination) Empty(context.Context, time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.land()
	return !d.down && !d.shared && len(d.arrived) == 0
}

func (d *destination) Find(_ context.Context, events []reconcile.Event) (map[string]bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.queries = append(d.queries, time.Now())
	if d.down {
		return nil, errors.New("connection refused")
	}
	d.land()
	found := map[string]bool{}
	for _, e := range events {
		hidden := d.hideOlder > 0 && time.Since(e.Time) > d.hideOlder
		if d.arrived[e.UUID] > 0 && !d.blind && !hidden {
			found[e.UUID] = true
		}
	}
	return found, nil
}

func (d *destination) asked() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.queries)
}

func (d *destination) set(change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
}

// counts returns how many uuids were sent, and how many arrived, as often as key.
func (d *destination) counts() (sent, arrived map[int]int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.land()
	sent, arrived = map[int]int{}, map[int]int{}
	for _, n := range d.sent {
		sent[n]++
	}
	for _, n := range d.arrived {
		arrived[n]++
	}
	return sent, arrived
}

// site is an org, a folder and a destination, with processes that come and go.
type site struct {
	t      *testing.T
	org    *oktasim.Org
	pipe   *oktasim.Pipe
	dir    string
	to     *destination
	filter string
	id     string
	sees   func(uuid string) bool // what the present configuration finds of what arrived; nil: all
	sink   Sink                   // nil: to
	slots  *oktaapi.Slots         // nil: no bound
	takes  time.Duration          // an answer of the present configuration
	finds  string                 // the present configuration's selector; "": the destination's
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
	s := &site{t: t, org: org, pipe: org.Pipe(), dir: t.TempDir(), to: newDestination(), id: "one"}
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
		Confirm: &view{s.to, s.sees, s.finds, s.takes}, ConfirmID: s.id, Previous: s.before,
		Memory: memory, Status: s.status, Metrics: s.metrics, Logger: log.NewNopLogger(),
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

// in runs a test in a bubble and ends everything at its end.
func in(t *testing.T, f func(t *testing.T, s *site)) {
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
		s.to.down = true
		s.run()
		time.Sleep(5 * time.Minute)
		before, _ := s.saved().Last()
		require.Contains(t, before.Cursor, "since=", "nothing is confirmed, so the journal has the start")

		s.to.set(func() { s.to.down = false })
		time.Sleep(5 * time.Minute)
		s.requireExactlyOnce()
		after, _ := s.saved().Last()
		require.Contains(t, after.Cursor, "after=")
		require.Zero(t, s.status.Snapshot().Unconfirmed)
		require.NoError(t, s.status.Snapshot().Unconfirmable().Err)
		require.InDelta(t, 2500, testutil.ToFloat64(s.metrics.confirmed), 0)
	})
}

func TestReconcileRedeliversOnceALaterEventArrived(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		lost := 0
		s.to.lose = func(string) bool { lost++; return lost%7 == 0 && lost < 700 }
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
		s.org.Generate(10, time.Second)
		s.run()
		time.Sleep(time.Minute) // the configuration is known to work
		s.requireExactlyOnce()
		first := true
		s.to.set(func() { s.to.lose = func(string) bool { was := first; first = false; return was } })
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

func TestReconcileStartSkipsWhatLokiHas(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Generate(3000, time.Hour)
		s.run()
		time.Sleep(time.Minute)
		s.requireExactlyOnce()
		for range 20 {
			time.Sleep(time.Second)
			s.org.Generate(300, time.Second)
			time.Sleep(9*time.Second + 300*time.Millisecond) // after the poll, before the entries arrive
			s.stop()
			s.to.die()
			s.process()
			s.run()
		}
		time.Sleep(5 * time.Minute)
		s.requireExactlyOnce()
		sent, _ := s.to.counts()
		require.Positive(t, sent[2], "something did die with a process, or this test proves nothing")
	})
}

func TestReconcileFirstStartBesideAnotherCollector(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Generate(4000, time.Hour)
		for i, raw := range s.org.Events() {
			events, err := event.Scan([]byte("[" + string(raw) + "]"))
			require.NoError(t, err)
			if i%3 != 0 {
				s.to.arrived[events[0].UUID] = 1
			}
		}
		s.run()
		time.Sleep(5 * time.Minute)
		s.requireExactlyOnce()
		require.InDelta(t, 4000-1334, testutil.ToFloat64(s.metrics.skipped), 0)
	})
}

func TestReconcileDoesNotTakeWhatLokiHidesForLost(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.to.hideOlder = 3 * time.Hour // query_ingesters_within
		s.org.Generate(3000, 20*time.Hour)
		s.run()
		time.Sleep(2 * time.Hour)
		for range 3 { // a kill in the middle of the back-fill
			s.stop()
			s.to.die()
			s.process()
			s.run()
			time.Sleep(20 * time.Minute)
		}
		sent, _ := s.to.counts()
		require.Equal(t, map[int]int{1: 3000}, sent)
		s.to.set(func() { s.to.hideOlder = 0 }) // the chunks are flushed
		time.Sleep(time.Hour)
		s.requireExactlyOnce()
		require.Zero(t, s.status.Snapshot().Unconfirmed)
	})
}

func TestReconcileReloadsKeepTrackOfWhatIsUnderWay(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Generate(2000, time.Hour)
		s.run()
		lost := 0
		s.to.set(func() { s.to.lose = func(string) bool { lost++; return lost%50 == 0 && lost < 3000 } })
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
		s.to.set(func() { s.to.lose = func(string) bool { return true } })
		s.org.Generate(100, time.Second)
		time.Sleep(15 * time.Second) // delivered, and lost
		s.stop()
		s.filter = `severity ne "NOTHING"`
		s.run()
		time.Sleep(time.Second)
		s.stop() // and the process dies before anything is confirmed
		s.to.die()
		s.process()
		s.to.set(func() { s.to.lose = nil })
		s.run()
		time.Sleep(time.Hour)
		s.requireExactlyOnce()
	})
}
