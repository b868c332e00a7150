// option: reconcile

package okta

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang/snappy"
	"github.com/grafana/loki/pkg/push"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/alloyseed"
	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/internal/component/common/loki"
	"github.com/grafana/alloy/internal/component/loki/write"
	"github.com/grafana/alloy/internal/featuregate"
	"github.com/grafana/alloy/syntax"

	"github.com/grafana/alloy/okta/component/loki/source/internal/fanout"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/pipesim"
)

// pushes are the answers of a server to pushes, and what was in them.
type pushes struct {
	answer func(n int) int // to the n-th push, from 0

	mu    sync.Mutex
	got   []string // a push: its answer, and the lines of each stream
	taken int      // lines
}

func (p *pushes) push(streams map[string][]string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	status := p.answer(len(p.got))
	p.got = append(p.got, fmt.Sprint(status, streams)) // fmt sorts a map's keys
	for _, lines := range streams {
		if status == http.StatusNoContent {
			p.taken += len(lines)
		}
	}
	return status
}

// Push implements pipesim.Endpoint.
func (p *pushes) Push(_ context.Context, batch []*pipesim.Entry) int {
	streams := map[string][]string{}
	for _, e := range batch {
		streams[e.Stream] = append(streams[e.Stream], e.UUID)
	}
	return p.push(streams)
}

// ServeHTTP takes pushes of the real loki.write.
func (p *pushes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		body, err = snappy.Decode(nil, body)
	}
	var request push.PushRequest
	if err == nil {
		err = request.Unmarshal(body)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusTeapot)
		return
	}
	streams := map[string][]string{}
	for _, s := range request.Streams {
		for _, e := range s.Entries {
			streams[s.Labels] = append(streams[s.Labels], pipesim.UUID(e.Line))
		}
	}
	w.WriteHeader(p.push(streams))
}

// pair is the real loki.write and its double under the same configuration.
type pair struct {
	write  *write.Component
	inlet  loki.LogsReceiver
	reg    *prometheus.Registry
	stop   func()
	double *pipesim.Write
}

// serve serves pushes and returns the address.
func serve(t *testing.T, p *pushes) string {
	server := httptest.NewUnstartedServer(p)
	server.Config.SetKeepAlivesEnabled(false)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

// newPair starts both in a bubble. The server is outside of it: the bubble's clock stands still while a push is under way. Without
// connections that are kept nothing else waits for the network.
func newPair(t *testing.T, url string, cfg pipesim.Config, simulated *pushes) *pair {
	p := &pair{reg: prometheus.NewRegistry()}
	var args write.Arguments
	require.NoError(t, syntax.Unmarshal(fmt.Appendf(nil, `endpoint {
		url                 = %q
		batch_size          = "%dB"
		batch_wait          = "%s"
		remote_timeout      = "%s"
		min_backoff_period  = "%s"
		max_backoff_period  = "%s"
		max_backoff_retries = %d
		queue_config {
			capacity      = "%dB"
			min_shards    = %d
			drain_timeout = "%s"
		}
	}`, url, cfg.BatchSize, cfg.BatchWait, cfg.RemoteTimeout, cfg.MinBackoff, cfg.MaxBackoff, cfg.MaxBackoffRetries,
		cfg.Capacity, cfg.MinShards, cfg.DrainTimeout), &args))
	var err error
	p.write, err = write.New(component.Options{
		ID: "loki.write.test", Logger: slog.New(slog.DiscardHandler), Registerer: p.reg, MinStability: featuregate.StabilityExperimental,
		DataPath: t.TempDir(), OnStateChange: func(e component.Exports) { p.inlet = e.(write.Exports).Receiver },
	}, args)
	require.NoError(t, err)
	p.double = pipesim.NewWrite(simulated, cfg)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = p.write.Run(ctx) }()
	p.stop = func() { cancel(); <-done; p.double.Stop() }
	return p
}

// send gives both an entry, if they take it before the context ends.
func (p *pair) send(ctx context.Context, e event.Entry) (actual, simulated bool) {
	var both sync.WaitGroup
	both.Go(func() {
		actual = sink{Fanout: &fanout.Fanout{}, to: []loki.LogsReceiver{p.inlet}, partly: &partly{}}.Send(ctx, e) == nil
	})
	both.Go(func() { simulated = p.double.Send(ctx, e) == nil })
	both.Wait()
	return actual, simulated
}

func (p *pair) dropped(t *testing.T) (actual, simulated int) {
	t.Helper()
	families, err := p.reg.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == "loki_write_dropped_entries_total" {
			for _, m := range f.GetMetric() {
				actual += int(m.GetCounter().GetValue())
			}
		}
	}
	return actual, p.double.Dropped()
}

// simulatedEntry is the n-th of many, of one of three streams.
func simulatedEntry(n, padding int) event.Entry {
	return event.Entry{
		Labels: model.LabelSet{"job": "test", "kind": model.LabelValue(fmt.Sprint(n % 3))},
		Entry:  push.Entry{Timestamp: time.Now(), Line: fmt.Sprintf(`{"uuid":"%05d","padding":%q}`, n, strings.Repeat("x", padding))},
	}
}

// outages answers like a Loki with troubles of every kind, by the number of the push.
func outages(n int) int {
	switch {
	case n >= 5 && n < 9, n >= 60 && n < 72: // the latter for longer than ten tries
		return http.StatusInternalServerError
	case n >= 12 && n < 15:
		return http.StatusTooManyRequests
	case n == 20, n == 40:
		return http.StatusBadRequest
	}
	return http.StatusNoContent
}

// refuseEvery answers each n-th push with 400.
func refuseEvery(every int) func(int) int {
	return func(n int) int {
		if n%every == every-1 {
			return http.StatusBadRequest
		}
		return http.StatusNoContent
	}
}

// The double of loki.write that the trials of delivery stand on must do as the real one does: the same batches in the same order,
// tried as often, and the same drops. Waits that are all alike leave nothing to chance, and where the real one chooses at random,
// between a full batch and a tick, and between shards, the answers are such that it makes no difference.
func TestPipesimDoesAsLokiWrite(t *testing.T) {
	alloyseed.Init(t.TempDir(), nil)
	for name, c := range map[string]struct {
		shards  int
		every   time.Duration // between entries
		padding int
		entries int
		answer  func(n int) int
		drops   bool
	}{
		"batches cut by time":  {1, 300 * time.Millisecond, 2500, 3000, outages, true},
		"batches cut by size":  {1, 10 * time.Millisecond, 20_000, 3000, refuseEvery(20), true},
		"shards, cut by time":  {4, 300 * time.Millisecond, 2500, 3000, refuseEvery(math.MaxInt), false},
		"shards, cut by size":  {4, 10 * time.Millisecond, 20_000, 3000, refuseEvery(math.MaxInt), false},
		"entries over a batch": {1, 10 * time.Second, 3 << 20, 60, refuseEvery(20), true},
	} {
		t.Run(name, func(t *testing.T) {
			actual, simulated := &pushes{answer: c.answer}, &pushes{answer: c.answer}
			server := serve(t, actual)
			synctest.Test(t, func(t *testing.T) {
				cfg := pipesim.Defaults()
				cfg.MinBackoff, cfg.MaxBackoff, cfg.MinShards = 10*time.Second, 10*time.Second, c.shards
				p := newPair(t, server, cfg, simulated)
				time.Sleep(3 * time.Millisecond) // an entry at a tick is a race, too
				for n := range c.entries {
					a, b := p.send(t.Context(), simulatedEntry(n, c.padding))
					require.True(t, a && b)
					time.Sleep(c.every)
				}
				time.Sleep(time.Hour)
				dropped, alike := p.dropped(t)
				require.Equal(t, dropped, alike)
				require.Equal(t, c.drops, dropped > 0)
				p.stop()
			})
			if c.shards > 1 {
				slices.Sort(actual.got)
				slices.Sort(simulated.got)
			}
			require.Greater(t, len(actual.got), 40)
			require.Equal(t, actual.got, simulated.got)
		})
	}
}

// Where the queue is full both stop taking entries after the same one, and what each then has it sends when it can.
func TestPipesimTakesAsMuchAsLokiWrite(t *testing.T) {
	alloyseed.Init(t.TempDir(), nil)
	down := func(n int) int {
		if n == 0 {
			return http.StatusServiceUnavailable
		}
		return http.StatusNoContent
	}
	taken := 0
	actual, simulated := &pushes{answer: down}, &pushes{answer: down}
	server := serve(t, actual)
	synctest.Test(t, func(t *testing.T) {
		cfg := pipesim.Defaults()
		cfg.MinBackoff, cfg.MaxBackoff = 2*time.Hour, 2*time.Hour
		p := newPair(t, server, cfg, simulated)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		a, b := p.send(ctx, simulatedEntry(0, 0))
		require.True(t, a && b)
		time.Sleep(time.Minute) // the first push failed
		n := 1
		for ; n < 10_000; n++ {
			if a, b = p.send(ctx, simulatedEntry(n, 100_000)); !a || !b {
				break
			}
		}
		require.Equal(t, a, b, "after %d entries", n)
		require.Less(t, n, 10_000)
		taken = n
		time.Sleep(2 * time.Hour)
		p.stop()
	})
	require.Equal(t, taken, actual.taken)
	require.Equal(t, taken, simulated.taken)
}

// What follows from loki.write's timings follows from those of the real one.
func TestLokiWritesDefaultsAreThoseOfLimits(t *testing.T) {
	var args write.Arguments
	require.NoError(t, syntax.Unmarshal([]byte(`endpoint { url = "http://localhost/loki/api/v1/push" }`), &args))
	e := args.Endpoints[0]
	require.Equal(t, pipesim.Config{
		BatchSize: int(e.BatchSize), BatchWait: e.BatchWait, RemoteTimeout: e.RemoteTimeout,
		MinBackoff: e.MinBackoff, MaxBackoff: e.MaxBackoff, MaxBackoffRetries: e.MaxBackoffRetries,
		Capacity: int(e.QueueConfig.Capacity), MinShards: e.QueueConfig.MinShards, DrainTimeout: e.QueueConfig.DrainTimeout,
	}, pipesim.Defaults(), "which are limits'")
}
