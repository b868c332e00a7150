package testbed

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Reader asks a Loki over its HTTP API (https://grafana.com/docs/loki/latest/reference/loki-http-api/). The zero value with a URL
// is ready to use, from several goroutines.
type Reader struct {
	URL  string       // base URL, without a slash at the end
	HTTP *http.Client // http.DefaultClient when nil
}

// Entry is one log entry as Loki holds it.
type Entry struct {
	Labels   map[string]string // of its stream
	Time     time.Time
	Line     string
	Metadata map[string]string // structured metadata; nil when there is none
}

// Sample is one element of the result of an instant metric query.
type Sample struct {
	Labels map[string]string
	Value  float64
}

// Entries returns every entry that query, a log query, selects with from <= timestamp < to, oldest first. It reads page after page, each
// beginning with the last timestamp of the one before, whose entries may be cut in two by the limit; those seen already are
// left out. Loki shows equal entries (stream, timestamp, line) of different chunks only once, so a double may not show: ask Count too.
// A single timestamp with more entries than a page holds is an error, as nothing could page through it.
func (r Reader) Entries(ctx context.Context, query string, from, to time.Time) ([]Entry, error) {
	var all []Entry
	var shown map[string]int // how often each entry at from was on the pages before
	for {
		page, err := r.page(ctx, query, from, to, "forward", lokiPageSize)
		if err != nil {
			return nil, err
		}
		fresh := 0
		for _, entry := range page {
			if entry.Time.Equal(from) && shown[entry.key()] > 0 {
				shown[entry.key()]--
				continue
			}
			all = append(all, entry)
			fresh++
		}
		if len(page) < lokiPageSize {
			return all, nil
		}
		if fresh == 0 {
			return nil, fmt.Errorf("reading entries: more than %d share the timestamp %s", lokiPageSize-1, from.Format(time.RFC3339Nano))
		}
		from = all[len(all)-1].Time
		shown = map[string]int{}
		for i := len(all) - 1; i >= 0 && all[i].Time.Equal(from); i-- {
			shown[all[i].key()]++
		}
	}
}

// Count returns how many entries selector, a log query, has with from <= timestamp < to, by count_over_time: unlike Entries it counts an
// entry twice that is stored twice. LogQL knows no range shorter than a millisecond: from is moved back to make whole ones.
func (r Reader) Count(ctx context.Context, selector string, from, to time.Time) (int, error) {
	// A range vector is open on the left and closed on the right: one nanosecond earlier it holds what a log query holds.
	milliseconds := (to.Sub(from) + time.Millisecond - 1) / time.Millisecond
	query := fmt.Sprintf("sum(count_over_time(%s [%dms]))", selector, milliseconds)
	samples, err := r.Instant(ctx, query, to.Add(-time.Nanosecond))
	if err != nil {
		return 0, err
	}
	if len(samples) == 0 {
		return 0, nil
	}
	return int(samples[0].Value), nil
}

// Instant evaluates a metric query at one moment. The samples come sorted by value, largest first, then by labels.
func (r Reader) Instant(ctx context.Context, query string, at time.Time) ([]Sample, error) {
	var result []struct {
		Metric map[string]string `json:"metric"`
		Value  [2]any            `json:"value"`
	}
	params := url.Values{"query": {query}, "time": {nanos(at)}}
	if err := r.query(ctx, "/loki/api/v1/query", params, "vector", &result); err != nil {
		return nil, err
	}
	samples := make([]Sample, 0, len(result))
	for _, element := range result {
		text, _ := element.Value[1].(string)
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("reading the value of %q: %w", query, err)
		}
		samples = append(samples, Sample{Labels: element.Metric, Value: value})
	}
	sort.Slice(samples, func(i, j int) bool {
		if samples[i].Value != samples[j].Value {
			return samples[i].Value > samples[j].Value
		}
		return fmt.Sprint(samples[i].Labels) < fmt.Sprint(samples[j].Labels)
	})
	return samples, nil
}

// Flush has the ingester write all its chunks out, so that later duplicates meet no head block.
func (r Reader) Flush(ctx context.Context) error {
	_, err := r.do(ctx, http.MethodPost, "/flush", nil)
	return err
}

