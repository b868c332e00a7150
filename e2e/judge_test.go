package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/testbed"
)

// push hands records to Loki without Alloy, in portions that fit the 4 MB that Loki's parts send each other.
func push(t *testing.T, loki *testbed.Loki, labels map[string]string, records []record) {
	t.Helper()
	const portion = 500
	if len(records) > portion {
		push(t, loki, labels, records[:portion])
		push(t, loki, labels, records[portion:])
		return
	}
	values := make([][2]string, 0, len(records))
	for _, r := range records {
		values = append(values, [2]string{strconv.FormatInt(r.time.UnixNano(), 10), r.line})
	}
	body, err := json.Marshal(map[string]any{"streams": []any{map[string]any{"stream": labels, "values": values}}})
	require.NoError(t, err)
	resp, err := http.Post(loki.URL()+"/loki/api/v1/push", "application/json", bytes.NewReader(body))
	require.NoError(t, err)
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	require.Equalf(t, http.StatusNoContent, resp.StatusCode, "%s", answer)
}

// flushOnce has Loki close its chunks and write them out, the first time in a test, and waits for that: /flush returns before. Full chunks
// are written out at any time, for another reason (loki/v3 pkg/ingester/flush.go).
func flushOnce(t *testing.T, loki *testbed.Loki) {
	t.Helper()
	require.NoError(t, loki.Reader().Flush(t.Context()))
	require.Eventually(t, func() bool {
		return lokiMetric(t, loki, `loki_ingester_chunks_flushed_total{reason="forced"}`) > 0 &&
			lokiMetric(t, loki, "loki_ingester_flush_queue_length") == 0
	}, time.Minute, 100*time.Millisecond)
}

// The judge of every delivery proof is itself held against a real Loki: it must read all of it, and must see a double that log
// queries hide.
func TestTheJudgeReadsAllOfARealLokiAndSeesDoubles(t *testing.T) {
	t.Parallel()
	loki := startLoki(t)
	start := time.Now().Add(-26 * time.Hour).Truncate(time.Second).UTC()
	var records []record
	for i := range 12_000 { // three pages, 40 entries at each timestamp
		records = append(records, record{
			time: start.Add(time.Duration(i/40) * 5 * time.Minute / 3),
			line: fmt.Sprintf(`{"n":%d,"text":"é \" %s"}`, i, strings.Repeat("x", 1_000)),
		})
	}
	labels := map[string]string{"job": "judged"}
	push(t, loki, labels, records[:6_000])
	flushOnce(t, loki) // all that follows is in one chunk: a double in another chunk than its record is shown once, by any query
	push(t, loki, labels, records[6_000:])
	requireExactlyOnce(t, loki.Reader(), `{job="judged"}`, records)

	// One record again, late: Loki stores it twice. A log query may show it once or twice, the count tells.
	from, to := span(records)
	push(t, loki, labels, records[11_000:11_001])
	held, err := loki.Reader().Entries(t.Context(), `{job="judged"}`, from, to)
	require.NoError(t, err)
	d := compare(records, held)
	require.Empty(t, d.missing)
	require.Empty(t, d.foreign)
	count, err := loki.Reader().Count(t.Context(), `{job="judged"}`, from, to)
	require.NoError(t, err)
	require.Equal(t, len(records)+1, count)
}

// A stream that Loki has flushed and let go of, and that comes back with fewer entries, must not be a casualty of the next crash.
func TestARestartedLokiStillHoldsWhatItTook(t *testing.T) {
	t.Parallel()
	loki := startLoki(t)
	labels := map[string]string{"job": "judged"}
	start := time.Now().Add(-10 * time.Minute).Truncate(time.Second).UTC()
	var records []record
	for i := range 300 {
		records = append(records, record{start.Add(time.Duration(i) * time.Second), fmt.Sprintf("line %d", i)})
	}
	push(t, loki, labels, records[:200])
	for range 3 { // the first writes the chunk out, a later one lets go of it
		require.NoError(t, loki.Reader().Flush(t.Context()))
		time.Sleep(time.Second)
	}
	push(t, loki, labels, records[200:])
	requireExactlyOnce(t, loki.Reader(), `{job="judged"}`, records)
	loki.Kill()
	require.NoError(t, loki.Start(t.Context()))
	requireExactlyOnce(t, loki.Reader(), `{job="judged"}`, records)
}
