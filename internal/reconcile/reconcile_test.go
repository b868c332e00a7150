package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// inTime runs a test in simulated time.
func inTime(f func(t *testing.T)) func(t *testing.T) {
	return func(t *testing.T) { synctest.Test(t, f) }
}

var t0 = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

func TestRangesAreNarrow(t *testing.T) {
	const m, h, d = time.Minute, time.Hour, 24 * time.Hour
	every := func(step time.Duration, n int) (ts []time.Duration) {
		for i := range n {
			ts = append(ts, time.Duration(i)*step)
		}
		return ts
	}
	for name, tc := range map[string]struct {
		at   []time.Duration
		want [][2]time.Duration // without the second before and after
	}{
		"nothing":                   {nil, nil},
		"one event":                 {[]time.Duration{5 * m}, [][2]time.Duration{{5 * m, 5 * m}}},
		"a page of a busy org":      {every(time.Second, 1000), [][2]time.Duration{{0, 999 * time.Second}}},
		"unordered":                 {[]time.Duration{3 * m, 0, m}, [][2]time.Duration{{0, 3 * m}}},
		"a late event stands alone": {append(every(time.Second, 60), -3*h), [][2]time.Duration{{-3 * h, -3 * h}, {0, 59 * time.Second}}},
		"two late events": {
			append(every(time.Second, 60), -3*h, -h), [][2]time.Duration{{-3 * h, -3 * h}, {-h, -h}, {0, 59 * time.Second}},
		},
		"a short silence is not cut":      {[]time.Duration{0, 9 * m}, [][2]time.Duration{{0, 9 * m}}},
		"a sparse org's page is one":      {every(m*20, 60), [][2]time.Duration{{0, 59 * 20 * m}}},
		"a very sparse one goes by a day": {every(h, 50), [][2]time.Duration{{0, d}, {d, 2 * d}, {2 * d, 49 * h}}},
	} {
		t.Run(name, func(t *testing.T) {
			var times []time.Time
			for _, at := range tc.at {
				times = append(times, t0.Add(at))
			}
			var got [][2]time.Duration
			all := inPieces(ranges(times, 0, 0))
			for i, r := range all {
				end := r.end.Sub(t0)
				if i == len(all)-1 || !all[i+1].start.Equal(r.end) {
					end -= 1 // the end is exclusive
				}
				got = append(got, [2]time.Duration{r.start.Sub(t0), end})
			}
			if name == "a very sparse one goes by a day" {
				got[2][0] = 2 * d
				require.Len(t, got, 3)
				got[2][1] = 49 * h
			}
			require.Equal(t, tc.want, got)
		})
	}
}

func inPieces(spans []interval) (all []interval) {
	for _, s := range spans {
		all = append(all, s.pieces(maxRange)...)
	}
	return all
}

func TestRangesCoverEveryEventAndStayFew(t *testing.T) {
	var times []time.Time
	for i := range 200 { // worst case: silences that double
		times = append(times, t0.Add(-time.Duration(1<<min(i, 20))*time.Minute))
	}
	all := inPieces(ranges(times, time.Second, time.Second))
	for _, at := range times {
		require.True(t, slices.ContainsFunc(all, func(r interval) bool { return !at.Before(r.start) && at.Before(r.end) }))
	}
	for _, r := range all {
		require.LessOrEqual(t, r.end.Sub(r.start), maxRange)
	}
}

