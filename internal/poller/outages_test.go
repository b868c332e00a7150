// option: reconcile

//go:build !race

package poller_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/grafana/loki/pkg/push"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktaapi/auth"
	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/pipesim"
	"github.com/grafana/alloy/okta/internal/poller"
)

// trial is a component with everything around it: an org whose log is written beforehand and visible in its time, a loki.write
// with its queue, and a Loki with its limits.
type trial struct {
	t        *testing.T
	rnd      *rand.Rand
	org      *oktasim.Org
	pipe     *oktasim.Pipe
	loki     *pipesim.Loki
	cfg      pipesim.Config
	write    *pipesim.Write
	dir      string
	uuids    []string // of the org's log
	times    []time.Time
	begin    time.Time
	lookback time.Duration // 0: the component's default
	overlap  time.Duration // 0: off

	label    func(event.Event) string // the label "kind"; nil: none
	id       string                   // of the configuration
	memories *poller.Memories
	status   *poller.Status
	metrics  *poller.Metrics
	stop     func()
}

const trialSelector = `{job="test"}`

// padding makes an entry as large as Okta's events are, for loki.write and for nobody else.
var padding = push.LabelsAdapter{{Name: "padding", Value: strings.Repeat("x", 2400)}}

// try runs a test in a bubble, beside others, with a live component, loki.write configured as cfg says and Loki at its defaults.
func try(t *testing.T, seed uint64, cfg pipesim.Config, test func(s *trial)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &trial{t: t, rnd: rand.New(rand.NewPCG(seed, 0)), org: &oktasim.Org{RateLimit: -1}, cfg: cfg,
			loki: pipesim.NewLoki(pipesim.DefaultLimits()), dir: t.TempDir(), id: "one", begin: time.Now()}
		s.pipe = s.org.Pipe()
		defer s.pipe.Close()
		s.process()
		test(s)
		s.stop()
		s.write.Kill()
	})
}

// feed writes the org's log from its present end: so many events a minute for d, one in fifty of them late by up to ten minutes.
func (s *trial) feed(perMinute int, d time.Duration) {
	at := s.begin
	if n := len(s.times); n > 0 {
		at = s.times[n-1]
	}
	for end := at.Add(d); ; {
		at = at.Add(time.Duration(s.rnd.ExpFloat64() * float64(time.Minute) / float64(perMinute)))
		if at.After(end) {
			return
		}
		published := at
		if s.rnd.IntN(50) == 0 {
			published = at.Add(-time.Duration(s.rnd.Int64N(int64(10 * time.Minute))))
		}
		s.log(at, published)
	}
}

// log adds one event that Okta shows at a time, which must not be before that of the last one.
func (s *trial) log(at, published time.Time) {
	uuid := fmt.Sprintf("u%06d", len(s.uuids))
	s.uuids, s.times = append(s.uuids, uuid), append(s.times, at)
	s.org.AppendAt(at, ev(uuid, published))
}

// format is event.Formatter's work in as few words as possible.
func (s *trial) format(e event.Event, _ time.Time) event.Entry {
	labels := model.LabelSet{"job": "test", "config": model.LabelValue(s.id)}
	if s.label != nil {
		labels["kind"] = model.LabelValue(s.label(e))
	}
	return event.Entry{Labels: labels,
		Entry: push.Entry{Timestamp: e.Published, Line: strings.Clone(e.UUID), StructuredMetadata: padding}}
}

// process begins a new process on the same folder, with a loki.write of its own.
func (s *trial) process() {
	s.memories, s.status, s.metrics = &poller.Memories{}, &poller.Status{}, poller.NewMetricsByOrg().Of("")
	s.write = pipesim.NewWrite(s.loki, s.cfg)
}

// run starts the live poller.
func (s *trial) run() {
	cfg, client := s.config(oktaapi.Config{Share: 1})
	s.stop = s.start(cfg, client, poller.Owner{Dir: s.dir, Org: cfg.Scope.Org, To: s.id})
}

