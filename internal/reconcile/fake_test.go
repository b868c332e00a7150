package reconcile

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
)

// fakeLoki answers query_range as Loki does: forward, start inclusive, end exclusive,
// a limit with Loki's own error, selectors, line filters; and values of labels. The real one is asked in e2e.
type fakeLoki struct {
	mu       sync.Mutex
	entries  []entry // ordered
	noIndex  bool    // a gateway lets query_range through, and no more
	maxLimit int
	maxRange time.Duration // max_query_length; 0: none
	takes    func(r *http.Request) time.Duration
	queries  []url.Values // of query_range
	at       []time.Time  // when each request came
	index    int          // requests for values of a label
	headers  []http.Header
	fail     func(w http.ResponseWriter) bool
	refuse   func(w http.ResponseWriter, r *http.Request) bool
}

type entry struct {
	at   time.Time
	line string
	org  string // a label beside job="x"; "": it has none
}

func (e entry) labels() map[string]string {
	if e.org == "" {
		return map[string]string{"job": "x"}
	}
	return map[string]string{"job": "x", "org": e.org}
}

// matching returns those of entries that a selector matches, as Loki would.
func matching(entries []entry, selector string) (all []entry) {
	selector = selector[:strings.Index(selector, "}")+1]
	matchers, err := parser.NewParser(parser.Options{}).ParseMetricSelector(selector)
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		set := labels.FromMap(e.labels())
		if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(set.Get(m.Name)) }) {
			all = append(all, e)
		}
	}
	return all
}

func (f *fakeLoki) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	if f.takes != nil {
		time.Sleep(f.takes(r))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.headers = append(f.headers, r.Header)
	f.at = append(f.at, time.Now())
	label, index := strings.CutPrefix(strings.TrimSuffix(r.URL.Path, "/values"), "/loki/api/v1/label/")
	if index {
		f.index++
	} else {
		f.queries = append(f.queries, r.Form)
	}
	if index && f.noIndex {
		http.NotFound(w, r)
		return
	}
	if f.fail != nil && f.fail(w) || f.refuse != nil && f.refuse(w, r) {
		return
	}
	limit, _ := strconv.Atoi(r.Form.Get("limit"))
	if f.maxLimit > 0 && limit > f.maxLimit {
		http.Error(w, fmt.Sprintf("max entries limit per query exceeded, limit > max_entries_limit_per_query (%d > %d)", limit, f.maxLimit),
			http.StatusBadRequest)
		return
	}
	start, _ := strconv.ParseInt(r.Form.Get("start"), 10, 64)
	end, _ := strconv.ParseInt(r.Form.Get("end"), 10, 64)
	if length := time.Duration(end - start); f.maxRange > 0 && length > f.maxRange {
		http.Error(w, fmt.Sprintf("the query time range exceeds the limit (query length: %s, limit: %s)", length, f.maxRange),
			http.StatusBadRequest)
		return
	}
	filter := regexp.MustCompile("uuid")
	if _, pattern, ok := strings.Cut(r.Form.Get("query"), "|~ `"); ok {
		filter = regexp.MustCompile(strings.TrimSuffix(pattern, "`"))
	}
	entries := matching(f.entries, r.Form.Get("query"))
	if r.Form.Get("direction") == "backward" {
		slices.Reverse(entries)
	}
	type stream struct {
		Labels map[string]string `json:"stream"`
		Values [][2]string       `json:"values"`
	}
	streams, n := map[string]*stream{}, 0
	for _, e := range entries {
		if ns := e.at.UnixNano(); ns >= start && ns < end && (index || filter.MatchString(e.line) && n < limit) {
			if streams[e.org] == nil {
				streams[e.org] = &stream{Labels: e.labels()}
			}
			n++
			streams[e.org].Values = append(streams[e.org].Values, [2]string{strconv.FormatInt(ns, 10), e.line})
		}
	}
	result, values := []*stream{}, []string(nil)
	for _, s := range streams {
		result, values = append(result, s), append(values, s.Labels[label])
	}
	if index {
		answer := map[string]any{"status": "success"}
		if len(values) > 0 {
			answer["data"] = values
		}
		_ = json.NewEncoder(w).Encode(answer)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": map[string]any{"resultType": "streams", "result": result}})
}

// direct hands requests to a handler without a network, so that time can be simulated.
type direct struct{ http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w, done := httptest.NewRecorder(), make(chan struct{})
	go func() { defer close(done); d.ServeHTTP(w, r) }()
	select {
	case <-done:
		resp := w.Result()
		if resp.ContentLength > int64(w.Body.Len()) {
			resp.Body = io.NopCloser(io.MultiReader(resp.Body, iotest.ErrReader(io.ErrUnexpectedEOF)))
		}
		return resp, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

func serverOf(t *testing.T, h http.Handler) *Server {
	u, err := url.Parse("http://loki")
	require.NoError(t, err)
	return NewServer(ServerConfig{URL: u, HTTP: &http.Client{Transport: direct{h}}, TenantID: "acme", UserAgent: "test/1"})
}

func clientOf(t *testing.T, h http.Handler) *Loki {
	return serverOf(t, h).Loki(Config{Selector: `{job="x"}`})
}
