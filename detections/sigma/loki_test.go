package sigma

import (
	"slices"
	"testing"

	"github.com/grafana/loki/v3/pkg/logql/log"
	"github.com/grafana/loki/v3/pkg/logql/syntax"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event"
)

// logQuery is a log query as Loki runs it: matchers choose streams, the pipeline is run on each of their entries.
type logQuery struct {
	matchers []*labels.Matcher
	pipeline log.Pipeline
	fields   []string // what its filters read, in order
}

func parse(t *testing.T, text string) *logQuery {
	t.Helper()
	expr, err := syntax.ParseLogSelector(text, true)
	require.NoError(t, err, text)
	pipeline, err := expr.Pipeline()
	require.NoError(t, err, text)
	q := &logQuery{matchers: expr.Matchers(), pipeline: pipeline}
	for _, stage := range expr.(*syntax.PipelineExpr).MultiStages {
		if filter, ok := stage.(*syntax.LabelFilterExpr); ok {
			for _, name := range filter.RequiredLabelNames() {
				if !slices.Contains(q.fields, name) {
					q.fields = append(q.fields, name)
				}
			}
		}
	}
	return q
}

// matches tells whether Loki shows the entry. The labels and metadata that its distributor adds by itself are there, too.
func (q *logQuery) matches(entry event.Entry) bool {
	stream := labels.NewBuilder(labels.EmptyLabels())
	for name, value := range entry.Labels {
		stream.Set(string(name), string(value))
	}
	stream.Set("service_name", string(entry.Labels["job"]))
	for _, m := range q.matchers {
		if !m.Matches(stream.Labels().Get(m.Name)) {
			return false
		}
	}
	metadata := labels.NewBuilder(labels.FromStrings("detected_level", "info"))
	for _, m := range entry.StructuredMetadata {
		metadata.Set(m.Name, m.Value)
	}
	_, _, ok := q.pipeline.ForStream(stream.Labels()).ProcessString(entry.Timestamp.UnixNano(), entry.Line, metadata.Labels())
	return ok
}

func formatter(t *testing.T, options event.Options) *event.Formatter {
	t.Helper()
	options.Org = "acme.okta.com"
	f, err := event.New(options)
	require.NoError(t, err)
	return f
}
