package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/testbed"
)

// polled is the longest time between two requests for an org's live log since a time, until now.
func (s *clustered) polled(since time.Time) (longest time.Duration) {
	for _, o := range s.orgs {
		last := since
		for _, r := range o.Requests() {
			if r.Time.After(since) && !strings.Contains(r.URL, "until=") {
				longest, last = max(longest, r.Time.Sub(last)), r.Time
			}
		}
		longest = max(longest, time.Since(last))
	}
	return longest
}

// A Loki at its defaults hides for hours what a back-fill delivered. Orgs move all the same, when a node joins and when one restarts.
func TestABackfillDoesNotKeepOrgsFromMoving(t *testing.T) {
	const orgs = 30 // of 6, a joining node gets none in one run of six: (3/4)^6
	since := time.Now().Add(-5 * time.Hour).UTC().Truncate(time.Second)
	loki := &testbed.Loki{Bin: program(t, "loki"), Dir: t.TempDir(), HidesOld: true}
	runLoki(t, loki)
	s := startClusterOn(t, loki, orgs, func(s *clustered, config string) string {
		for i, o := range s.orgs {
			for n := range 50 {
				at := since.Add(time.Duration(n) * time.Minute)
				o.AppendAt(at, fmt.Appendf(nil, `{"uuid":"range-%d-%d","published":%q}`, i, n, at.Format("2006-01-02T15:04:05.000Z")))
			}
		}
		// At the default poll_interval: polling every 500 ms would leave a range one request every 3 minutes.
		config = strings.Replace(config, "\tpoll_interval = \"500ms\"\n", "", 1)
		return strings.Replace(config, "\treconcile {", fmt.Sprintf("\tbackfill {\n\t\tsince = %q\n\t\tuntil = %q\n\t}\n\treconcile {",
			since.Format(time.RFC3339), since.Add(time.Hour).Format(time.RFC3339)), 1)
	})
	s.load()
	s.requirePolled(startWithin)
	n := s.busiest()
	require.Eventually(t, func() bool {
		sum := 0.0
		for _, n := range s.running() {
			ratio, _ := collectorOf(n).metric(t.Context(), "loki_source_okta_backfill_progress_ratio")
			sum += ratio // a node that reads no org has none
		}
		return sum == orgs
	}, time.Minute, time.Second, "the ranges are delivered")

	begin := time.Now()
	added := s.add()
	require.Eventually(t, func() bool { return s.owned(added) > 0 }, afterKill, time.Second)
	time.Sleep(10 * time.Second)
	require.NoError(t, n.Stop(stopWithin))
	s.start(n)
	time.Sleep(20 * time.Second)
	took := s.polled(begin)
	t.Logf("no org was without a poll for longer than %s", took)
	require.Less(t, took, afterKill)
}
