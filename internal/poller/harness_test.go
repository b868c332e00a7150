package poller_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktaapi/auth"
	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/poller"
	"github.com/grafana/alloy/okta/internal/testbed"
)

// token is the API token of all tests; none of its letters may ever be logged.
const token = "00hunter2secret"

// interval and lookback are the component's defaults.
const (
	interval = 10 * time.Second
	lookback = time.Hour
)

// TestMain keeps the suite off the network: everything goes through oktasim's pipes.
func TestMain(m *testing.M) {
	http.DefaultTransport.(*http.Transport).DialContext = func(_ context.Context, _, addr string) (net.Conn, error) {
		return nil, fmt.Errorf("a test dials %s instead of its own pipe", addr)
	}
	// Checkpoints are synced to disk after each page, and a suite that reads thousands
	// of pages would mostly wait for that. Memory will do.
	if dir, err := os.MkdirTemp("/dev/shm", ""); err == nil && os.Getenv("TMPDIR") == "" {
		_ = os.Remove(dir)
		_ = os.Setenv("TMPDIR", "/dev/shm")
	}
	os.Exit(m.Run())
}

// sink collects entries. It blocks while told to, as a full receiver does.
type sink struct {
	mu      sync.Mutex
	entries []event.Entry
	at      []time.Time   // when each was taken
	blockAt int           // block before the entry with this index; -1: never
	release chan struct{} // closed to go on
	broken  error         // what Send returns instead of taking an entry
}

func (s *sink) Send(ctx context.Context, e event.Entry) error {
	s.mu.Lock()
	blocked, release, broken := s.blockAt == len(s.entries), s.release, s.broken
	s.mu.Unlock()
	if broken != nil {
		return broken
	}
	if blocked {
		select {
		case <-release:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries, s.at = append(s.entries, e), append(s.at, time.Now())
	return nil
}

// block makes Send block before the n-th entry from now on, from 0, until unblock.
func (s *sink) block(n int) (unblock func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blockAt, s.release = len(s.entries)+n, make(chan struct{})
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.blockAt = -1
		close(s.release)
	})
}

func (s *sink) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := make([]string, len(s.entries))
	for i, e := range s.entries {
		lines[i] = e.Line
	}
	return lines
}

func (s *sink) times() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at
}

func (s *sink) uuids() []string {
	uuids := s.lines()
	for i, line := range uuids {
		uuids[i] = gjson.Get(line, "uuid").Str
	}
	return uuids
}

// logbook collects log lines.
type logbook struct{ testbed.Log }

// count is the number of lines that hold all pieces. Debug lines do not count.
func (l *logbook) count(pieces ...string) int {
	n := 0
	for _, line := range l.lines() {
		all := true
		for _, piece := range pieces {
			all = all && strings.Contains(line, piece)
		}
		if all {
			n++
		}
	}
	return n
}

func (l *logbook) lines() []string {
	var lines []string
	for line := range strings.Lines(l.String()) {
		if !strings.Contains(line, "level=debug") {
			lines = append(lines, line)
		}
	}
	return lines
}

// component is what Alloy keeps of one loki.source.okta: a data path, and in one
// process the memory and the status that outlive reloads. Its parts are the real
// ones; only the sink is ours.
type component struct {
	t      *testing.T
	org    *oktasim.Org
	pipe   *oktasim.Pipe
	dir    string
	budget *oktaapi.Budget
	sink   *sink
	logs   *logbook
	reg    *prometheus.Registry

	memory  *poller.Memory
	status  *poller.Status
	metrics *poller.Metrics
	wakes   *poller.Wakes // option: event_hook. nil: no event hooks

	// What a configuration may change.
	token    string
	client   oktaapi.Config // its zero fields are filled in by run
	interval time.Duration  // between polls
	lookback time.Duration
	spread   time.Duration // of first polls
	replay   time.Duration // 0: off, unlike the component's default
	format   event.Options
}

// contract runs a test of the contract in a bubble, where waiting costs nothing, beside others.
func contract(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, test)
}

// on returns a component for the org, which is served until the test ends.
func on(t *testing.T, org *oktasim.Org) *component {
	pipe := org.Pipe()
	t.Cleanup(pipe.Close)
	c := &component{
		t: t, org: org, pipe: pipe, dir: t.TempDir(), budget: oktaapi.NewBudget(), logs: &logbook{}, sink: &sink{blockAt: -1},
		token: token, interval: interval, lookback: lookback,
		format: event.Options{LineFormat: event.FormatEvent},
	}
	c.reboot()
	t.Cleanup(func() {
		for _, line := range c.logs.lines() {
			require.NotContains(t, line, "hunter2", "a secret in the log")
			require.NotContains(t, line, "err=<nil>")
			require.NotContains(t, line, "lost=0s")
		}
		require.NotContains(t, c.file(), "hunter2", "a secret in the checkpoint")
	})
	return c
}

// reboot forgets what a process forgets when it ends.
func (c *component) reboot() {
	c.reg = prometheus.NewRegistry()
	counters := poller.NewMetricsByOrg()
	c.reg.MustRegister(counters)
	c.memory, c.status, c.metrics = &poller.Memory{}, &poller.Status{}, counters.Of("acme.okta.com")
}

