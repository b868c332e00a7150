package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"github.com/grafana/alloy/okta/internal/testbed"
)

const both = `{job=~"loki.source.okta|okta-logs-collector"}`

// besides is reconciled beside an older collector's entries.
// What the older collector missed is older than an hour before its last event.
var besides = strings.Replace(reconciled, "reconcile {\n", "reconcile {\n\t\tresume_overlap = \"0s\"\n\t\tselector = `"+both+"`\n", 1)

// collectedBefore pushes events as an older collector had left them: in streams of its own, stamped when it printed them, and some
// of them wrapped once more by a container runtime.
func (s *trial) collectedBefore(t *testing.T, events [][]byte) {
	t.Helper()
	var plain, wrapped []record
	for _, event := range events {
		r := recordOf(t, event)
		r.time = r.time.Add(time.Duration(s.IntN(3000)) * time.Millisecond)
		r.line = fmt.Sprintf(`{"level":"info","time":%q,"msg":"received event","event":%s}`, r.time.Format(time.RFC3339), event)
		if s.IntN(2) == 0 {
			plain = append(plain, r)
			continue
		}
		line, err := json.Marshal(map[string]string{"log": r.line + "\n", "stream": "stdout"})
		require.NoError(t, err)
		wrapped = append(wrapped, record{r.time, string(line)})
	}
	push(t, s.loki, map[string]string{"job": "okta-logs-collector", "container": "a"}, plain)
	push(t, s.loki, map[string]string{"job": "okta-logs-collector", "container": "b"}, wrapped)
}

// uuidOf finds the event's uuid in a line of either collector.
func uuidOf(line string) string {
	if log := gjson.Get(line, "log"); log.Exists() {
		line = log.String()
	}
	return gjson.Get(line, "event.uuid").String()
}

func TestAFirstStartBesideAnOlderCollectorFillsGaps(t *testing.T) {
	t.Parallel()
	s := newTrial(t, besides, "--backlog=4000")
	history := s.okta.persisted(t)
	var collected [][]byte
	for i, event := range history { // all of the first half, and some of the second
		if i < len(history)/2 || s.IntN(3) == 0 {
			collected = append(collected, event)
		}
	}
	s.collectedBefore(t, collected)
	require.NoError(t, s.loki.Reader().Flush(t.Context()))

	s.alloy.start(t)
	s.waitForMore(t, "loki_source_okta_skipped_events_total", float64(len(collected)-1))
	s.pass(t, 2*time.Second)
	s.alloy.Kill()
	s.alloy.start(t)
	s.waitForMore(t, confirmed, 0)
	all := s.end(t)
	waitForCount(t, s.loki.Reader(), both, all, len(all), 2*time.Minute)
	s.alloy.waitForMetric(t, "loki_source_okta_unconfirmed_events", 0)
	s.alloy.stop(t)

	before := map[string]bool{}
	for _, event := range collected {
		before[gjson.GetBytes(event, "uuid").String()] = true
	}
	var missing []record
	for _, r := range all {
		if !before[uuidOf(r.line)] {
			missing = append(missing, r)
		}
	}
	requireExactlyOnce(t, s.loki.Reader(), selector, missing)
	require.Equal(t, len(all), s.count(t, both, all))
	held, err := s.loki.Reader().Entries(t.Context(), `{job="okta-logs-collector"}`, all[0].time.Add(-time.Hour), time.Now())
	require.NoError(t, err)
	require.Equal(t, len(collected), len(uuids(held)), "the older collector's entries are as they were")
}

func (s *trial) count(t *testing.T, selector string, around []record) int {
	t.Helper()
	from, to := span(around)
	count, err := s.loki.Reader().Count(t.Context(), selector, from, to)
	require.NoError(t, err)
	return count
}

func uuids(entries []testbed.Entry) map[string]bool {
	found := map[string]bool{}
	for _, entry := range entries {
		found[uuidOf(entry.Line)] = true
	}
	return found
}
