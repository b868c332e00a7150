package testbed

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// shelf answers query_range as Loki does: start inclusive, end exclusive, the oldest entries up to the limit, and entries with equal
// timestamps in an order that changes from one request to the next.
type shelf struct {
	entries  []Entry // sorted by time
	requests int
}

func (s *shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests++
	number := func(name string) int64 {
		value, err := strconv.ParseInt(r.FormValue(name), 10, 64)
		if err != nil {
			http.Error(w, name+" is not a number", http.StatusBadRequest)
		}
		return value
	}
	start, end, limit := number("start"), number("end"), number("limit")
	picked := slices.Clone(s.entries)
	if r.FormValue("direction") == "backward" {
		within := slices.DeleteFunc(picked, func(e Entry) bool { return e.Time.UnixNano() < start || e.Time.UnixNano() >= end })
		picked = within[max(0, int64(len(within))-limit):]
	}
	if s.requests%2 == 0 {
		slices.Reverse(picked)
		slices.SortStableFunc(picked, func(a, b Entry) int { return a.Time.Compare(b.Time) })
	}
	type stream struct {
		Stream map[string]string `json:"stream"`
		Values [][]any           `json:"values"`
	}
	streams := map[string]*stream{}
	for _, entry := range picked {
		ns := entry.Time.UnixNano()
		if ns < start || ns >= end || limit == 0 {
			continue
		}
		limit--
		name := fmt.Sprint(entry.Labels)
		if streams[name] == nil {
			streams[name] = &stream{Stream: entry.Labels}
		}
		value := []any{strconv.FormatInt(ns, 10), entry.Line, map[string]any{"structuredMetadata": entry.Metadata}}
		streams[name].Values = append(streams[name].Values, value)
	}
	result := []*stream{}
	for _, stream := range streams {
		result = append(result, stream)
	}
	json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"resultType": "streams", "result": result}})
}

var epoch = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func shelve(t *testing.T, entries []Entry) Reader {
	server := httptest.NewServer(&shelf{entries: entries})
	t.Cleanup(server.Close)
	return Reader{URL: server.URL}
}

func lines(entries []Entry) []string {
	texts := make([]string, 0, len(entries))
	for _, entry := range entries {
		texts = append(texts, entry.Labels["s"]+" "+entry.Line)
	}
	slices.Sort(texts)
	return texts
}

func TestEntriesReadsEveryPage(t *testing.T) {
	cases := map[string]struct {
		count  int
		atOnce int // entries that share one timestamp
	}{
		"nothing":                               {0, 1},
		"one short page":                        {17, 1},
		"exactly one page":                      {lokiPageSize, 1},
		"three pages":                           {2*lokiPageSize + 1, 1},
		"timestamps shared across a page break": {3 * lokiPageSize, 7},
		"a timestamp that nearly fills a page":  {2 * lokiPageSize, lokiPageSize - 1},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			var stored []Entry
			for i := range tc.count {
				stored = append(stored, Entry{
					Labels:   map[string]string{"s": strconv.Itoa(i % 3)},
					Time:     epoch.Add(time.Duration(i/tc.atOnce) * time.Nanosecond),
					Line:     fmt.Sprintf("line %d", i/3),
					Metadata: map[string]string{"n": strconv.Itoa(i)},
				})
			}
			read, err := shelve(t, stored).Entries(t.Context(), `{s=~".+"}`, epoch, epoch.Add(time.Hour))
			require.NoError(t, err)
			require.Equal(t, lines(stored), lines(read))
			require.True(t, slices.IsSortedFunc(read, func(a, b Entry) int { return a.Time.Compare(b.Time) }))
			for _, entry := range read {
				require.NotEmpty(t, entry.Metadata["n"])
			}
		})
	}
}

func TestEntriesRefusesATimestampThatFillsAPage(t *testing.T) {
	var stored []Entry
	for i := range lokiPageSize + 1 {
		stored = append(stored, Entry{Labels: map[string]string{"s": "1"}, Time: epoch, Line: strconv.Itoa(i)})
	}
	server := httptest.NewServer(&shelf{entries: stored, requests: 0})
	defer server.Close()
	_, err := Reader{URL: server.URL}.Entries(t.Context(), `{s="1"}`, epoch, epoch.Add(time.Hour))
	require.ErrorContains(t, err, "share the timestamp 2026-03-01T00:00:00Z")
}

func TestEntriesKeepsTheRangeHalfOpen(t *testing.T) {
	stored := []Entry{{Time: epoch, Line: "first"}, {Time: epoch.Add(1), Line: "second"}, {Time: epoch.Add(2), Line: "at the end"}}
	read, err := shelve(t, stored).Entries(t.Context(), `{s="1"}`, epoch, epoch.Add(2))
	require.NoError(t, err)
	require.Equal(t, []string{" first", " second"}, lines(read))
}

func TestLatestReturnsTheNewestOldestFirst(t *testing.T) {
	stored := []Entry{{Time: epoch, Line: "1"}, {Time: epoch.Add(1), Line: "2"}, {Time: epoch.Add(2), Line: "3"}, {Time: epoch.Add(3),
		Line: "4"}}
	read, err := shelve(t, stored).Latest(t.Context(), `{s="1"}`, 2, epoch, epoch.Add(3))
	require.NoError(t, err)
	require.Equal(t, []string{" 2", " 3"}, lines(read))
}

func TestInstantSortsSamplesAndCountAsksForTheSameRange(t *testing.T) {
	var query, at string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, at = r.FormValue("query"), r.FormValue("time")
		fmt.Fprint(w, `{"data":{"resultType":"vector","result":[
			{"metric":{"a":"1"},"value":[1,"2"]},{"metric":{"a":"3"},"value":[1,"7"]},{"metric":{"a":"2"},"value":[1,"2"]}]}}`)
	}))
	defer server.Close()
	reader := Reader{URL: server.URL}

	samples, err := reader.Instant(t.Context(), "up", epoch)
	require.NoError(t, err)
	require.Equal(t, []Sample{
		{map[string]string{"a": "3"}, 7}, {map[string]string{"a": "1"}, 2}, {map[string]string{"a": "2"}, 2},
	}, samples)

	count, err := reader.Count(t.Context(), `{a="1"}`, epoch, epoch.Add(time.Second))
	require.NoError(t, err)
	require.Equal(t, 7, count)
	require.Equal(t, `sum(count_over_time({a="1"} [1000ms]))`, query)
	require.Equal(t, nanos(epoch.Add(time.Second-1)), at)
}

func TestErrorsCarryLokisOwnWords(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "parse error at line 1", http.StatusBadRequest)
	}))
	defer server.Close()
	_, err := Reader{URL: server.URL}.Instant(t.Context(), "sum(", epoch)
	require.ErrorContains(t, err, `400 Bad Request: parse error at line 1`)
	require.ErrorContains(t, err, `"sum("`)
}
