package mixin

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/mixin/exposition"
)

// dashboard is the part of Grafana's model that is held to account.
type dashboard struct {
	UID, Title string
	Tags       []string
	Editable   bool
	Templating struct {
		List []struct {
			Name       string
			Type       string
			Definition string
		}
	}
	Panels []panel
}

type panel struct {
	ID                 int
	Type               string
	Title, Description string
	GridPos            struct{ X, Y, W, H int }
	Targets            []struct {
		RefID, Expr string
		Datasource  struct{ Type, UID string }
	}
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	content, err := os.ReadFile("dashboards/loki-source-okta.json")
	require.NoError(t, err)
	var d dashboard
	require.NoError(t, json.Unmarshal(content, &d))
	return d
}

// added are the labels that Alloy and the scrape put on each series.
var added = []string{"cluster", "component_id", "component_path", "instance", "job", "namespace"}

// alloys are metrics of Alloy that the alerts look at beside the component's.
var alloys = map[string]exposition.Metric{
	"loki_write_dropped_entries_total":  {Type: "counter", Labels: []string{"host", "reason", "tenant"}},
	"alloy_config_last_load_successful": {Type: "gauge", Labels: []string{"cluster_name"}},
}

// requireExported asserts that every metric of a query is one of the component's, with labels that it has, and returns their names.
func requireExported(t *testing.T, exported map[string]exposition.Metric, query string) (names []string) {
	t.Helper()
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(query)
	require.NoErrorf(t, err, "%s", query)
	known := slices.Clone(added)
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		name := selector.Name
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			if base := strings.TrimSuffix(name, suffix); exported[base].Type == "histogram" {
				name = base
				known = append(known, "le")
			}
		}
		require.Containsf(t, exported, name, "%s: the component has no such metric", query)
		own := append(slices.Clone(added), exported[name].Labels...)
		known = append(known, own...)
		for _, matcher := range selector.LabelMatchers {
			if matcher.Name != labels.MetricName {
				require.Containsf(t, own, matcher.Name, "%s: %s has no such label", query, name)
			}
		}
		names = append(names, name)
		return nil
	})
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		var grouping []string
		switch n := node.(type) {
		case *parser.AggregateExpr:
			grouping = n.Grouping
		case *parser.BinaryExpr:
			if n.VectorMatching != nil {
				grouping = n.VectorMatching.MatchingLabels
			}
		}
		for _, label := range grouping {
			require.Containsf(t, known, label, "%s groups by a label that no metric of it has", query)
		}
		return nil
	})
	require.NotEmptyf(t, names, "%s asks nothing of the component", query)
	return names
}

var variable = regexp.MustCompile(`\$\w+`)

func TestDashboardAndAlertsUseExportedMetrics(t *testing.T) {
	exported := exposition.Of(t)
	shown := map[string]bool{}
	d := readDashboard(t)
	variables := map[string]bool{"$__rate_interval": true}
	for _, v := range d.Templating.List {
		variables["$"+v.Name] = true
	}
	engine := promqltest.NewTestEngine(t, false, 0, 1_000_000)
	empty := promqltest.LoadedStorage(t, "")
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			for _, name := range variable.FindAllString(target.Expr, -1) {
				require.Containsf(t, variables, name, "panel %q", p.Title)
			}
			query := strings.ReplaceAll(target.Expr, "$__rate_interval", "5m")
			for _, name := range requireExported(t, exported, query) {
				shown[name] = true
			}
			run, err := engine.NewInstantQuery(t.Context(), empty, nil, query, time.Unix(0, 0))
			require.NoError(t, err)
			require.NoErrorf(t, run.Exec(t.Context()).Err, "%s", query)
			run.Close()
		}
	}
	for _, v := range d.Templating.List {
		if v.Type == "query" {
			inner := regexp.MustCompile(`^label_values\((.*), (\w+)\)$`).FindStringSubmatch(v.Definition)
			require.NotNil(t, inner, v.Definition)
			requireExported(t, exported, inner[1])
			require.Contains(t, append([]string{"org"}, added...), inner[2])
		}
	}
	all := maps.Clone(exported)
	maps.Copy(all, alloys)
	for _, rule := range readRules(t) {
		requireExported(t, all, rule.Expr)
	}
	for _, test := range readRuleTests(t).Tests {
		for _, series := range test.InputSeries {
			requireExported(t, all, series.Series)
		}
	}
	for name := range exported {
		require.Truef(t, shown[name], "the dashboard shows nothing of %s", name)
	}
}

func TestTheDashboardIsLaidOutSoundly(t *testing.T) {
	d := readDashboard(t)
	require.NotEmpty(t, d.UID)
	require.Contains(t, d.Tags, "alloy-mixin", "Alloy's dashboards link to each other by this tag")
	require.False(t, d.Editable)
	require.NotEmpty(t, d.Title)
	ids := map[int]string{}
	taken := map[string]string{}
	bottom := 0
	for _, p := range d.Panels {
		require.NotEmpty(t, p.Title)
		require.NotContainsf(t, ids, p.ID, "%q and %q share an id", p.Title, ids[p.ID])
		require.Positive(t, p.ID)
		ids[p.ID] = p.Title
		g := p.GridPos
		require.Truef(t, g.X >= 0 && g.Y >= 0 && g.W > 0 && g.H > 0 && g.X+g.W <= 24, "%q does not fit into 24 columns", p.Title)
		for x := g.X; x < g.X+g.W; x++ {
			for y := g.Y; y < g.Y+g.H; y++ {
				cell := fmt.Sprint(x, ",", y)
				require.NotContainsf(t, taken, cell, "%q overlaps %q", p.Title, taken[cell])
				taken[cell] = p.Title
			}
		}
		bottom = max(bottom, g.Y+g.H)
		if p.Type == "row" {
			require.Empty(t, p.Targets)
			continue
		}
		require.NotEmptyf(t, p.Description, "%q explains nothing", p.Title)
		require.NotEmptyf(t, p.Targets, "%q shows nothing", p.Title)
		refs := map[string]bool{}
		for _, target := range p.Targets {
			require.Falsef(t, refs[target.RefID], "%q has two queries %s", p.Title, target.RefID)
			refs[target.RefID] = true
			require.Equal(t, "${datasource}", target.Datasource.UID)
		}
	}
	require.Len(t, taken, 24*bottom, "there are holes between the panels")
}

// What mixin.libsonnet names is there, and nothing else is.
func TestTheMixinNamesItsFiles(t *testing.T) {
	content, err := os.ReadFile("mixin.libsonnet")
	require.NoError(t, err)
	var named []string
	for _, m := range regexp.MustCompile(`import(?:str)? '([^']+)'`).FindAllStringSubmatch(string(content), -1) {
		named = append(named, m[1])
	}
	dashboards, err := filepath.Glob("dashboards/*")
	require.NoError(t, err)
	require.Equal(t, append(dashboards, "alerts.yaml"), named)
}