// running is one poller at work.
type running struct {
	c      *component
	cancel context.CancelFunc
	done   chan error
}

// run starts a poller with the present configuration.
func (c *component) run() *running {
	c.t.Helper()
	cfg := c.client
	org, err := url.Parse(c.pipe.URL)
	require.NoError(c.t, err)
	cfg.Org, cfg.Budget, cfg.UserAgent = org, c.budget, "alloy-okta/test loki.source.okta"
	cfg.Auth, err = auth.NewSSWS(c.token)
	require.NoError(c.t, err)
	if cfg.HTTP == nil {
		cfg.HTTP = c.pipe.Client()
	}
	if cfg.PageSize == 0 {
		cfg.PageSize = oktaapi.MaxPageSize
	}
	cfg.Waiting, cfg.Observe = c.status.Waiting, c.metrics.Observe
	c.format.Org = org.Host
	formatter, err := event.New(c.format)
	require.NoError(c.t, err)

	scope := checkpoint.Scope{Org: org.String(), Filter: cfg.Filter, Query: cfg.Query, PageSize: cfg.PageSize}
	journal, notes, _ := checkpoint.Open(c.dir, scope, c.replay)
	logger := log.NewLogfmtLogger(log.NewSyncWriter(c.logs))
	for _, note := range notes {
		_ = logger.Log("level", "warn", "note", note)
	}
	p := poller.New(poller.Config{
		Source: oktaapi.New(cfg), Sink: c.sink, Format: formatter.Entry, Open: func() (*checkpoint.Journal, error) { return journal, nil },
		Scope:        scope,
		PollInterval: c.interval, InitialLookback: c.lookback, Spread: c.spread,
		Reporting: poller.Reporting{
			Status: c.status, Logger: logger, Remedy: func(err error) string { return auth.Remedy(cfg.Auth.Method(), err) },
		},
		Receiver: func() string { return "loki.write.test" },
		Wakes:    c.wakes, // option: event_hook
		Memory:   c.memory, Metrics: c.metrics,
	})
	ctx, cancel := context.WithCancel(c.t.Context())
	r := &running{c: c, cancel: cancel, done: make(chan error, 1)}
	go func() { r.done <- p.Run(ctx) }()
	c.t.Cleanup(cancel)
	return r
}

// stop ends the poller, which must not take any time, and waits for it.
func (r *running) stop() {
	r.c.t.Helper()
	begin := time.Now()
	r.cancel()
	require.ErrorIs(r.c.t, <-r.done, context.Canceled)
	require.Zero(r.c.t, time.Since(begin), "a stop takes no time")
}

// runFor lets a new poller run for d and stops it.
func (c *component) runFor(d time.Duration) {
	c.t.Helper()
	r := c.run()
	pass(d)
	r.stop()
}

// pass lets time pass, and everything that happens at its end happen.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// file is the checkpoint, "" when there is none.
func (c *component) file() string {
	data, _ := os.ReadFile(filepath.Join(c.dir, checkpoint.FileName(c.pipe.URL)))
	return string(data)
}

// savedCursor is the cursor of the newest mark.
func (c *component) savedCursor() string {
	marks := gjson.Get(c.file(), "marks.#.cursor").Array()
	if len(marks) == 0 {
		return ""
	}
	return marks[len(marks)-1].Str
}

// counter is the value of a counter of the component, 0 when there is none.
func (c *component) counter(name string) int {
	families, err := c.reg.Gather()
	require.NoError(c.t, err)
	for _, f := range families {
		if f.GetName() == "loki_source_okta_"+name {
			sum := 0.0
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue()
			}
			return int(sum)
		}
	}
	c.t.Fatalf("no counter %s", name)
	return 0
}

// requireEachOnce checks that what the org logged was delivered: all of it, in its
// order, byte for byte, and nothing twice.
func (c *component) requireEachOnce() {
	c.t.Helper()
	want, got := c.org.Events(), c.sink.lines()
	require.Len(c.t, got, len(want))
	for i := range want {
		require.Equal(c.t, string(want[i]), got[i], "event %d", i)
	}
}

// gaps are the times between the org's requests.
func gaps(org *oktasim.Org) []time.Duration {
	var d []time.Duration
	requests := org.Requests()
	for i := 1; i < len(requests); i++ {
		d = append(d, requests[i].Time.Sub(requests[i-1].Time))
	}
	return d
}

// ev is an event like Okta's, in as few bytes as possible.
func ev(uuid string, published time.Time) []byte {
	return fmt.Appendf(nil, `{"uuid":%q,"published":%q,"eventType":"user.session.start","severity":"INFO"}`, uuid,
		published.UTC().Format("2006-01-02T15:04:05.000Z"))
}

// evs are n events of this moment, named PREFIX0, PREFIX1, ...
func evs(prefix string, n int) [][]byte {
	events := make([][]byte, n)
	for i := range events {
		events[i] = ev(fmt.Sprint(prefix, i), time.Now())
	}
	return events
}

// names are the uuids of evs.
func names(prefix string, n int) []string {
	uuids := make([]string, n)
	for i := range uuids {
		uuids[i] = fmt.Sprint(prefix, i)
	}
	return uuids
}
