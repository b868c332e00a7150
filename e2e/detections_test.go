package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/detections"
	"github.com/grafana/alloy/okta/internal/testbed"
)

const detectionsConfig = `
loki.source.okta "default" {
	url              = sys.env("OKTA_URL")
	api_token        = sys.env("OKTA_API_TOKEN")
	poll_interval    = "1s"
	initial_lookback = "3h"
	rate_limit_share = 1
	forward_to       = [loki.write.default.receiver]
}

loki.write "default" {
	endpoint {
		url        = sys.env("LOKI_URL") + "/loki/api/v1/push"
		batch_wait = "200ms"
	}
}
`

// evaluated is how often the rules are evaluated here, in place of every minute and more.
const evaluated = 5 * time.Second

// TestAScenarioRaisesItsAlertsOnce has alloy-okta collect an attack from oktasim into a real Loki whose ruler evaluates the rules of
// detections/ruler.yaml. Within one evaluation of the arrival in Loki, each expected alert is with the receiver, once, with the actor.
func TestAScenarioRaisesItsAlertsOnce(t *testing.T) {
	t.Parallel()
	rules, err := detections.Rules(os.DirFS("../detections/rules"))
	require.NoError(t, err)
	raised := map[string][]string{} // alerts of high severity, by scenario
	ours := map[string]bool{}
	for _, rule := range rules {
		ours[rule.Alert()] = true
		for _, scenario := range rule.Scenarios {
			if rule.Severity == "high" {
				raised[scenario] = append(raised[scenario], rule.Alert())
			}
		}
	}
	require.Len(t, raised, 11)
	for scenario, want := range raised {
		if long() || scenario == "push-bombing" {
			t.Run(scenario, func(t *testing.T) { proveAlerts(t, scenario, want, ours) })
		}
	}
}

// severalFold are scenarios and alerts in which several act, and each of them raises the alert once.
var severalFold = map[string]int{
	"password-spray OktaPasswordSpray":                     4, // addresses
	"credential-stuffing OktaPasswordAttackFromOneDevice":  2, // browsers, by dtHash
	"credential-stuffing OktaPasswordAttackFromOneNetwork": 2, // Tallinn's and Singapore's
}

func proveAlerts(t *testing.T, scenario string, want []string, ours map[string]bool) {
	alertmanager, err := testbed.StartAlertmanager()
	require.NoError(t, err)
	t.Cleanup(func() { alertmanager.Close() })
	loki := &testbed.Loki{Bin: program(t, "loki"), Dir: t.TempDir(), Rules: fasterRules(t), Alertmanager: alertmanager.URL}
	runLoki(t, loki)
	o := startOrg(t, "--quiet", "--backlog=300", "--backlog-span=2h", "--rate=0/s")
	c := newCollector(t, []byte(detectionsConfig), o, loki)
	c.start(t)
	waitForEvents(t, loki, o)
	require.Empty(t, named(alertmanager, "high"), "the traffic of a quiet org")

	o.control(t, http.MethodPost, "scenario?name="+scenario)
	waitForEvents(t, loki, o)
	arrived := time.Now()
	require.Eventually(t, func() bool { return lastEvaluation(t, loki).After(arrived.Add(evaluated)) }, time.Minute, 200*time.Millisecond)
	for _, name := range want {
		several := max(1, severalFold[scenario+" "+name])
		require.Eventually(t, func() bool { return len(named(alertmanager, name)) >= several }, time.Minute, 100*time.Millisecond, name) // on its way
		alerts := named(alertmanager, name)
		require.Lenf(t, alerts, several, "%s is raised once for each: %v", name, alerts)
		after := alerts[0].StartsAt.Sub(arrived)
		t.Logf("%s: %v after the events were in Loki: %v", name, after.Round(time.Millisecond), alerts[0].Labels)
		require.LessOrEqual(t, after, 2*evaluated, "%s: at the next evaluation; a busy machine may leave out one", name)
		labels := alerts[0].Labels
		who := labels["actor_id"] + labels["user"] + labels["ip"] + labels["device"] + labels["asn"]
		if name == "OktaPasswordAttackOnTheOrg" { // of many users from many places: the org is what it is about
			who = labels["org"]
		}
		require.NotEmpty(t, who, "%s tells who or where from: %v", name, labels)
		require.NotContains(t, alerts[0].Annotations["summary"], "no value")
	}
	for _, other := range named(alertmanager, "high") {
		require.True(t, !ours[other.Labels["alertname"]] || slices.Contains(want, other.Labels["alertname"]), "%v", other.Labels)
	}
	c.stop(t)
}

