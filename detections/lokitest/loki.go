// Package lokitest runs LogQL over entries in memory, with Loki's own query engine: what a rule or a panel finds, without a Loki.
//
// Loki's MockQuerier would do, but it drops structured metadata, which rules about targets need.
package lokitest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grafana/dskit/user"
	"github.com/grafana/loki/v3/pkg/iter"
	"github.com/grafana/loki/v3/pkg/logproto"
	"github.com/grafana/loki/v3/pkg/logql"
	"github.com/grafana/loki/v3/pkg/logqlmodel"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"

	"github.com/grafana/alloy/okta/internal/event"
)

// Loki holds entries and answers queries over them. The zero value is empty and ready to use, by one goroutine at a time.
type Loki struct {
	streams map[string]*stream // by labels
	engine  *logql.QueryEngine
}

type stream struct {
	labels  labels.Labels
	entries []entry
}

type entry struct {
	time     int64 // nanoseconds since 1970
	line     string
	metadata labels.Labels
}

// Push adds an entry, also one that is there already. Its stream gets the label, its metadata the key that Loki's distributor adds.
func (l *Loki) Push(e event.Entry) {
	stream := labels.NewBuilder(labels.EmptyLabels())
	for name, value := range e.Labels {
		stream.Set(string(name), string(value))
	}
	stream.Set("service_name", string(e.Labels["job"]))
	metadata := labels.NewBuilder(labels.FromStrings("detected_level", "info"))
	for _, m := range e.StructuredMetadata {
		metadata.Set(m.Name, m.Value)
	}
	l.add(stream.Labels(), entry{e.Timestamp.UnixNano(), e.Line, metadata.Labels()})
}

func (l *Loki) add(to labels.Labels, e entry) {
	if l.streams == nil {
		l.streams = map[string]*stream{}
	}
	s := l.streams[to.String()]
	if s == nil {
		s = &stream{labels: to}
		l.streams[to.String()] = s
	}
	at, _ := slices.BinarySearchFunc(s.entries, e.time+1, func(e entry, t int64) int { return int(e.time - t) })
	s.entries = slices.Insert(s.entries, at, e)
}

// Instant evaluates a metric query at one moment, as a ruler does.
func (l *Loki) Instant(ctx context.Context, query string, at time.Time) (promql.Vector, error) {
	data, err := l.query(ctx, query, at, at, 0)
	if err != nil {
		return nil, err
	}
	vector, ok := data.(promql.Vector)
	if !ok {
		return nil, fmt.Errorf("%s: a vector was expected, not %T", query, data)
	}
	return vector, nil
}

// Range evaluates a metric query at from, from+step, and so on, up to to.
func (l *Loki) Range(ctx context.Context, query string, from, to time.Time, step time.Duration) (promql.Matrix, error) {
	data, err := l.query(ctx, query, from, to, step)
	if err != nil {
		return nil, err
	}
	matrix, ok := data.(promql.Matrix)
	if !ok {
		return nil, fmt.Errorf("%s: a matrix was expected, not %T", query, data)
	}
	return matrix, nil
}

// Lines evaluates a log query over from <= timestamp < to, and returns the lines, oldest first.
func (l *Loki) Lines(ctx context.Context, query string, from, to time.Time) ([]string, error) {
	data, err := l.query(ctx, query, from, to, 0)
	if err != nil {
		return nil, err
	}
	streams, ok := data.(logqlmodel.Streams)
	if !ok {
		return nil, fmt.Errorf("%s: lines were expected, not %T", query, data)
	}
	var found []logproto.Entry
	for _, s := range streams {
		found = append(found, s.Entries...)
	}
	slices.SortStableFunc(found, func(a, b logproto.Entry) int { return a.Timestamp.Compare(b.Timestamp) })
	lines := make([]string, len(found))
	for i, e := range found {
		lines[i] = e.Line
	}
	return lines, nil
}

