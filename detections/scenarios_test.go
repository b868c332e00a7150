package detections

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/detections/lokitest"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

// day pushes what a quiet org of this name logs within 24 hours, with attacks that end at its end, which is returned.
func day(t *testing.T, loki *lokitest.Loki, name string, n int, scenarios ...string) (end time.Time) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o := &oktasim.Org{Quiet: true, Clock: 72 * time.Hour}
		require.NoError(t, o.GenerateWith(n, 24*time.Hour, scenarios...))
		end = o.Now()
		f, err := event.New(event.Options{Org: name})
		require.NoError(t, err)
		for _, e := range entries(t, f, bytes.Join(o.Events(), []byte("\n"))) {
			loki.Push(e)
		}
	})
	return end
}

// raised returns the labels of a rule's alerts, evaluated as a ruler would from one time to another.
func raised(t *testing.T, loki *lokitest.Loki, rule Rule, from, to time.Time) (alerts []map[string]string) {
	t.Helper()
	matrix, err := loki.Range(t.Context(), rule.Query, from, to, time.Duration(rule.Interval))
	require.NoError(t, err)
	for _, series := range matrix {
		alerts = append(alerts, series.Metric.Map())
	}
	return withoutEvidence(rule, alerts)
}

// TestScenariosRaiseTheirRules compares the member scenarios with what oktasim's attacks raise, each in an org of its own, beyond what the
// same everyday events raise in an org without an attack.
func TestScenariosRaiseTheirRules(t *testing.T) {
	t.Parallel()
	const surroundings, quiet = 500, "quiet"
	loki := &lokitest.Loki{}
	end := day(t, loki, quiet, surroundings)
	for _, scenario := range oktasim.Scenarios() {
		day(t, loki, scenario.Name, surroundings, scenario.Name)
	}
	raisedBy := map[string][]string{}
	for _, rule := range rules(t) {
		count := map[string]int{}
		for _, alert := range raised(t, loki, rule, end.Add(-20*time.Minute), end.Add(20*time.Minute)) {
			count[alert["org"]]++
		}
		for _, scenario := range oktasim.Scenarios() {
			if count[scenario.Name] > count[quiet] {
				raisedBy[rule.Name] = append(raisedBy[rule.Name], scenario.Name)
			}
		}
	}
	var wrong []string
	for _, rule := range rules(t) {
		if !slices.Equal(raisedBy[rule.Name], rule.Scenarios) {
			wrong = append(wrong, fmt.Sprintf("%s: scenarios: [%s]", rule.Name, strings.Join(raisedBy[rule.Name], ", ")))
		}
	}
	require.Empty(t, wrong)
	all := slices.Concat(slices.Collect(maps.Values(raisedBy))...)
	for _, scenario := range oktasim.Scenarios() {
		require.Contains(t, all, scenario.Name, "each raises something")
	}
}

// TestAQuietDayRaisesNothingHigh has 20,000 everyday events. Rules look back 15 minutes at least, so that every five minutes will do.
func TestAQuietDayRaisesNothingHigh(t *testing.T) {
	t.Parallel()
	loki := &lokitest.Loki{}
	end := day(t, loki, org, 20_000)
	for _, rule := range append(rules(t), sigmaRules(t)...) {
		if rule.Severity != "high" {
			continue
		}
		rule.Interval = max(rule.Interval, model.Duration(5*time.Minute))
		require.Empty(t, raised(t, loki, rule, end.Add(-23*time.Hour), end), rule.Name)
	}
}
