package detections

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/grafana/alloy/okta/internal/event"
)

// The folder in Grafana that grafana/sigma-rule-deployment owns, and the UID of Grafana Cloud's Loki data source. Both stand in its
// config.yml.
const (
	deploymentFolder = "okta-detections"
	deploymentSource = "grafanacloud-logs"
)

// deployment is a deployment file of grafana/sigma-rule-deployment v0.2.2 (Alert in internal/model/types.go there): what Grafana's
// provisioning API takes. The annotation manual keeps it from being overwritten or deleted by its integrate action.
type deployment struct {
	ID        int    `json:"id"`
	UID       string `json:"uid"`
	OrgID     int    `json:"orgID"`
	FolderUID string `json:"folderUID"`
	RuleGroup string `json:"ruleGroup"`
	grafanaRule
}

// deploymentGroup is the group of rules that are evaluated so often. The action sets a group's interval to the time_window of the
// conversion in config.yml that names the group, so each must be there.
func deploymentGroup(interval time.Duration) string {
	return fmt.Sprintf("Okta every %.0f minutes", interval.Minutes())
}

// deploymentLevels are Sigma's levels in config.yml, each with the interval of a group: four levels for the four intervals of our rules.
var deploymentLevels = []struct {
	level    string
	interval time.Duration
}{
	{"high", 5 * time.Minute}, {"medium", 10 * time.Minute}, {"low", 15 * time.Minute}, {"informational", 30 * time.Minute},
}

// Deployments returns, by name, config.yml for grafana/sigma-rule-deployment with our pipelines, and our rules as its deployment
// files, for the default line format.
func Deployments(rules, sigma []Rule, links Links) (map[string][]byte, error) {
	if links.DataSource == "" {
		links.DataSource = deploymentSource
	}
	files := map[string][]byte{"config.yml": deploymentConfig(sigma, links)}
	for _, rule := range withAdministrators(rules) {
		r := grafanaOf(rule, event.FormatEnvelope, links)
		r.Annotations["manual"] = "true"
		d := deployment{
			UID: r.UID, OrgID: 1, FolderUID: deploymentFolder, RuleGroup: deploymentGroup(time.Duration(rule.Interval)), grafanaRule: r,
		}
		var out bytes.Buffer
		encoder := json.NewEncoder(&out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(d); err != nil {
			return nil, fmt.Errorf("%s: %w", rule.Name, err)
		}
		files[filepath.Join("deployments", "alert_rule_okta_"+d.UID+".json")] = out.Bytes()
	}
	return files, nil
}

func deploymentConfig(sigma []Rule, links Links) []byte {
	var conversions strings.Builder
	for _, l := range deploymentLevels {
		fmt.Fprintf(&conversions, "  - name: okta_%s\n    rule_group: %s\n    time_window: %s\n    input:\n",
			l.level, deploymentGroup(l.interval), strings.TrimSuffix(l.interval.String(), "0s"))
		for _, rule := range sigma {
			if rule.Severity == l.level {
				fmt.Fprintf(&conversions, "      - rules/okta/%s.yml\n", rule.Name)
			}
		}
	}
	return fmt.Appendf(nil, deploymentConfigFile, links.DataSource, conversions.String(), deploymentFolder)
}

const deploymentConfigFile = `# For grafana/sigma-rule-deployment v0.2.2: see docs/detections.md > Install.
# Written by go generate ./detections.
folders:
  conversion_path: ./conversions
  deployment_path: ./deployments # copy our deployments here

conversion_defaults:
  target: loki
  format: default
  file_pattern: "*.yml"
  data_source: %s
  lookback: 2m # the lag of events that is accepted
  pipelines:
    - pipelines/okta-envelope.yml # of detections/sigma/pipelines: without it every rule reads every log
    - loki_okta_system_log
  backend_options:
    case_sensitive: true # Okta's words have one spelling
    add_line_filters: false # they change what a rule finds that excludes by a regular expression

# Sigma's rules for Okta, copied into rules/okta. A group's interval is the time_window that stands here: our deployments are in these
# groups, so keep each of them.
conversions:
%s
integration:
  folder_id: %s # the UID of a folder that holds nothing else: a fresh deployment replaces what is in it
  org_id: 1
  test_queries: true
  from: now-1h
  to: now
  template_labels:
    severity: "{{.Level}}"
    source: okta # as the routes in deploy/alerting want
    pack: sigma

deployment:
  grafana_instance: https://example.grafana.net
  timeout: 10s
`