const maxLines = 1_000_000

func (l *Loki) query(ctx context.Context, query string, from, to time.Time, step time.Duration) (any, error) {
	if l.engine == nil {
		l.engine = logql.NewEngine(logql.EngineOpts{}, l, logql.NoLimits, nil)
	}
	params, err := logql.NewLiteralParams(query, from, to, step, 0, logproto.FORWARD, maxLines, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	result, err := l.engine.Query(params).Exec(user.InjectOrgID(ctx, "lokitest"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	return result.Data, nil
}

// SelectLogs is for Loki's engine.
func (l *Loki) SelectLogs(_ context.Context, params logql.SelectLogParams) (iter.EntryIterator, error) {
	selector, err := params.LogSelector()
	if err != nil {
		return nil, err
	}
	pipeline, err := selector.Pipeline()
	if err != nil {
		return nil, err
	}
	found := map[string]*logproto.Stream{}
	for _, s := range l.matching(selector.Matchers()) {
		process := pipeline.ForStream(s.labels)
		for _, e := range s.within(params.Start, params.End.Add(-1)) {
			line, result, ok := process.ProcessString(e.time, e.line, e.metadata)
			if !ok {
				continue
			}
			name := result.String()
			if found[name] == nil {
				found[name] = &logproto.Stream{Labels: name}
			}
			found[name].Entries = append(found[name].Entries, logproto.Entry{Timestamp: time.Unix(0, e.time), Line: strings.Clone(line)})
		}
	}
	var iterators []iter.EntryIterator
	for _, s := range found {
		iterators = append(iterators, iter.NewStreamIterator(*s))
	}
	return iter.NewSortEntryIterator(iterators, logproto.FORWARD), nil
}

// SelectSamples is for Loki's engine.
func (l *Loki) SelectSamples(_ context.Context, params logql.SelectSampleParams) (iter.SampleIterator, error) {
	selector, err := params.LogSelector()
	if err != nil {
		return nil, err
	}
	expr, err := params.Expr()
	if err != nil {
		return nil, err
	}
	extractors, err := expr.Extractors()
	if err != nil {
		return nil, err
	}
	found := map[string]*logproto.Series{}
	for _, s := range l.matching(selector.Matchers()) {
		for _, extractor := range extractors {
			extract := extractor.ForStream(s.labels)
			for i, e := range s.within(params.Start, params.End) {
				samples, ok := extract.ProcessString(e.time, e.line, e.metadata)
				if !ok {
					continue
				}
				for _, sample := range samples {
					name := sample.Labels.String()
					if found[name] == nil {
						found[name] = &logproto.Series{Labels: name, StreamHash: extract.BaseLabels().Hash()}
					}
					// The place as the hash: two copies of an entry count twice, as they do in Loki when they are in different chunks.
					found[name].Samples = append(found[name].Samples, logproto.Sample{Timestamp: e.time, Value: sample.Value, Hash: uint64(i)})
				}
			}
		}
	}
	var series []logproto.Series
	for _, s := range found {
		slices.SortStableFunc(s.Samples, func(a, b logproto.Sample) int { return int(a.Timestamp - b.Timestamp) })
		series = append(series, *s)
	}
	return iter.NewMultiSeriesIterator(series), nil
}

func (l *Loki) matching(matchers []*labels.Matcher) (found []*stream) {
	for _, s := range l.streams {
		if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(s.labels.Get(m.Name)) }) {
			found = append(found, s)
		}
	}
	return found
}

// within returns the entries with from <= timestamp <= to.
func (s *stream) within(from, to time.Time) []entry {
	compare := func(e entry, t int64) int { return int(e.time - t) }
	first, _ := slices.BinarySearchFunc(s.entries, from.UnixNano(), compare)
	end, _ := slices.BinarySearchFunc(s.entries, to.UnixNano()+1, compare)
	return s.entries[first:max(first, end)]
}
