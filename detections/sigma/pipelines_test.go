package sigma

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/grafana/alloy/okta/internal/event"
)

// mappings is what a pipeline maps, by field: the labels of which one must match.
func mappings(t *testing.T, name string) map[string][]string {
	t.Helper()
	content, err := os.ReadFile("pipelines/" + name + ".yml")
	require.NoError(t, err)
	var pipeline struct {
		Transformations []struct {
			Type    string
			Mapping map[string]any
		}
	}
	require.NoError(t, yaml.Unmarshal(content, &pipeline))
	all := map[string][]string{}
	for _, transformation := range pipeline.Transformations {
		for field, to := range transformation.Mapping {
			switch to := to.(type) {
			case string:
				all[field] = []string{to}
			case []any:
				for _, label := range to {
					all[field] = append(all[field], label.(string))
				}
			}
		}
	}
	return all
}

// TestPipelinesMapTheSameNames holds the three against each other. Those for envelopes leave the prefix event_ to loki_okta_system_log,
// which comes after them.
func TestPipelinesMapTheSameNames(t *testing.T) {
	raw, envelope, collector := mappings(t, "okta-raw"), mappings(t, "okta-envelope"), mappings(t, "okta-logs-collector")
	require.Equal(t, envelope, collector)
	require.Greater(t, len(raw), 60)
	require.Equal(t, len(raw), len(envelope))
	metadata := event.DefaultStructuredMetadata()
	for field, labels := range envelope {
		require.Len(t, raw[field], len(labels), field)
		for i, label := range labels {
			if !strings.HasPrefix(field, "target.") {
				require.Equal(t, label, raw[field][i], field)
				require.True(t, strings.EqualFold(field, strings.ReplaceAll(label, "_", ".")), field)
				continue
			}
			require.Equal(t, "event_"+label, raw[field][i], field)
			require.Contains(t, metadata, raw[field][i], field)
		}
	}
	for _, field := range []string{
		"debugcontext.debugdata.factor", "debugcontext.debugdata.dthash", "debugcontext.debugdata.privilegegranted",
		"debugcontext.debugdata.pushonlyresponsetype", "transaction.detail.requestapitokenid", "target.displayname", "client.ipaddress",
	} {
		require.Contains(t, envelope, field)
	}
}

// TestOwnRulesFindTheirEvents takes testdata/own_rules.txt.
func TestOwnRulesFindTheirEvents(t *testing.T) {
	paragraphs := strings.Split(string(read(t, "testdata/own_rules.txt")), "\n\n")
	require.Greater(t, len(paragraphs), 4)
	for _, paragraph := range paragraphs[1:] { // the first is about the file
		rule := strings.Split(paragraph, "\n")
		require.Len(t, rule, 5)
		t.Run(rule[0], func(t *testing.T) {
			for i, lineFormat := range []string{event.FormatEnvelope, event.FormatEvent} {
				queries := map[string]*logQuery{"it": parse(t, rule[1+i])}
				f := formatter(t, event.Options{LineFormat: lineFormat})
				require.Len(t, matches(t, queries, f, []byte(rule[3])), 1, lineFormat)
				require.Empty(t, matches(t, queries, f, []byte(rule[4])), lineFormat)
			}
		})
	}
}
