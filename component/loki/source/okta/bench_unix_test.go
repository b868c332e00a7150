//go:build unix

package okta

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/internal/component/common/loki"

	"github.com/grafana/alloy/okta/internal/oktasim"
)

const benchPages = 20 // of 1,000 events

// BenchmarkWholePath compares the CPU time (user and system, of the whole process) of two ways to read the same gzipped pages:
//
//	component   loki.source.okta from the request to the receiver's channel: credentials, budget, entries, checkpoint, metrics
//	read        net/http decompresses the body, and it is thrown away
//
// The two take turns. The pages are made by oktasim beforehand and served from memory by this process, the same for both; what the
// server costs is in both. cpu-ratio is component / read, from all turns together.
func BenchmarkWholePath(b *testing.B) {
	for name, redact := range map[string]*Redact{
		"plain":  nil,
		"redact": {Mode: "hash", Key: "a key for benchmarks, 32 bytes..", Presets: []string{"user_identity"}},
	} {
		b.Run(name, func(b *testing.B) { benchmarkWholePath(b, redact) })
	}
}

func benchmarkWholePath(b *testing.B, redact *Redact) {
	org := &oktasim.Org{RateLimit: 1 << 30}
	org.Generate(benchPages*1000, time.Hour)
	tape := &tape{org: org, answers: map[string]*httptest.ResponseRecorder{}}
	server := httptest.NewServer(tape)
	defer server.Close()

	args := DefaultArguments
	args.URL, args.APIToken, args.RateLimitShare, args.Options.Redact = server.URL, "00benchToken", 1, redact
	args.InitialLookback = 2 * time.Hour

	var component, read, cpu time.Duration
	var mallocs, size uint64
	collect(b, args) // records the pages
	urls := tape.stop()
	require.Len(b, urls, benchPages)
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		cpu = spent(b)
		size = collect(b, args)
		component += spent(b) - cpu
		runtime.ReadMemStats(&after)
		mallocs += after.Mallocs - before.Mallocs

		runtime.GC()
		cpu = spent(b)
		discard(b, server.URL, urls)
		read += spent(b) - cpu
	}
	events := float64(benchPages * 1000)
	n := float64(b.N)
	b.ReportMetric(component.Seconds()/read.Seconds(), "cpu-ratio")
	b.ReportMetric(component.Seconds()/n/events*1e6, "µs-cpu/event")
	b.ReportMetric(read.Seconds()/n/events*1e6, "µs-cpu/event-read")
	b.ReportMetric(float64(mallocs)/n/events, "allocs/event")
	b.ReportMetric(float64(size)/events, "bytes/event")
	b.ReportMetric(0, "ns/op")
}

// collect runs the component from an empty data path until every event is with the receiver, and returns the bytes of their lines.
func collect(b *testing.B, args Arguments) (size uint64) {
	receiver := loki.NewLogsReceiver()
	args.ForwardTo = []loki.LogsReceiver{receiver}
	c, err := New(component.Options{
		ID: "loki.source.okta.bench", DataPath: b.TempDir(), Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	}, args)
	require.NoError(b, err)
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.Run(ctx)
	}()
	for range benchPages * 1000 {
		entry := <-receiver.Chan()
		size += uint64(len(entry.Line))
	}
	cancel()
	<-done
	return size
}

// discard reads the pages as any Go program would.
func discard(b *testing.B, base string, urls []string) {
	for _, u := range urls {
		req, err := http.NewRequest(http.MethodGet, base+u, nil)
		require.NoError(b, err)
		req.Header.Set("Authorization", "SSWS 00benchToken")
		resp, err := http.DefaultClient.Do(req)
		require.NoError(b, err)
		require.True(b, resp.Uncompressed, "the page came gzipped")
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(b, err)
		require.NoError(b, resp.Body.Close())
	}
}

// spent is the CPU time of this process so far.
func spent(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// tape records an org's answers and plays them again and again: every first request is the same, whatever its since, and so is every
// request that follows the same cursor.
type tape struct {
	mu      sync.Mutex
	org     *oktasim.Org // nil: nothing new is recorded
	answers map[string]*httptest.ResponseRecorder
	urls    []string // of the full pages, in order
}

func (p *tape) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	after := r.URL.Query().Get("after")
	p.mu.Lock()
	answer := p.answers[after]
	if answer == nil && p.org != nil {
		answer = httptest.NewRecorder()
		p.org.ServeHTTP(answer, r)
		p.answers[after] = answer
		if len(p.urls) < benchPages {
			p.urls = append(p.urls, r.URL.RequestURI())
		}
	}
	p.mu.Unlock()
	if answer == nil { // behind the last page
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

// stop ends the recording, so that the org's memory is not in the way of what is measured, and returns the pages' URLs.
func (p *tape) stop() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.org = nil
	return p.urls
}
