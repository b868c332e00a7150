package detections

import (
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// LokiDataSource is the UID of the data source that the generated alerts ask: Grafana wants one in the file.
const LokiDataSource = "loki"

// Grafana's file provisioning, see "Provision alerting resources" > "Create and manage alerting resources using file provisioning".
type grafanaFile struct {
	APIVersion int            `yaml:"apiVersion"`
	Groups     []grafanaGroup `yaml:"groups"`
}

type grafanaGroup struct {
	OrgID    int           `yaml:"orgId"`
	Name     string        `yaml:"name"`
	Folder   string        `yaml:"folder"`
	Interval string        `yaml:"interval"`
	Rules    []grafanaRule `yaml:"rules"`
}

// grafanaRule is a rule as files and API of Grafana's provisioning have it.
type grafanaRule struct {
	UID          string            `yaml:"uid" json:"-"` // a deployment has it in another place
	Title        string            `yaml:"title" json:"title"`
	Condition    string            `yaml:"condition" json:"condition"`
	Data         []grafanaQuery    `yaml:"data" json:"data"`
	NoDataState  string            `yaml:"noDataState" json:"noDataState"`   // OK: a query that finds nothing has no series
	ExecErrState string            `yaml:"execErrState" json:"execErrState"` // Error: a query that fails must not look like silence
	For          string            `yaml:"for" json:"for"`
	Labels       map[string]string `yaml:"labels" json:"labels"`
	Annotations  map[string]string `yaml:"annotations" json:"annotations"`
}

type grafanaQuery struct {
	RefID             string         `yaml:"refId" json:"refId"`
	QueryType         string         `yaml:"queryType,omitempty" json:"queryType"`
	RelativeTimeRange map[string]int `yaml:"relativeTimeRange" json:"relativeTimeRange"`
	DataSourceUID     string         `yaml:"datasourceUid" json:"datasourceUid"`
	Model             map[string]any `yaml:"model" json:"model"`
}

// Grafana writes rules as a file for Grafana's alert provisioning, for one line format. Grafana replaces $NAME by the environment's
// variable in such files, so that every $ is doubled.
func Grafana(rules, sigma []Rule, lineFormat string, links Links) ([]byte, error) {
	if links.DataSource == "" {
		links.DataSource = LokiDataSource
	}
	file := grafanaFile{APIVersion: 1}
	for _, g := range append(groups("okta", withAdministrators(rules)), groups("okta-sigma", sigma)...) {
		group := grafanaGroup{OrgID: 1, Name: g.name, Folder: "Okta detections", Interval: g.interval.String()}
		for _, rule := range g.rules {
			group.Rules = append(group.Rules, grafanaOf(rule, lineFormat, links))
		}
		file.Groups = append(file.Groups, group)
	}
	content, err := encode(generated+"# Alert rules for Grafana's provisioning, for line_format \""+lineFormat+
		"\" and a data source with the UID "+links.DataSource+".\n", file)
	header, body, _ := strings.Cut(string(content), "apiVersion")
	return []byte(header + "apiVersion" + strings.ReplaceAll(body, "$", "$$")), err
}

// grafanaOf is a rule for Grafana, with the panel by which it shows an alert.
func grafanaOf(rule Rule, lineFormat string, links Links) grafanaRule {
	annotations := rule.annotations(grafanaEngine, lineFormat, links)
	annotations["__dashboardUid__"], annotations["__panelId__"] = Dashboard, DashboardPanel
	return grafanaRule{
		UID: "okta-" + shorten(rule.Name), Title: rule.Alert(), Condition: "B",
		Data:        []grafanaQuery{grafanaExpr(rule.QueryFor(lineFormat), rule.Window, links.DataSource), grafanaAbove},
		NoDataState: "OK", ExecErrState: "Error", For: "0s",
		Labels: rule.alertLabels(), Annotations: annotations,
	}
}

func grafanaExpr(query string, window model.Duration, source string) grafanaQuery {
	return grafanaQuery{
		RefID: "A", QueryType: "instant", DataSourceUID: source,
		RelativeTimeRange: map[string]int{"from": int(time.Duration(window).Seconds()), "to": 0},
		Model:             map[string]any{"refId": "A", "queryType": "instant", "expr": query},
	}
}

// grafanaAbove fires for every series of the query: its own condition has left out the others.
var grafanaAbove = grafanaQuery{
	RefID: "B", DataSourceUID: "__expr__", RelativeTimeRange: map[string]int{"from": 0, "to": 0},
	Model: map[string]any{
		"refId": "B", "type": "threshold", "expression": "A",
		"conditions": []any{map[string]any{"evaluator": map[string]any{"type": "gt", "params": []int{0}}}},
	},
}

// shorten keeps a UID within Grafana's 40 characters: Sigma's names are longer.
func shorten(name string) string {
	name = strings.ReplaceAll(strings.TrimPrefix(name, "okta_"), "_", "-")
	return name[:min(len(name), 35)]
}
