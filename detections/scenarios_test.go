package detections

import (
	"bytes"
	"fmt"
	"os"
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

// day is what a quiet org logs within 24 hours, with attacks that end at its end.
func day(t *testing.T, n int, scenarios ...string) (loki *lokitest.Loki, end time.Time) {
	t.Helper()
	loki = &lokitest.Loki{}
	synctest.Test(t, func(t *testing.T) {
		o := &oktasim.Org{Quiet: true, Clock: 72 * time.Hour}
		require.NoError(t, o.GenerateWith(n, 24*time.Hour, scenarios...))
		end = o.Now()
		for _, e := range entries(t, formatter(t, event.Options{}), bytes.Join(o.Events(), []byte("\n"))) {
			loki.Push(e)
		}
	})
	return loki, end
}

// raised returns the alerts of a rule, evaluated as a ruler would from one time to another.
func raised(t *testing.T, loki *lokitest.Loki, rule Rule, from, to time.Time) (alerts []string) {
	t.Helper()
	matrix, err := loki.Range(t.Context(), rule.Query, from, to, time.Duration(rule.Interval))
	require.NoError(t, err)
	for _, series := range matrix {
		alerts = append(alerts, series.Metric.String())
	}
	return alerts
}

// TestScenariosRaiseTheirRules compares the member scenarios with what oktasim's attacks raise, beyond what their surroundings do.
func TestScenariosRaiseTheirRules(t *testing.T) {
	const surroundings = 500
	quiet, _ := day(t, surroundings)
	raisedBy := map[string][]string{}
	for _, scenario := range oktasim.Scenarios() {
		loki, end := day(t, surroundings, scenario.Name)
		from, to := end.Add(-20*time.Minute), end.Add(20*time.Minute)
		for _, rule := range rules(t) {
			before := raised(t, quiet, rule, from, to)
			now := raised(t, loki, rule, from, to)
			if slices.ContainsFunc(now, func(alert string) bool { return !slices.Contains(before, alert) }) {
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
	require.Len(t, slices.Compact(slices.Sorted(func(yield func(string) bool) {
		for _, names := range raisedBy {
			for _, name := range names {
				if !yield(name) {
					return
				}
			}
		}
	})), len(oktasim.Scenarios()), "each raises something")
}

// TestAQuietDayRaisesNothingHigh has 20,000 everyday events. Rules look back 15 minutes at least, so that every five minutes will do;
// the long form evaluates as often as a ruler.
func TestAQuietDayRaisesNothingHigh(t *testing.T) {
	loki, end := day(t, 20_000)
	for _, rule := range append(rules(t), sigmaRules(t)...) {
		if rule.Severity != "high" {
			continue
		}
		if os.Getenv("OKTA_E2E") != "long" {
			rule.Interval = max(rule.Interval, model.Duration(5*time.Minute))
		}
		require.Empty(t, raised(t, loki, rule, end.Add(-23*time.Hour), end), rule.Name)
	}
}
