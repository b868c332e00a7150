package detections

import (
	"bytes"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// grafanaRoute is a policy in Grafana's file provisioning: a route of Alertmanager's with matchers of three parts (NotificiationPolicyV1 in
// pkg/services/provisioning/alerting of grafana/grafana).
type grafanaRoute struct {
	OrgID          int            `yaml:"orgId,omitempty"`
	Receiver       string         `yaml:"receiver"`
	GroupBy        []string       `yaml:"group_by,omitempty"`
	ObjectMatchers [][3]string    `yaml:"object_matchers,omitempty"`
	Matchers       []string       `yaml:"matchers,omitempty"` // the same, for Alertmanager
	Mute           []string       `yaml:"mute_time_intervals,omitempty"`
	GroupWait      string         `yaml:"group_wait,omitempty"`
	GroupInterval  string         `yaml:"group_interval,omitempty"`
	RepeatInterval string         `yaml:"repeat_interval,omitempty"`
	Routes         []grafanaRoute `yaml:"routes,omitempty"`
}

func (r *grafanaRoute) toAlertmanager() {
	for _, m := range r.ObjectMatchers {
		r.Matchers = append(r.Matchers, fmt.Sprintf("%s%s%q", m[0], m[1], m[2]))
	}
	r.OrgID, r.ObjectMatchers = 0, nil
	for i := range r.Routes {
		r.Routes[i].toAlertmanager()
	}
}

// grafanaPolicy is deploy/alerting/grafana-policy.yaml as Alertmanager's configuration, which is what Grafana makes of it: its Alertmanager is
// built of the same code. Alertmanager's own checks see that all receivers and mute timings are there.
func grafanaPolicy(t *testing.T) *config.Config {
	t.Helper()
	content, err := os.ReadFile("../deploy/alerting/grafana-policy.yaml")
	require.NoError(t, err)
	var file struct {
		APIVersion    int `yaml:"apiVersion"`
		ContactPoints []struct {
			OrgID     int    `yaml:"orgId"`
			Name      string `yaml:"name"`
			Receivers []struct {
				UID, Type string
				Settings  map[string]string
			}
		} `yaml:"contactPoints"`
		MuteTimes []struct {
			OrgID     int              `yaml:"orgId"`
			Name      string           `yaml:"name"`
			Intervals []map[string]any `yaml:"time_intervals"`
		} `yaml:"muteTimes"`
		Policies []grafanaRoute
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	require.NoError(t, decoder.Decode(&file))
	require.Equal(t, 1, file.APIVersion)
	require.Len(t, file.Policies, 1, "an organization of Grafana's has one tree")

	route := file.Policies[0]
	route.toAlertmanager()
	require.Empty(t, route.Matchers, "the default policy takes what nothing else takes")
	out := map[string]any{"route": route}
	var receivers, mutes []map[string]any
	for _, point := range file.ContactPoints {
		require.NotEmpty(t, point.Receivers, "%s leads nowhere", point.Name)
		receivers = append(receivers, map[string]any{"name": point.Name})
	}
	for _, mute := range file.MuteTimes {
		mutes = append(mutes, map[string]any{"name": mute.Name, "time_intervals": mute.Intervals})
	}
	out["receivers"], out["time_intervals"] = receivers, mutes
	content, err = yaml.Marshal(out)
	require.NoError(t, err)
	conf, err := config.Load(string(content))
	require.NoError(t, err, string(content))
	return conf
}

// The same alerts as in [TestWhatIsToldToWhom], which Grafana's policy tells to the same, but for what inhibition keeps silent there.
func TestWhatGrafanasPolicyTellsToWhom(t *testing.T) {
	t.Parallel()
	conf := grafanaPolicy(t)
	fails := func(pack, severity, rule string) firing {
		f := alarm("DatasourceError", pack, severity, "")
		f.labels["rulename"] = model.LabelValue(rule)
		delete(f.labels, "org")
		return f
	}
	later := alarm("A", "alloy-okta", "high", "00u1")
	later.labels["ip"] = "198.51.100.7"
	later.at = []time.Duration{30 * time.Minute, 40 * time.Minute, 50 * time.Minute}
	foreign := firing{labels: model.LabelSet{"alertname": "DiskFull", "severity": "high"}, interval: later.interval, at: later.at}
	const atOnce, day = "okta-at-once 11m0s 1", "okta-working-day 25m0s 1"
	for name, c := range map[string]struct {
		firings []firing
		want    []string
	}{
		"high":               {[]firing{ours("A", "high", "00u1")}, []string{atOnce}},
		"high of two actors": {[]firing{ours("A", "high", "00u1"), ours("A", "high", "00u2")}, []string{atOnce, atOnce}},
		"two of one actor":   {[]firing{ours("A", "high", "00u1"), ours("B", "high", "00u1")}, []string{"okta-at-once 11m0s 2"}},
		"a second act":       {[]firing{ours("A", "high", "00u1"), later}, []string{atOnce, "okta-at-once 31m0s 2"}},
		"medium":             {[]firing{ours("A", "medium", "00u1")}, []string{day}},
		"medium beside high": {[]firing{ours("A", "high", "00u1"), ours("B", "medium", "00u1")}, []string{atOnce, day}},
		"low":                {[]firing{ours("A", "low", "00u1")}, []string{"okta-reports 25m0s 1"}},
		"low of two actors":  {[]firing{ours("A", "low", "00u1"), ours("A", "informational", "00u2")}, []string{"okta-reports 25m0s 2"}},
		"Sigma, high":        {[]firing{alarm("A", "sigma", "high", "00u1")}, []string{atOnce}},
		"Sigma, beside ours": {[]firing{ours("A", "high", "00u1"), alarm("B", "sigma", "high", "00u1")}, []string{"okta-at-once 11m0s 2"}},
		"Sigma, medium":      {[]firing{alarm("A", "sigma", "medium", "00u1")}, nil},
		"Sigma, low":         {[]firing{alarm("A", "sigma", "low", "00u1")}, nil},
		"about no actor":     {[]firing{ours("A", "high", ""), ours("B", "medium", "")}, []string{atOnce, day}},
		"rules that fail": {[]firing{fails("sigma", "low", "A"), fails("alloy-okta", "high", "B"), fails("alloy-okta", "medium", "C")},
			[]string{"okta-at-once 11m0s 3"}},
		"not about Okta": {[]firing{foreign}, []string{"okta-working-day 30m30s 1"}},
	} {
		var got []string
		for _, n := range notifications(t, conf, c.firings, 20*time.Hour) {
			got = append(got, fmt.Sprintf("%s %s %d", n.receiver, n.after, len(n.alerts)))
		}
		require.ElementsMatch(t, c.want, got, name)
	}
}
