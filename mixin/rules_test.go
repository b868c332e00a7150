package mixin

import (
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/template"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// ruleTests is the part of promtool's format that alerts_test.yaml uses.
type ruleTests struct {
	RuleFiles          []string       `yaml:"rule_files"`
	EvaluationInterval model.Duration `yaml:"evaluation_interval"`
	Tests              []struct {
		Name        string
		Interval    model.Duration
		InputSeries []struct{ Series, Values string } `yaml:"input_series"`
		AlertTests  []struct {
			Alertname string
			EvalTime  model.Duration `yaml:"eval_time"`
			Alerts    []alert        `yaml:"exp_alerts"`
		} `yaml:"alert_rule_test"`
	}
}

// alert is one that fires.
type alert struct {
	Labels      map[string]string `yaml:"exp_labels"`
	Annotations map[string]string `yaml:"exp_annotations"` // empty: any
}

func readRules(t *testing.T) map[string]rulefmt.Rule {
	t.Helper()
	content, err := os.ReadFile("alerts.yaml")
	require.NoError(t, err)
	groups, errs := rulefmt.Parse(content, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler)) // parses the queries and the templates too
	require.Empty(t, errs)
	rules := map[string]rulefmt.Rule{}
	for _, group := range groups.Groups {
		for _, rule := range group.Rules {
			rules[rule.Alert] = rule
		}
	}
	return rules
}

func readRuleTests(t *testing.T) (tests ruleTests) {
	t.Helper()
	file, err := os.Open("alerts_test.yaml")
	require.NoError(t, err)
	defer file.Close()
	decoder := yaml.NewDecoder(file)
	decoder.KnownFields(true)
	require.NoError(t, decoder.Decode(&tests))
	return tests
}

// Prometheus evaluates a rule every interval; an alert fires once its query has had the same result labels for the rule's `for`.
// Source: Prometheus, "Alerting rules". (Prometheus' own package for it needs modules beyond this build's.)
func firing(t *testing.T, rule rulefmt.Rule, db storage.Queryable, interval, at time.Duration) []alert {
	t.Helper()
	engine := promqltest.NewTestEngine(t, false, 0, 1_000_000)
	since := map[string]time.Duration{}
	var alerts []alert
	for now := time.Duration(0); now <= at; now += interval {
		query, err := engine.NewInstantQuery(t.Context(), db, nil, rule.Expr, timestamp.Time(now.Milliseconds()))
		require.NoError(t, err)
		result := query.Exec(t.Context())
		require.NoError(t, result.Err)
		vector, err := result.Vector()
		require.NoError(t, err)
		active := map[string]time.Duration{}
		alerts = nil
		for _, sample := range vector {
			key := sample.Metric.String()
			active[key] = now
			if began, ok := since[key]; ok {
				active[key] = began
			}
			if now-active[key] >= time.Duration(rule.For) {
				alerts = append(alerts, raise(t, rule, sample, now))
			}
		}
		query.Close()
		since = active
	}
	return alerts
}

func raise(t *testing.T, rule rulefmt.Rule, sample promql.Sample, now time.Duration) alert {
	t.Helper()
	a := alert{Labels: sample.Metric.Map(), Annotations: map[string]string{}}
	delete(a.Labels, labels.MetricName)
	data := template.AlertTemplateData(a.Labels, nil, "", sample)
	for name, text := range rule.Annotations {
		expanded, err := template.NewTemplateExpander(t.Context(), "{{$labels := .Labels}}{{$value := .Value}}"+text, rule.Alert, data,
			model.TimeFromUnixNano(now.Nanoseconds()), nil, &url.URL{}, nil).Expand()
		require.NoError(t, err)
		a.Annotations[name] = expanded
	}
	maps.Copy(a.Labels, rule.Labels)
	return a
}

func TestAlertsFireWhenTheyShouldAndOnlyThen(t *testing.T) {
	tests, rules := readRuleTests(t), readRules(t)
	fired, silent := map[string]bool{}, map[string]bool{}

	for _, test := range tests.Tests {
		t.Run(test.Name, func(t *testing.T) {
			load := fmt.Sprintf("load %s\n", test.Interval)
			for _, series := range test.InputSeries {
				load += "  " + series.Series + " " + series.Values + "\n"
			}
			db := promqltest.LoadedStorage(t, load)
			for _, c := range test.AlertTests {
				rule, ok := rules[c.Alertname]
				require.Truef(t, ok, "no alert %s", c.Alertname)
				got := firing(t, rule, db, time.Duration(tests.EvaluationInterval), time.Duration(c.EvalTime))
				name := func(a alert) string { return fmt.Sprint(a.Labels) }
				require.Equalf(t, slices.Sorted(each(c.Alerts, name)), slices.Sorted(each(got, name)), "%s at %s", c.Alertname, c.EvalTime)
				for i, want := range c.Alerts {
					if len(want.Annotations) > 0 {
						require.Equal(t, want.Annotations, got[i].Annotations)
					}
				}
				fired[c.Alertname] = fired[c.Alertname] || len(c.Alerts) > 0
				silent[c.Alertname] = silent[c.Alertname] || len(c.Alerts) == 0
			}
		})
	}
	for name := range rules {
		require.Truef(t, fired[name], "no series make %s fire", name)
		require.Truef(t, silent[name], "no series leave %s silent", name)
	}
}

func each(alerts []alert, f func(alert) string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, a := range alerts {
			if !yield(f(a)) {
				return
			}
		}
	}
}

func TestEveryAlertTellsWhatToDo(t *testing.T) {
	runbook, err := os.ReadFile("../docs/operations.md")
	require.NoError(t, err)
	for name, rule := range readRules(t) {
		require.Contains(t, []string{"critical", "warning"}, rule.Labels["severity"], name)
		require.NotEmpty(t, rule.Annotations["summary"], name)
		require.NotEmpty(t, rule.Annotations["description"], name)
		require.Equal(t, "docs/operations.md#"+strings.ToLower(name), rule.Annotations["runbook"])
		require.Containsf(t, string(runbook), "\n### "+name+"\n", "the runbook of %s", name)
	}
	require.Len(t, readRules(t), strings.Count(string(runbook), "\n### Okta"), "a runbook without an alert")
}
