package mixin

import (
	"cmp"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
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
			Alerts    []any          `yaml:"exp_alerts"`
		} `yaml:"alert_rule_test"`
	}
}

func readRules(t *testing.T) map[string]rulefmt.Rule {
	t.Helper()
	content, err := os.ReadFile("alerts.yaml")
	require.NoError(t, err)
	// Parses the queries and the templates too.
	groups, errs := rulefmt.Parse(content, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
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

// promtool evaluates the rules over the series as Prometheus does. It is in Debian's package prometheus, from which make test takes it.
func TestAlertsFireWhenTheyShouldAndOnlyThen(t *testing.T) {
	promtool, err := exec.LookPath(cmp.Or(os.Getenv("PROMTOOL_BIN"), "promtool"))
	require.NoError(t, err, "promtool is needed: .ci/deps promtool makes build/promtool, which PROMTOOL_BIN names")
	output, err := exec.CommandContext(t.Context(), promtool, "test", "rules", "alerts_test.yaml").CombinedOutput()
	require.NoErrorf(t, err, "%s", output)

	fired, silent := map[string]bool{}, map[string]bool{}
	for _, test := range readRuleTests(t).Tests {
		for _, c := range test.AlertTests {
			fired[c.Alertname] = fired[c.Alertname] || len(c.Alerts) > 0
			silent[c.Alertname] = silent[c.Alertname] || len(c.Alerts) == 0
		}
	}
	for name := range readRules(t) {
		require.Truef(t, fired[name], "no series make %s fire", name)
		require.Truef(t, silent[name], "no series leave %s silent", name)
	}
}

// servedRunbook is where alloy-okta serves docs/operations.md at its default address.
const servedRunbook = "http://127.0.0.1:12345/docs/operations.md"

func TestEveryAlertTellsWhatToDo(t *testing.T) {
	runbook, err := os.ReadFile("../docs/operations.md")
	require.NoError(t, err)
	for name, rule := range readRules(t) {
		require.Contains(t, []string{"critical", "warning"}, rule.Labels["severity"], name)
		require.NotEmpty(t, rule.Annotations["summary"], name)
		require.NotEmpty(t, rule.Annotations["description"], name)
		require.Equal(t, servedRunbook+"#"+strings.ToLower(name), rule.Annotations["runbook_url"])
		require.Containsf(t, string(runbook), "\n### "+name+"\n", "the runbook of %s", name)
	}
	require.Len(t, readRules(t), strings.Count(string(runbook), "\n### Okta"), "a runbook without an alert")
}
