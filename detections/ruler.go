package detections

import (
	"bytes"
	_ "embed"
	"fmt"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

// RulerFile is ruler.yaml: the rules for Loki's ruler, for line_format "envelope".
//
//go:embed ruler.yaml
var RulerFile []byte

// maxGroup is how many rules a group holds: Grafana Cloud's limit. Loki evaluates those of a group one after another.
const maxGroup = 20

const generated = "# Written by `go generate ./detections` from detections/rules and detections/sigma/rules: change those instead.\n"

// A group is rules that are evaluated together, as often.
type group struct {
	name     string
	interval model.Duration
	rules    []Rule
}

// groups puts rules with the same severity and interval together, in the order of rules.
func groups(prefix string, rules []Rule) (all []*group) {
	open := map[string]*group{}
	parts := map[string]int{}
	for _, rule := range rules {
		key := fmt.Sprintf("%s-%s-%s", prefix, rule.Severity, rule.Interval)
		if open[key] == nil || len(open[key].rules) == maxGroup {
			parts[key]++
			name := key
			if parts[key] > 1 {
				name = fmt.Sprintf("%s-%d", key, parts[key])
			}
			open[key] = &group{name: name, interval: rule.Interval}
			all = append(all, open[key])
		}
		open[key].rules = append(open[key].rules, rule)
	}
	return all
}

type rulerFile struct {
	Groups []rulerGroup `yaml:"groups"`
}

type rulerGroup struct {
	Name     string      `yaml:"name"`
	Interval string      `yaml:"interval"`
	Rules    []rulerRule `yaml:"rules"`
}

type rulerRule struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// Ruler writes rules as a rule file for Loki's ruler, for one line format.
func Ruler(rules, sigma []Rule, lineFormat string, links Links) ([]byte, error) {
	var file rulerFile
	for _, g := range append(groups("okta", withAdministrators(rules)), groups("okta-sigma", sigma)...) {
		group := rulerGroup{Name: g.name, Interval: g.interval.String()}
		for _, rule := range g.rules {
			group.Rules = append(group.Rules, rulerRule{
				Alert: rule.Alert(), Expr: rule.QueryFor(lineFormat), Labels: rule.alertLabels(),
				Annotations: rule.annotations(rulerEngine, lineFormat, links),
			})
		}
		file.Groups = append(file.Groups, group)
	}
	return encode(generated+"# Rules for Loki's ruler, for line_format \""+lineFormat+"\".\n", file)
}

func encode(header string, file any) ([]byte, error) {
	var out bytes.Buffer
	out.WriteString(header)
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(file); err != nil {
		return nil, err
	}
	return out.Bytes(), encoder.Close()
}
