package dashboards

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grafana/loki/v3/pkg/logql"
	"github.com/grafana/loki/v3/pkg/logql/syntax"
	"github.com/stretchr/testify/require"
)

// few are the labels that have few values in every org, so that the 500 groups that Loki allows a piece of a query suffice for them. Of
// targets, those of single sign-on: applications. Whoever has more orgs chooses among them.
var few = []string{"org", "country", "eventType", "outcome", "reason", "os", "browser", "factor", "push", "event_target_displayName"}

// TestLokiCutsOnlyQueriesWithFewGroups has Loki's own mappers cut the query of each panel, into hours and into shards, as they do by
// default: a piece with more than 500 groups is refused, whatever becomes of them afterwards. So what is grouped by users, addresses or
// other labels with any number of values must stay whole up to where few are left.
func TestLokiCutsOnlyQueriesWithFewGroups(t *testing.T) {
	cut := 0
	for name, p := range panels(t, Envelope) {
		query := fillIn(p.Targets[0].Expr, nil)
		expr, err := syntax.ParseExpr(strings.ReplaceAll(query, "2h0m0s", "24h"))
		require.NoError(t, err, name)
		whole, metric := expr.(syntax.SampleExpr)
		if !metric {
			continue
		}
		hours, err := logql.NewRangeMapper(time.Hour, logql.NewRangeMapperMetrics(nil), logql.NewMapperStats())
		require.NoError(t, err)
		_, byHours, err := hours.Parse(expr)
		require.NoError(t, err, name)
		shards := logql.NewShardMapper(logql.NewPowerOfTwoStrategy(logql.ConstantShards(4)), logql.NewShardMapperMetrics(nil), nil)
		_, _, byShards, err := shards.Parse(expr)
		require.NoError(t, err, name)
		pieces := slices.Concat(piecesOf(byHours), piecesOf(byShards))
		for _, piece := range append(pieces, whole) {
			require.True(t, hasFewGroups(piece), "%s may have more than 500 groups: %s", name, piece)
		}
		cut += len(pieces)
	}
	require.Greater(t, cut, 1000, "24 hours, and shards")
}

// piecesOf are the parts of a query that Loki evaluates apart.
func piecesOf(expr syntax.Expr) (pieces []syntax.SampleExpr) {
	expr.Walk(func(e syntax.Expr) bool {
		switch e := e.(type) {
		case logql.DownstreamSampleExpr:
			pieces = append(pieces, e.SampleExpr)
			return false
		case *logql.ConcatSampleExpr:
			pieces = append(pieces, e.SampleExpr)
		}
		return true
	})
	return pieces
}

// hasFewGroups tells whether a result has at most 500 series.
func hasFewGroups(expr syntax.SampleExpr) bool {
	switch e := expr.(type) {
	case *syntax.BinOpExpr:
		return hasFewGroups(e.SampleExpr) && hasFewGroups(e.RHS)
	case *syntax.VectorAggregationExpr:
		if e.Operation == syntax.OpTypeTopK || e.Operation == syntax.OpTypeBottomK {
			return e.Params <= 500
		}
		return e.Grouping == nil || !slices.ContainsFunc(e.Grouping.Groups, func(label string) bool { return !slices.Contains(few, label) })
	default:
		_, literal := expr.(*syntax.LiteralExpr)
		return literal
	}
}

// TestLinesAreFilteredBeforeTheyAreParsed holds each query to a filter on the line, the cheapest of all, before its first parser.
func TestLinesAreFilteredBeforeTheyAreParsed(t *testing.T) {
	parsed := 0
	for name, p := range panels(t, Envelope) {
		expr, err := syntax.ParseExpr(fillIn(p.Targets[0].Expr, map[string]string{"user": "mara"}))
		require.NoError(t, err, name)
		expr.Walk(func(e syntax.Expr) bool {
			pipeline, ok := e.(*syntax.PipelineExpr)
			if !ok {
				return true
			}
			for i, stage := range pipeline.MultiStages {
				switch stage.(type) {
				case *syntax.JSONExpressionParserExpr, *syntax.LineParserExpr:
					_, filtered := pipeline.MultiStages[0].(*syntax.LineFilterExpr)
					require.True(t, i > 0 && filtered, "%s parses every line: %s", name, pipeline)
					parsed++
				}
			}
			return true
		})
	}
	require.Greater(t, parsed, 40)
}