// fasterRules are those of detections/ruler.yaml, evaluated more often.
func fasterRules(t *testing.T) []byte {
	t.Helper()
	rules, err := os.ReadFile("../detections/ruler.yaml")
	require.NoError(t, err)
	faster := regexp.MustCompile(`(?m)^    interval: \w+$`).ReplaceAll(rules, []byte("    interval: "+evaluated.String()))
	require.NotEqual(t, rules, faster)
	return faster
}

// Compose's Loki with deploy/compose/ruler.yaml raises an alert whose links lead to Compose's Grafana, and to the data source there.
func TestComposesRulerLinksToItsGrafana(t *testing.T) {
	t.Parallel()
	alertmanager, err := testbed.StartAlertmanager()
	require.NoError(t, err)
	t.Cleanup(func() { alertmanager.Close() })
	loki := composeLoki(t, fasterRules(t), alertmanager.URL)
	o := startOrg(t, "--quiet", "--backlog=300", "--backlog-span=2h", "--rate=0/s")
	c := newCollector(t, []byte(detectionsConfig), o, loki)
	c.start(t)
	o.control(t, http.MethodPost, "scenario?name=push-bombing")
	waitForEvents(t, loki, o)
	var raised []testbed.Alert
	require.Eventually(t, func() bool {
		raised = named(alertmanager, "OktaPushBombing")
		return len(raised) > 0
	}, time.Minute, 200*time.Millisecond)
	c.stop(t)
	require.Regexp(t, `^http://localhost:3000/d/okta-investigation\?`, raised[0].Annotations["dashboard"])
	link, err := url.Parse(raised[0].Source)
	require.NoError(t, err)
	require.Equal(t, "localhost:3000", link.Host)
	require.Regexp(t, `"datasource": ?(\{[^}]*"uid": ?)?"loki"`, link.Query().Get("left")+link.Query().Get("panes"))
}

// waitForEvents waits until Loki has every event of the org.
func waitForEvents(t *testing.T, loki *testbed.Loki, o *org) {
	t.Helper()
	want := len(o.persisted(t))
	require.Eventually(t, func() bool {
		got, err := loki.Reader().Count(t.Context(), `{job="loki.source.okta"}`, time.Now().Add(-4*time.Hour), time.Now().Add(time.Minute))
		return err == nil && got == want
	}, time.Minute, 100*time.Millisecond, "%d events in Loki", want)
}

// lastEvaluation returns when the rule that was evaluated least recently was. A rule that failed fails the test.
func lastEvaluation(t *testing.T, loki *testbed.Loki) (oldest time.Time) {
	t.Helper()
	resp, err := http.Get(loki.URL() + "/prometheus/api/v1/rules")
	require.NoError(t, err)
	defer resp.Body.Close()
	var answer struct {
		Data struct {
			Groups []struct {
				Rules []struct {
					Name, Health, LastError string
					LastEvaluation          time.Time
				}
			}
		}
	}
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&answer))
	rules := 0
	for _, group := range answer.Data.Groups {
		for _, rule := range group.Rules {
			rules++
			require.NotEqualf(t, "err", rule.Health, "%s: %s", rule.Name, rule.LastError)
			if rules == 1 || rule.LastEvaluation.Before(oldest) {
				oldest = rule.LastEvaluation
			}
		}
	}
	require.Greater(t, rules, 90)
	return oldest
}

// named returns the alerts of this name, or of this severity. Of those that differ only in what was done, from where and when, the first.
func named(alertmanager *testbed.Alertmanager, name string) (found []testbed.Alert) {
	seen := map[string]bool{}
	for _, alert := range alertmanager.Alerts() {
		labels := maps.Clone(alert.Labels)
		if labels["at"] != "" { // about single events
			delete(labels, "target")
			delete(labels, "ip")
			delete(labels, "at")
		}
		key := fmt.Sprint(labels)
		if seen[key] {
			continue
		}
		seen[key] = true
		if alert.Labels["alertname"] == name || alert.Labels["severity"] == name {
			found = append(found, alert)
		}
	}
	return found
}
