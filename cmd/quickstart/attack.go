package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/grafana/alloy/okta/detections"
	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/testbed"
)

const (
	scenario      = "push-bombing"
	scenarioAlert = "OktaPushBombing" // by which one knows that the rules have found it
	// evaluated is how often the demo's Loki evaluates each rule, instead of every minute and more: nobody waits that long.
	evaluated    = 5 * time.Second
	alertsWithin = time.Minute
)

var interval = regexp.MustCompile(`(?m)^    interval: \w+$`)

// demoRules are the rules in detections, evaluated more often.
func demoRules() []byte {
	return interval.ReplaceAllLiteral(detections.RulerFile, []byte("    interval: "+evaluated.String()))
}

// attack plays an attack in the simulated org and prints the alerts that it raises.
func (l *launch) attack(ctx context.Context) error {
	all := oktasim.Scenarios()
	about := all[slices.IndexFunc(all, func(s oktasim.Scenario) bool { return s.Name == scenario })].About
	l.say("An attack on the simulated org: %s.", about)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.oktasimURL+"/_oktasim/scenario?name="+scenario, nil)
	if err != nil {
		return fmt.Errorf("playing an attack: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("playing an attack: %w", err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		return fmt.Errorf("playing an attack: %s", response.Status)
	}
	l.say("Loki evaluates the rules of detections/ruler.yaml every %s here, instead of every minute and more.", evaluated)

	raised := func(a testbed.Alert) bool { return a.Labels["alertname"] == scenarioAlert }
	for started := time.Now(); !slices.ContainsFunc(l.alerts.Alerts(), raised); {
		if time.Since(started) > alertsWithin {
			return fmt.Errorf("no alert %s within %s", scenarioAlert, alertsWithin)
		}
		if err := sleep(ctx, time.Second); err != nil {
			return err
		}
	}
	if err := sleep(ctx, evaluated); err != nil { // what other rules have to say
		return err
	}
	_, err = l.out.Write(alertPage(l.alerts.Alerts()))
	return err
}

// grafanaAddress is where deploy/compose has Grafana. The demo starts none.
const grafanaAddress = "http://localhost:3000"

// alertPage shows the alerts of high severity, each name once, with the link to their events, and counts the others.
func alertPage(alerts []testbed.Alert) []byte {
	var page bytes.Buffer
	page.WriteString("\n")
	others := 0
	shown := map[string]bool{}
	for _, alert := range alerts {
		if alert.Labels["severity"] != detections.Severities[0] {
			others++
			continue
		}
		if shown[alert.Labels["alertname"]] {
			continue
		}
		shown[alert.Labels["alertname"]] = true
		fmt.Fprintf(&page, "ALERT  %s  %s  %s\n       %s\n", alert.Labels["severity"], alert.Labels["alertname"], alert.Labels["attack"],
			alert.Annotations["summary"])
		if link := alert.Annotations["dashboard"]; link != "" {
			if !strings.Contains(link, "://") { // the ruler has no external_url
				link = grafanaAddress + link
			}
			fmt.Fprintf(&page, "       events, in a Grafana with the dashboards: %s\n       what to do: %s\n", link,
				alert.Annotations["runbook_url"])
		}
	}
	fmt.Fprintf(&page, "       and %d of lower severity\n\n", others)
	return page.Bytes()
}
