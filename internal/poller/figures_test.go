package poller_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktasim"
)

// The figures below are measured in simulated time, so they are the same on every
// machine and in every run; tests hold them to their bounds and benchmarks print them.

// requestsToDrain is how many requests 100,000 waiting events cost.
func requestsToDrain(t *testing.T) (requests int) {
	synctest.Test(t, func(t *testing.T) {
		org := &oktasim.Org{RateLimit: -1}
		org.Append(evs("e", 100_000)...)
		c := on(t, org)
		r := c.run()
		pass(interval - 1)
		requests = len(org.Requests())
		r.stop()
		c.requireEachOnce()
	})
	return requests
}

// requestsPerIdleHour is how many requests an hour without events costs.
func requestsPerIdleHour(t *testing.T, every time.Duration) (requests int) {
	synctest.Test(t, func(t *testing.T) {
		org := &oktasim.Org{}
		org.Append(evs("e", 1)...)
		c := on(t, org)
		c.interval = every
		r := c.run()
		pass(every / 2)
		before := len(org.Requests())
		pass(time.Hour)
		requests = len(org.Requests()) - before
		r.stop()
	})
	return requests
}

// measured is how a backlog of 22 minutes was drained against an enforced quota.
type measured struct {
	ofShare float64 // requests made of those the share allows, from the first of the org's windows to the last
	densest float64 // the fullest of the org's windows, of what the share allows
	refused int     // 429s
}

// budgetUsed drains for 22 minutes. The org's seconds begin at phase, its answers take
// delay, and its clock is skew ahead of ours.
func budgetUsed(t *testing.T, limit int, share float64, phase, delay, skew time.Duration) (m measured) {
	const minutes = 22 // of which the windows span at least 20
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(phase)
		org := &oktasim.Org{RateLimit: limit, Delay: delay, Clock: skew}
		org.Append(evs("e", 10*limit*(minutes+1))...)
		c := on(t, org)
		c.client.PageSize, c.client.Share = 10, share
		r := c.run()
		pass(minutes * time.Minute)
		allowed := float64(limit) * share
		windows := org.Windows()
		last := windows[len(windows)-1]
		used := 0
		for _, w := range windows {
			m.densest = max(m.densest, float64(w.Used)/allowed)
			if w.Start.Before(last.Start) {
				used += w.Used
			}
		}
		span := last.Start.Sub(windows[0].Start)
		require.GreaterOrEqual(t, span, 20*time.Minute)
		m.ofShare = float64(used) / (allowed * span.Minutes())
		m.refused = org.Responses()[http.StatusTooManyRequests]
		r.stop()
	})
	return m
}

func TestAnIdleHourCostsOneRequestAnInterval(t *testing.T) {
	t.Parallel()
	for _, every := range []time.Duration{2 * time.Second, 10 * time.Second, time.Minute} {
		require.Equal(t, int(time.Hour/every), requestsPerIdleHour(t, every), "%s", every)
	}
}

// bench runs a measurement, which needs a *testing.T for its bubble, in a benchmark.
func bench(b *testing.B, measure func(t *testing.T)) {
	b.Helper()
	for b.Loop() {
		test := testing.InternalTest{Name: b.Name(), F: measure}
		if !testing.RunTests(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{test}) {
			b.Fatal("the measurement failed")
		}
	}
}

func BenchmarkDrain(b *testing.B) {
	n := 0
	bench(b, func(t *testing.T) { n = requestsToDrain(t) })
	b.ReportMetric(float64(n), "requests/100k-events")
}

func BenchmarkIdle(b *testing.B) {
	n := 0
	bench(b, func(t *testing.T) { n = requestsPerIdleHour(t, interval) })
	b.ReportMetric(float64(n), "requests/hour")
}

func BenchmarkBudget(b *testing.B) {
	var m measured
	bench(b, func(t *testing.T) {
		m = budgetUsed(t, 60, 0.5, 123*time.Millisecond, 80*time.Millisecond, 0)
	})
	b.ReportMetric(100*m.ofShare, "%-of-share")
	b.ReportMetric(100*m.densest, "%-of-share-in-fullest-window")
	b.ReportMetric(float64(m.refused), "429s")
}