func TestUUIDsAreFoundHoweverTheEventIsWrapped(t *testing.T) {
	const u = "f3a9a0c2-7f3e-11ee-b962-0242ac120002"
	for name, tc := range map[string]struct {
		line string
		want []string
	}{
		"event":           {`{"a":1,"uuid":"` + u + `","version":"0"}`, []string{u}},
		"envelope":        {`{"event":{"uuid":"` + u + `"},"level":"info"}`, []string{u}},
		"spaces":          {`{"uuid" : "` + u + `"}`, []string{u}},
		"escaped":         {`{"log":"{\"uuid\":\"` + u + `\"}\n"}`, []string{u}},
		"escaped twice":   {`"{\"log\":\"{\\\"uuid\\\":\\\"` + u + `\\\"}\"}"`, []string{u}},
		"logfmt":          {`level=info uuid=` + u + ` msg=x`, []string{u}},
		"several":         {`{"uuid":"a-1","x":{"uuid":"b-2"}}`, []string{"a-1", "b-2"}},
		"null":            {`{"uuid":null}`, []string{"null"}},
		"another member":  {`{"id":"` + u + `"}`, nil},
		"value only":      {`{"x":"uuid"}`, nil},
		"cut":             {`{"uuid":"`, nil},
		"ends with uuid":  {`uuid`, nil},
		"uuid uuid":       {`uuiduuid="x"`, []string{"x"}},
		"empty":           {``, nil},
		"far from its id": {`uuid                       : "x"`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			findUUIDs(tc.line, func(u string) { got = append(got, u) })
			require.Equal(t, tc.want, got)
		})
	}
}

func FuzzFindUUIDs(f *testing.F) {
	f.Add(`{"event":{"uuid":"`, `f3a9a0c2-7f3e-11ee-b962-0242ac120002`, `"}}`)
	f.Add(`uuid`, `a`, `uuid`)
	f.Fuzz(func(t *testing.T, before, uuid, after string) {
		if uuid == "" || strings.Contains(before, "uuid") ||
			strings.ContainsFunc(uuid, func(r rune) bool { return r > 127 || !isUUIDByte(byte(r)) }) || strings.Contains(uuid, "uuid") {

			return
		}
		found := false
		for _, wrap := range []func(string) string{
			func(s string) string { return s },
			func(s string) string { b, _ := json.Marshal(s); return string(b) },
		} {
			line := before + wrap(`"uuid":"`+uuid+`"`) + after
			found = false
			findUUIDs(line, func(u string) { found = found || u == uuid })
			require.True(t, found, line)
		}
	})
}

// lokiWith returns a client for a fake that holds n events a second apart, which it
// returns, each followed by noise entries of others.
func lokiWith(t *testing.T, n, noise int) (*Loki, *fakeLoki, []Event) {
	f := &fakeLoki{}
	var events []Event
	for i := range n {
		e := Event{UUID: fmt.Sprintf("00000000-0000-4000-8000-%012d", i), Time: t0.Add(time.Duration(i) * time.Second)}
		events = append(events, e)
		f.entries = append(f.entries, entry{at: e.Time, line: `{"event":{"uuid":"` + e.UUID + `"}}`})
		for j := range noise {
			f.entries = append(f.entries, entry{at: e.Time, line: fmt.Sprintf(`{"event":{"uuid":"other-%d-%d"}}`, i, j)})
		}
	}
	return clientOf(t, f), f, events
}

func TestFindReturnsWhatIsThereInOneNarrowQuery(t *testing.T) {
	l, f, events := lokiWith(t, 1000, 0)
	gone := events[500].UUID
	f.entries = slices.DeleteFunc(f.entries, func(e entry) bool { return strings.Contains(e.line, gone) })
	found, err := l.Find(t.Context(), events[100:600])
	require.NoError(t, err)
	require.Len(t, found, 499)
	require.False(t, found[gone])
	require.Len(t, f.queries, 1)
	require.Equal(t, `{job="x"}`+extract, f.queries[0].Get("query"))
	require.Equal(t, strconv.FormatInt(events[100].Time.Add(-time.Second).UnixNano(), 10), f.queries[0].Get("start"))
	require.Equal(t, strconv.FormatInt(events[599].Time.Add(time.Second+1).UnixNano(), 10), f.queries[0].Get("end"))
	require.Equal(t, "no-cache", f.headers[0].Get("Cache-Control"))
	require.Equal(t, "acme", f.headers[0].Get("X-Scope-OrgID"))
	require.Equal(t, "test/1", f.headers[0].Get("User-Agent"))
}

func TestFindAsksNothingForNothing(t *testing.T) {
	l, f, _ := lokiWith(t, 1, 0)
	found, err := l.Find(t.Context(), []Event{{Time: t0}})
	require.NoError(t, err)
	require.Empty(t, found)
	require.Empty(t, f.queries)
}

