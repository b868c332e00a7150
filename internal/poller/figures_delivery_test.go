package poller_test

import (
	"context"
	"net/url"
	"os"
	"runtime"
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

// heap is what lives on it.
func heap() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what pools held back at the first
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// memoryWhileBlocked is how much memory is in use when a receiver has just stopped taking entries, and at most in the ten minutes
// that follow, while the org's log grows.
func memoryWhileBlocked(t *testing.T) (first, most float64) {
	synctest.Test(t, func(t *testing.T) {
		org := &oktasim.Org{}
		org.Generate(20_000, time.Hour)
		// Written beforehand, and visible in its time: the org's own memory is not what is measured.
		for at := range 600 {
			org.AppendAt(time.Now().Add(time.Duration(at)*time.Second), ev("later", time.Now()))
		}
		c := on(t, org)
		unblock := c.sink.block(500) // in the middle of the first page
		r := c.run()
		pass(time.Second)
		first = heap()
		for range 10 {
			pass(time.Minute)
			most = max(most, heap())
		}
		unblock()
		r.stop()
	})
	return first, most
}

func TestMemoryIsFlatWhileAReceiverIsBlocked(t *testing.T) {
	first, most := memoryWhileBlocked(t)
	t.Logf("heap when the receiver blocks %.2f MB, at most in the ten minutes after %.2f MB", first/1e6, most/1e6)
	require.Less(t, most-first, 256e3, "a quarter of a megabyte; one page has over a megabyte")
}

// week is a simulated week of polling, with the largest replay window there is, in which the checkpoint's size is looked at every hour.
func week(t *testing.T) (largest int) {
	synctest.Test(t, func(t *testing.T) {
		org := &oktasim.Org{}
		start := time.Now()
		for at := range 7 * 24 * 60 {
			org.AppendAt(start.Add(time.Duration(at)*time.Minute), ev("e", start))
		}
		c := on(t, org)
		c.interval, c.replay = 5*time.Minute, 24*time.Hour
		r := c.run()
		for range 7 * 24 {
			pass(time.Hour)
			largest = max(largest, len(c.file()))
		}
		r.stop()
	})
	return largest
}

// BenchmarkCheckpoint reads pages of 1,000 events from an org in the same process, with a receiver that takes everything, and tells the
// share
// of the time per page that goes into the checkpoint: a file is written, synced and renamed, and its folder synced.
func BenchmarkCheckpoint(b *testing.B) {
	b.Run("answered at once", func(b *testing.B) { benchmarkCheckpoint(b, 0) })
	b.Run("answered after 200ms", func(b *testing.B) { benchmarkCheckpoint(b, 200*time.Millisecond) })
}

func benchmarkCheckpoint(b *testing.B, delay time.Duration) {
	const pages = 20
	org := &oktasim.Org{RateLimit: -1, Delay: delay}
	org.Generate(pages*1000, time.Hour)
	pipe := org.Pipe()
	defer pipe.Close()
	base, err := url.Parse(pipe.URL)
	require.NoError(b, err)
	credentials, err := auth.NewSSWS(token)
	require.NoError(b, err)
	formatter, err := event.New(event.Options{Org: base.Host, LineFormat: event.FormatEnvelope})
	require.NoError(b, err)

	var reading, saving time.Duration
	for b.Loop() {
		scope := checkpoint.Scope{Org: base.String(), PageSize: 1000}
		dir, err := os.MkdirTemp(".", "checkpoint") //nolint:usetesting // on a disk, where a temporary folder may be in memory
		require.NoError(b, err)
		b.Cleanup(func() { os.RemoveAll(dir) })
		journal, _, _ := checkpoint.Open(dir, scope, time.Minute)
		counting := &counting{left: pages * 1000, done: make(chan struct{})}
		begin := time.Now()
		p := poller.New(poller.Config{
			Source: oktaapi.New(oktaapi.Config{Org: base, Auth: credentials, HTTP: pipe.Client(), PageSize: 1000, Share: 1,
				Budget: oktaapi.NewBudget()}),
			Sink: counting, Format: formatter.Entry, Open: func() (*checkpoint.Journal, error) { return journal, nil }, Scope: scope,
			PollInterval: time.Hour, InitialLookback: 2 * time.Hour,
			Memory: &poller.Memory{}, Reporting: poller.Reporting{Status: &poller.Status{}, Logger: log.NewNopLogger()},
		})
		ctx, cancel := context.WithCancel(b.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = p.Run(ctx) }()
		<-counting.done
		reading += time.Since(begin)
		cancel()
		<-ended

		// The same file again, as often as there were pages.
		begin = time.Now()
		for range pages {
			require.NoError(b, journal.Save())
		}
		saving += time.Since(begin)
	}
	b.ReportMetric(float64(reading.Microseconds())/float64(b.N*pages), "µs/page")
	b.ReportMetric(float64(saving.Microseconds())/float64(b.N*pages), "µs/save")
	b.ReportMetric(100*saving.Seconds()/reading.Seconds(), "%checkpoint")
	b.ReportMetric(0, "ns/op")
}

// counting is a sink that takes everything and tells when it has enough.
type counting struct {
	left int
	done chan struct{}
}

func (c *counting) Send(context.Context, event.Entry) error {
	if c.left--; c.left == 0 {
		close(c.done)
	}
	return nil
}