// config is a poller's, with a Source as cfg says.
func (s *trial) config(cfg oktaapi.Config) (poller.Config, *http.Client) {
	org, _, err := oktaapi.ParseOrg(s.pipe.URL)
	require.NoError(s.t, err)
	ssws, err := auth.NewSSWS(token)
	require.NoError(s.t, err)
	view, err := s.loki.View(trialSelector)
	require.NoError(s.t, err)
	scope := checkpoint.Scope{Org: org.String(), PageSize: oktaapi.MaxPageSize}
	open := func() (*checkpoint.Journal, error) {
		journal, notes, err := checkpoint.Open(s.dir, scope, 0)
		require.Empty(s.t, notes)
		return journal, err
	}
	client := s.pipe.Client()
	cfg.Org, cfg.Auth, cfg.HTTP, cfg.PageSize = org, ssws, client, oktaapi.MaxPageSize
	return poller.Config{
		Source: oktaapi.New(cfg),
		Sink:   s.write, Format: s.format, Open: open, Scope: scope,
		PollInterval: interval, InitialLookback: max(s.lookback, lookback), OutOfOrder: 50 * time.Minute,
		Confirming: poller.Confirming{Confirm: view, ConfirmID: s.id, Overlap: s.overlap},
		Reporting:  poller.Reporting{Status: s.status, Logger: log.NewNopLogger()}, Metrics: s.metrics,
	}, client
}

// start runs a poller and returns what stops it.
func (s *trial) start(cfg poller.Config, client *http.Client, owner poller.Owner) (stop func()) {
	memory, err := s.memories.Take(s.t.Context(), owner)
	require.NoError(s.t, err)
	cfg.Memory = memory
	p := poller.New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = p.Run(ctx) }()
	return func() {
		cancel()
		<-done
		s.memories.Release(memory)
		client.CloseIdleConnections()
	}
}

// kill ends the process like kill -9 and starts another one.
func (s *trial) kill() {
	s.write.Kill()
	s.stop()
	s.process()
	s.run()
}

// reload is one without a change.
func (s *trial) reload() {
	s.stop()
	s.run()
}

// rename gives the component another name: it has another folder, and all else of the process is as before.
func (s *trial) rename() {
	s.stop()
	s.dir = s.t.TempDir()
	s.status, s.metrics = &poller.Status{}, poller.NewMetricsByOrg().Of("")
	s.run()
}

// due are the events that Okta has shown for a while.
func (s *trial) due(within time.Duration) []string {
	at := time.Now().Add(-within)
	n, _ := slices.BinarySearchFunc(s.times, at, func(shown, at time.Time) int { return shown.Compare(at.Add(1)) })
	return s.uuids[:n]
}

// recovered is how long it takes until Loki has all that is older than a minute; 6 hours, if it never does.
func (s *trial) recovered() time.Duration {
	const most = 6 * time.Hour
	begin, known := time.Now(), 0
	for ; time.Since(begin) < most; pass(10 * time.Second) {
		due := s.due(time.Minute)
		for known < len(due) && s.loki.Copies(due[known]) > 0 {
			known++
		}
		if known == len(due) {
			break
		}
	}
	return time.Since(begin)
}

// requireExactlyOnce checks that Loki has each event once; of the last minutes' it may have less.
func (s *trial) requireExactlyOnce() {
	s.t.Helper()
	missing, _, _ := s.loki.Compare(s.due(2 * time.Minute))
	_, doubled, _ := s.loki.Compare(s.uuids)
	if len(missing)+len(doubled) > 0 {
		s.t.Errorf("of %d events %d are missing %.8q, %d doubled %.8q; loki.write dropped %d, Loki: %+v",
			len(s.due(0)), len(missing), missing[:min(3, len(missing))], len(doubled), doubled[:min(3, len(doubled))],
			s.write.Dropped(), s.loki.Stats())
	}
}

// An outage of Loki of any length loses and doubles nothing, whatever happens in the middle of it. All of it takes minutes of CPU, so that
// some is not in each run; OKTA_E2E=long has it all.
func TestOutagesLoseAndDoubleNothing(t *testing.T) {
	endless := pipesim.Defaults()
	endless.MaxBackoffRetries = 0
	down := func(f *pipesim.Faults) { f.PushDown, f.QueryDown = true, true }
	kinds := map[string]struct {
		cfg   pipesim.Config
		fault func(*pipesim.Faults)
	}{
		"all down":        {pipesim.Defaults(), down},
		"pushes refused":  {pipesim.Defaults(), func(f *pipesim.Faults) { f.PushStatus = http.StatusInternalServerError }},
		"endless retries": {endless, down},
	}
	events := map[string]func(*trial){"nothing": func(*trial) {}, "kill": (*trial).kill, "rename": (*trial).rename, "reload": (*trial).reload}
	outages := map[time.Duration]int{ // and the events a minute
		time.Minute: 400, 5 * time.Minute: 200, 9 * time.Minute: 100, 11 * time.Minute: 400, 15 * time.Minute: 20, 30 * time.Minute: 200,
		time.Hour: 400, 90 * time.Minute: 20, 2 * time.Hour: 100, 3 * time.Hour: 50, 6 * time.Hour: 30, 12 * time.Hour: 20,
	}
	for outage, perMinute := range outages {
		for kind, k := range kinds {
			for what, happens := range events {
				process := what == "rename" || what == "reload" // which goes on
				often := outage == 5*time.Minute || outage == 15*time.Minute || outage == time.Hour
				if (outage > 3*time.Hour && what != "kill" || process && !often) && os.Getenv("OKTA_E2E") != "long" {
					continue
				}
				t.Run(fmt.Sprintf("%s of %s, %s", outage, kind, what), func(t *testing.T) {
					const before, after = 3 * time.Minute, 6 * time.Hour
					try(t, uint64(outage), k.cfg, func(s *trial) {
						s.feed(perMinute, before+outage)
						s.feed(20, after+2*time.Hour)
						s.run()
						pass(before)
						s.loki.Set(k.fault)
						half := time.Duration(s.rnd.Int64N(int64(outage)))
						pass(half)
						happens(s)
						pass(outage - half)
						s.loki.Set(func(f *pipesim.Faults) { *f = pipesim.Faults{} })
						took := s.recovered()
						pass(90 * time.Minute) // a queued copy can arrive as late as this
						t.Logf("everything was there %s after the outage; loki.write dropped %d entries", took, s.write.Dropped())
						s.requireExactlyOnce()
					})
				})
			}
		}
	}
}