func TestFindHalvesAnEntryLimitThatIsRefused(t *testing.T) {
	l, f, events := lokiWith(t, 1000, 3) // 4000 entries
	f.maxLimit = 700
	found, err := l.Find(t.Context(), events)
	require.NoError(t, err)
	require.Len(t, found, 1000)
	require.EqualValues(t, 625, l.server.limit.get()) // 5000, 2500, 1250, 625
	// 4000 entries by 625, each page beginning with the second the last one ended in.
	require.LessOrEqual(t, len(f.queries), 3+7)
}

func TestFindHalvesARangeThatIsRefused(t *testing.T) {
	l, f, _ := lokiWith(t, 0, 0)
	f.maxRange = 5 * time.Hour
	var events []Event
	for i := range 20 {
		e := Event{UUID: fmt.Sprintf("00000000-0000-4000-8000-%012d", i), Time: t0.Add(time.Duration(i) * time.Hour)}
		events = append(events, e)
		f.entries = append(f.entries, entry{at: e.Time, line: `{"uuid":"` + e.UUID + `"}`})
	}
	found, err := l.Find(t.Context(), events)
	require.NoError(t, err)
	require.Len(t, found, 20)
	require.EqualValues(t, 3*time.Hour, l.server.longest.get()) // 24, 12, 6, 3
	require.Len(t, f.queries, 3+7)

	f.maxRange = time.Minute
	found, err = l.Find(t.Context(), events)
	require.ErrorIs(t, err, ErrRefused)
	require.ErrorContains(t, err, "max_query_length")
	require.Nil(t, found)
}

func TestFindReadsAnInstantThatHoldsMoreThanTheLimit(t *testing.T) {
	l, f, _ := lokiWith(t, 0, 0)
	f.maxLimit = 100
	l.server.limit.value = 100
	var events []Event
	for i := range 950 { // all at one instant, every third is there
		e := Event{UUID: fmt.Sprintf("00000000-0000-4000-8000-%012d", i), Time: t0}
		events = append(events, e)
		if i%3 == 0 {
			f.entries = append(f.entries, entry{at: t0, line: `{"uuid":"` + e.UUID + `"}`})
		}
	}
	events = append(events, Event{UUID: "later", Time: t0.Add(time.Millisecond)})
	f.entries = append(f.entries, entry{at: t0.Add(time.Millisecond), line: `{"uuid":"later"}`})
	found, err := l.Find(t.Context(), events)
	require.NoError(t, err)
	require.Len(t, found, 317+1)
	require.True(t, found["later"])
}

