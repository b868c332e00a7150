package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"github.com/grafana/alloy/okta/internal/testbed"
)

// record is what one event must be in Loki.
type record struct {
	time time.Time
	line string
}

// recordOf says what an event must become, in terms of Okta's documents and those of okta-logs-collector, without our own code: the
// envelope around the untouched bytes, stamped with published.
func recordOf(t *testing.T, event []byte) record {
	t.Helper()
	published := gjson.GetBytes(event, "published").String()
	stamp, err := time.Parse(time.RFC3339Nano, published)
	require.NoError(t, err)
	level := "info"
	switch gjson.GetBytes(event, "severity").String() {
	case "WARN":
		level = "warning"
	case "ERROR":
		level = "error"
	}
	line := fmt.Sprintf(`{"event":%s,"level":"%s","msg":"received event","time":"%s"}`, event, level, published)
	return record{time: stamp.UTC(), line: line}
}

// difference is what keeps a delivery from being exactly once.
type difference struct {
	missing []record // in the org, not in Loki
	doubled []record // in Loki more often than in the org
	foreign []record // in Loki, not in the org, or with other bytes or another time
}

// compare holds what Loki returned against what the org persisted.
func compare(persisted []record, held []testbed.Entry) (d difference) {
	due := map[record]int{}
	for _, r := range persisted {
		due[r]++
	}
	known := map[record]bool{}
	for r := range due {
		known[r] = true
	}
	for _, entry := range held {
		r := record{time: entry.Time, line: entry.Line}
		switch {
		case !known[r]:
			d.foreign = append(d.foreign, r)
		case due[r] == 0:
			d.doubled = append(d.doubled, r)
		default:
			due[r]--
		}
	}
	for _, r := range persisted {
		if due[r] > 0 {
			d.missing = append(d.missing, r)
			due[r]--
		}
	}
	return d
}

func (d difference) none() bool { return len(d.missing)+len(d.doubled)+len(d.foreign) == 0 }

// String lists the first few of each kind; it is empty when there is no difference.
func (d difference) String() string {
	var text strings.Builder
	for name, records := range map[string][]record{"missing": d.missing, "doubled": d.doubled, "foreign": d.foreign} {
		if len(records) == 0 {
			continue
		}
		fmt.Fprintf(&text, "%d %s\n", len(records), name)
		for _, r := range records[:min(3, len(records))] {
			fmt.Fprintf(&text, "  %s %.300s\n", r.time.Format(time.RFC3339Nano), r.line)
		}
	}
	return text.String()
}

// bounds returns the times of the first and the last record.
func bounds(records []record) (first, last time.Time) {
	first, last = records[0].time, records[0].time
	for _, r := range records {
		if r.time.Before(first) {
			first = r.time
		}
		if r.time.After(last) {
			last = r.time
		}
	}
	return first, last
}

// span returns a time range that holds all records, with room on both sides for what should not be there.
func span(records []record) (from, to time.Time) {
	first, last := bounds(records)
	return first.Add(-time.Hour), last.Add(time.Hour)
}

// records waits until the org has logged n events and returns what they must be in Loki. The last events of a burst reach the
// log some milliseconds later than the first.
func (o *org) records(t *testing.T, n int) []record {
	t.Helper()
	var events [][]byte
	require.Eventually(t, func() bool {
		events = o.persisted(t)
		return len(events) >= n
	}, time.Minute, 50*time.Millisecond)
	require.Len(t, events, n)
	records := make([]record, 0, len(events))
	for _, event := range events {
		records = append(records, recordOf(t, event))
	}
	return records
}

// waitForCount waits until Loki holds at least n entries of selector around the given records.
func waitForCount(t *testing.T, reader testbed.Reader, selector string, around []record, n int, within time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	from, to := span(around)
	count := 0
	for count < n {
		counted, err := reader.Count(ctx, selector, from, to)
		if err == nil {
			count = counted
		}
		select {
		case <-ctx.Done():
			t.Fatalf("Loki holds %d entries of %s after %v, expected %d (last error: %v)", count, selector, within, n, err)
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// requireExactlyOnce asserts that Loki holds every event of the org once, by log query and by count, and nothing else.
// Alloy should have ended before, so that nothing is still on its way.
func requireExactlyOnce(t *testing.T, reader testbed.Reader, selector string, persisted []record) {
	t.Helper()
	from, to := span(persisted)
	// Right after a flush Loki may not show for a moment what it has let go of in memory and not listed in its index. What is
	// missing is waited for; what is too much is never forgiven, as it does not go away.
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Second) {
		held, err := reader.Entries(t.Context(), selector, from, to)
		require.NoError(t, err)
		d := compare(persisted, held)
		if d.none() {
			break
		}
		if len(d.doubled)+len(d.foreign) > 0 || time.Now().After(deadline) {
			t.Fatalf("of %d events in the org, %d entries in Loki:\n%s", len(persisted), len(held), d)
		}
	}
	count, err := reader.Count(t.Context(), selector, from, to)
	require.NoError(t, err)
	require.Equal(t, len(persisted), count, "count_over_time shows doubles that a log query hides")
}

func TestCompareFindsWhatIsMissingDoubledAndForeign(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	entry := func(line string, after time.Duration) testbed.Entry {
		return testbed.Entry{Time: at.Add(after), Line: line}
	}
	persisted := []record{{at, "a"}, {at, "b"}, {at.Add(1), "a"}, {at, "twin"}, {at, "twin"}}
	complete := []testbed.Entry{entry("b", 0), entry("a", 1), entry("twin", 0), entry("a", 0), entry("twin", 0)}

	require.True(t, compare(persisted, complete).none())
	require.Equal(t, difference{missing: []record{{at, "b"}}}, compare(persisted, complete[1:]))
	require.Equal(t, difference{doubled: []record{{at, "b"}}}, compare(persisted, append(complete, entry("b", 0))))
	require.Equal(t, difference{foreign: []record{{at, "A"}, {at.Add(2), "a"}}},
		compare(persisted, append(complete, entry("A", 0), entry("a", 2))))
}