// Loki refuses one of two streams for a while, as for a rate limit, and takes the other one's part of each push: loki.write sends the
// whole batch again until all of it is taken. That a later event is there does not show yet that an earlier one of its batch is lost.
func TestAStreamThatIsRefusedForAWhile(t *testing.T) {
	endless := pipesim.Defaults()
	endless.MaxBackoffRetries = 0
	for name, cfg := range map[string]pipesim.Config{"defaults": pipesim.Defaults(), "endless retries": endless} {
		for _, lasts := range []time.Duration{time.Minute, 5 * time.Minute, 20 * time.Minute, 2 * time.Hour} {
			if lasts > 20*time.Minute && cfg.MaxBackoffRetries > 0 {
				continue // loki.write drops each copy, and an event that is lost three times is given up
			}
			t.Run(fmt.Sprintf("%s, %s", lasts, name), func(t *testing.T) {
				try(t, uint64(lasts), cfg, func(s *trial) {
					s.label = func(e event.Event) string { return e.UUID[len(e.UUID)-1:] }
					s.feed(60, lasts+8*time.Hour)
					s.run()
					pass(3 * time.Minute)
					s.loki.Set(func(f *pipesim.Faults) {
						f.Refuse = func(labels model.LabelSet) int {
							if labels["kind"] == "3" {
								return http.StatusTooManyRequests
							}
							return 0
						}
					})
					pass(lasts)
					s.loki.Set(func(f *pipesim.Faults) { *f = pipesim.Faults{} })
					took := s.recovered()
					pass(90 * time.Minute)
					t.Logf("everything was there %s later; loki.write dropped %d entries", took, s.write.Dropped())
					s.requireExactlyOnce()
				})
			})
		}
	}
}

// A start far back on a stream that is live, without a checkpoint or with one that was written by hand and does not say how far the
// stream has got: Loki refuses what is an hour behind its newest entry.
func TestAStartFarBackOnALiveStream(t *testing.T) {
	for name, back := range map[string]func(s *trial, since time.Time){
		"no checkpoint": func(s *trial, _ time.Time) { s.dir, s.lookback = s.t.TempDir(), 19*time.Hour },
		"set back by hand": func(s *trial, since time.Time) {
			at := since.UTC().Format("2006-01-02T15:04:05.000Z")
			file := fmt.Sprintf(`{"version":1,"scope":{"org":%[1]q,"filter":"","query":"","page_size":1000},"marks":[`+
				`{"cursor":"%[1]s/api/v1/logs?limit=1000&since=%[2]s&sortOrder=ASCENDING","published":%[3]q,"handed_over":%[3]q}],"checksum":"none"}`,
				s.pipe.URL, url.QueryEscape(at), at)
			require.NoError(s.t, os.WriteFile(filepath.Join(s.dir, checkpoint.FileName(s.pipe.URL)), []byte(file), 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			try(t, 1, pipesim.Defaults(), func(s *trial) {
				s.feed(10, 26*time.Hour)
				pass(20 * time.Hour)
				s.run()
				pass(10 * time.Minute)
				s.stop()
				back(s, time.Now().Add(-19*time.Hour))
				s.kill()
				pass(6 * time.Hour)
				require.Zero(t, s.loki.Stats().TooFar)
				missing, doubled, _ := s.loki.Compare(s.due(2 * time.Minute)[len(s.uuids)/10:])
				require.Empty(t, missing)
				require.Empty(t, doubled)
			})
		})
	}
}