func TestFindGivesNoPartialAnswer(t *testing.T) {
	for name, tc := range map[string]struct {
		fail func(w http.ResponseWriter)
		want string
		is   error
	}{
		"500":         {func(w http.ResponseWriter) { http.Error(w, "boom", 500) }, "it answered 500: boom", nil},
		"429":         {func(w http.ResponseWriter) { http.Error(w, "slow down", http.StatusTooManyRequests) }, "it answered 429: slow down", nil},
		"401":         {func(w http.ResponseWriter) { http.Error(w, "no org id", http.StatusUnauthorized) }, "it answered 401: no org id", ErrRefused},
		"parse error": {func(w http.ResponseWriter) { http.Error(w, "parse error at line 1", 400) }, "parse error", ErrRefused},
		"HTML":        {func(w http.ResponseWriter) { _, _ = io.WriteString(w, "<html>") }, "is not JSON", nil},
		"metric query": {
			func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"data":{"resultType":"matrix","result":[]}}`) }, `"matrix" instead of streams`,
			nil,
		},
		"cut": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "999")
			_, _ = io.WriteString(w, `{"data"`)
		}, "reading the answer", nil},
		"limit at its least": {func(w http.ResponseWriter) {
			http.Error(w, "max entries limit per query exceeded, limit > max_entries_limit_per_query", 400)
		}, "max entries limit", errLimit},
	} {
		t.Run(name, inTime(func(t *testing.T) {
			l, f, events := lokiWith(t, 50, 0)
			l.server.limit.value = 20
			f.fail = func(w http.ResponseWriter) bool { // the second query
				if len(f.queries) < 2 {
					return false
				}
				tc.fail(w)
				return true
			}
			found, err := l.Find(t.Context(), events)
			require.ErrorContains(t, err, tc.want)
			require.Nil(t, found)
			if tc.is != nil {
				require.ErrorIs(t, err, tc.is)
			} else {
				require.NotErrorIs(t, err, ErrRefused)
			}
		}))
	}
}

func TestFindEndsWithItsContext(t *testing.T) {
	begun := make(chan struct{})
	l := clientOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else the server does not see the client go
		close(begun)
		<-r.Context().Done()
	}))
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-begun; cancel() }()
	_, err := l.Find(ctx, []Event{{UUID: "x", Time: t0}})
	require.ErrorIs(t, err, context.Canceled)
	require.NotContains(t, err.Error(), "127.0.0.1", "the URL may hold what is nobody's business")
}

func TestNewestIsOneShortQuery(t *testing.T) {
	f := &fakeLoki{entries: []entry{{at: time.Now().Add(-time.Minute), line: `{"uuid":"a"}`}}}
	l := clientOf(t, f)
	newest, err := l.Newest(t.Context(), 0)
	require.NoError(t, err)
	require.Equal(t, f.entries[0].at.UnixNano(), newest.UnixNano())
	require.Equal(t, `{job="x"}`, f.queries[0].Get("query"))
	require.Equal(t, "backward", f.queries[0].Get("direction"))
	require.Equal(t, "1", f.queries[0].Get("limit"))
}

func TestNewestLooksFurtherAndFurtherBack(t *testing.T) {
	for name, c := range map[string]struct {
		age      time.Duration
		maxRange time.Duration
		noIndex  bool
		queries  int // at most
		found    bool
	}{
		"a minute":                   {time.Minute, 0, false, 1, true},
		"a day":                      {24 * time.Hour, 0, false, 2, true},
		"80 days":                    {80 * 24 * time.Hour, 0, false, 2, true},
		"80 days, no index":          {80 * 24 * time.Hour, 0, true, 6, true},
		"100 days":                   {100 * 24 * time.Hour, 0, false, 1, false},
		"100 days, no index":         {100 * 24 * time.Hour, 0, true, 6, false},
		"short ranges alone allowed": {40 * 24 * time.Hour, 7 * 24 * time.Hour, false, 5, true},
	} {
		t.Run(name, inTime(func(t *testing.T) {
			at := time.Now().Add(-c.age)
			entries := []entry{{at: at.Add(-time.Hour), line: "uuid"}, {at: at, line: "uuid"}}
			f := &fakeLoki{entries: entries, maxRange: c.maxRange, noIndex: c.noIndex}
			newest, err := clientOf(t, f).Newest(t.Context(), 90*24*time.Hour)
			require.NoError(t, err)
			require.LessOrEqual(t, len(f.queries), c.queries)
			require.LessOrEqual(t, f.index, 24)
			require.Equal(t, c.found, !newest.IsZero())
			if c.found {
				require.Equal(t, f.entries[1].at.UnixNano(), newest.UnixNano())
			}
		}))
	}
}

func TestNewestIsNotKnownWhileLokiFails(t *testing.T) {
	for name, status := range map[string]int{"500": 500, "429": 429, "401": 401} {
		t.Run(name, inTime(func(t *testing.T) {
			f := &fakeLoki{fail: func(w http.ResponseWriter) bool { http.Error(w, "no", status); return true }}
			newest, err := clientOf(t, f).Newest(t.Context(), 90*24*time.Hour)
			require.Error(t, err)
			require.Zero(t, newest)
			if status == 429 { // waited out: 1 s, doubling, for a minute
				require.LessOrEqual(t, len(f.queries), 7)
				return
			}
			require.Len(t, f.queries, 1)
		}))
	}
}