// Latest returns the last entries that query selects with from <= timestamp < to, at most limit (up to 5000), oldest first.
func (r Reader) Latest(ctx context.Context, query string, limit int, from, to time.Time) ([]Entry, error) {
	return r.page(ctx, query, from, to, "backward", limit)
}

// page returns the oldest ("forward") or newest ("backward") entries of a range, at most limit, oldest first.
func (r Reader) page(ctx context.Context, query string, from, to time.Time, direction string, limit int) ([]Entry, error) {
	var result []struct {
		Stream map[string]string    `json:"stream"`
		Values [][3]json.RawMessage `json:"values"`
	}
	params := url.Values{
		"query": {query}, "start": {nanos(from)}, "end": {nanos(to)},
		"limit": {strconv.Itoa(limit)}, "direction": {direction},
	}
	if err := r.query(ctx, "/loki/api/v1/query_range", params, "streams", &result); err != nil {
		return nil, err
	}
	var page []Entry
	for _, stream := range result {
		for _, value := range stream.Values {
			entry, err := decodeEntry(value)
			if err != nil {
				return nil, fmt.Errorf("reading an entry of %v: %w", stream.Stream, err)
			}
			entry.Labels = stream.Stream
			page = append(page, entry)
		}
	}
	sort.SliceStable(page, func(i, j int) bool { return page[i].Time.Before(page[j].Time) })
	return page, nil
}

// decodeEntry reads [timestamp, line, {"structuredMetadata": {...}, "parsed": {...}}].
func decodeEntry(value [3]json.RawMessage) (Entry, error) {
	var entry Entry
	var text string
	if err := json.Unmarshal(value[0], &text); err != nil {
		return entry, err
	}
	ns, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return entry, err
	}
	entry.Time = time.Unix(0, ns).UTC()
	if err := json.Unmarshal(value[1], &entry.Line); err != nil {
		return entry, err
	}
	if len(value[2]) > 0 {
		var categories struct {
			Metadata map[string]string `json:"structuredMetadata"`
		}
		if err := json.Unmarshal(value[2], &categories); err != nil {
			return entry, err
		}
		entry.Metadata = categories.Metadata
	}
	return entry, nil
}

// query asks a query endpoint and decodes its result, which must be of the named type.
func (r Reader) query(ctx context.Context, path string, params url.Values, resultType string, result any) error {
	body, err := r.do(ctx, http.MethodGet, path, params)
	if err != nil {
		return err
	}
	var answer struct {
		Data struct {
			Type   string          `json:"resultType"`
			Result json.RawMessage `json:"result"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("reading loki's answer: %w", err)
	}
	if answer.Data.Type != resultType {
		return fmt.Errorf("asking loki %q: the result is of type %q, not %q", params.Get("query"), answer.Data.Type, resultType)
	}
	if err := json.Unmarshal(answer.Data.Result, result); err != nil {
		return fmt.Errorf("reading loki's answer: %w", err)
	}
	return nil
}

func (r Reader) do(ctx context.Context, method, path string, params url.Values) ([]byte, error) {
	target := r.URL + path
	if len(params) > 0 {
		target += "?" + params.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, nil)
	if err != nil {
		return nil, fmt.Errorf("asking loki: %w", err)
	}
	// Keeps structured metadata and parsed labels apart from the stream's own labels.
	req.Header.Set("X-Loki-Response-Encoding-Flags", "categorize-labels")
	client := r.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking loki: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("reading loki's answer: %w", err)
	}
	if resp.StatusCode/100 != 2 {
		return nil, fmt.Errorf("asking loki %s %q: %s: %s", path, params.Get("query"), resp.Status, strings.TrimSpace(string(body)))
	}
	return body, nil
}

// key identifies an entry among those of one timestamp.
func (e Entry) key() string {
	names := make([]string, 0, len(e.Labels))
	for name := range e.Labels {
		names = append(names, name)
	}
	sort.Strings(names)
	var key strings.Builder
	for _, name := range names {
		fmt.Fprintf(&key, "%q=%q,", name, e.Labels[name])
	}
	key.WriteString(e.Line)
	return key.String()
}

func nanos(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }
