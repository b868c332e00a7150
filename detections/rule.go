package detections

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"github.com/grafana/alloy/okta/internal/event"
)

// Severities are what a rule may have, most severe first.
var Severities = []string{"high", "medium", "low", "informational"}

// A Rule is a detection as written in rule.yaml.
type Rule struct {
	Name           string            `yaml:"-"`              // of its folder
	Title          string            `yaml:"title"`          // one line, for the alert
	Description    string            `yaml:"description"`    // what an attacker does
	Severity       string            `yaml:"severity"`       // one of Severities
	Attack         []string          `yaml:"attack"`         // techniques of ATT&CK
	Window         model.Duration    `yaml:"window"`         // how far back the query looks; 15 minutes at least
	Interval       model.Duration    `yaml:"interval"`       // between evaluations; by default by severity and window, see often
	Labels         []string          `yaml:"labels"`         // of the alert
	Query          string            `yaml:"query"`          // LogQL for line_format "envelope"; fires for every element of its result
	FalsePositives string            `yaml:"falsePositives"` // what else raises it
	Tuning         string            `yaml:"tuning"`         // what to change then
	Investigate    []string          `yaml:"investigate"`    // what to do when it is raised, step by step
	Contain        []string          `yaml:"contain"`        // how to stop it: lists of contain.yaml by name, or sentences
	Needs          string            `yaml:"needs"`          // Okta's edition or setting, or metadata; "" for none
	Redact         []string          `yaml:"redact"`         // with which it still works: preset, or preset/hash for mode "hash" alone
	Scenarios      []string          `yaml:"scenarios"`      // of oktasim that raise it
	Shapes         map[string]string `yaml:"shapes"`         // of its events in which it does otherwise, see shapes_test.go, and why
	References     []string          `yaml:"references"`     // by name
	Administrators string            `yaml:"administrators"` // actor or target: a variant is high where that holds a role; "" for none

	sigma    bool   // whether it is one of Sigma's
	forEvent string // the query for line_format "event" where it does not follow from Query
	base     string // of a variant: the alert whose runbook it has
}

// intervals are how often rules are evaluated, by severity. Each evaluation reads the whole window: at a million events a day the pack
// takes below a quarter of a core with these, and more than two thirds when high is evaluated every minute.
var intervals = map[string]time.Duration{
	"high": 5 * time.Minute, "medium": 10 * time.Minute, "low": 30 * time.Minute, "informational": 30 * time.Minute,
}

// often is how often a rule is evaluated: by severity, and no more than every quarter of an hour when it looks back more than half an hour.
func often(severity string, window model.Duration) model.Duration {
	interval := intervals[severity]
	if time.Duration(window) > 30*time.Minute {
		interval = max(interval, 15*time.Minute)
	}
	return model.Duration(interval)
}

// Rules reads the rules in a folder such as rules/, in the order of severity and name. What is missing or unknown in one is an error.
func Rules(folder fs.FS) ([]Rule, error) {
	files, err := fs.Glob(folder, "*/rule.yaml")
	if err != nil {
		return nil, err
	}
	var rules []Rule
	for _, severity := range Severities {
		for _, file := range files {
			rule, err := read(folder, file)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			if rule.Severity == severity {
				rules = append(rules, rule)
			}
		}
	}
	return rules, nil
}

func read(folder fs.FS, file string) (rule Rule, err error) {
	content, err := fs.ReadFile(folder, file)
	if err != nil {
		return rule, err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	if err := decoder.Decode(&rule); err != nil {
		return rule, err
	}
	rule.Name = path.Base(path.Dir(file))
	rule.Query = atMost(withEvidence(strings.TrimSpace(rule.Query)))
	if !slices.Contains(Severities, rule.Severity) {
		return rule, fmt.Errorf("severity %q: must be one of %s", rule.Severity, strings.Join(Severities, ", "))
	}
	if rule.Interval == 0 {
		rule.Interval = often(rule.Severity, rule.Window)
	}
	for name, text := range map[string]string{
		"title": rule.Title, "description": rule.Description, "query": rule.Query, "falsePositives": rule.FalsePositives, "tuning": rule.Tuning,
	} {
		if text == "" {
			return rule, fmt.Errorf("%s is missing", name)
		}
	}
	if rule.Administrators != "" && ofAdministrators[rule.Administrators] == "" {
		return rule, fmt.Errorf("administrators %q: must be actor or target", rule.Administrators)
	}
	if rule.Contain, err = containment(rule.Contain); err != nil {
		return rule, err
	}
	if len(rule.Investigate) == 0 || len(rule.Contain) == 0 {
		return rule, errors.New("investigate and contain are both wanted: what to look at, and how to stop it")
	}
	return rule, nil
}

// maxAlerts is how many alerts one rule may have at a time, over all orgs. Loki's ruler fails a rule whose result has more series than
// max_query_series, by default 500 (pkg/logql/engine.go of Loki 3.7), and then shows none: in the largest attack a rule would be blind.
const maxAlerts = 100

// atMost has a query give the maxAlerts elements with the highest values, unless it is limited already.
func atMost(query string) string {
	if strings.HasPrefix(query, "topk(") {
		return query
	}
	return fmt.Sprintf("topk(%d,\n  %s\n)", maxAlerts, strings.ReplaceAll(query, "\n", "\n  "))
}

// Alert is the name of the rule's alert, such as OktaPushBombing.
func (r Rule) Alert() string {
	var name strings.Builder
	name.WriteString("Okta")
	for word := range strings.FieldsFuncSeq(r.Name, func(c rune) bool { return c == '-' || c == '_' }) {
		if word == "okta" {
			continue
		}
		name.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return name.String()
}

// QueryFor returns the query for a line format, event.FormatEnvelope or event.FormatEvent. Paths into the envelope's member event
// become paths into the line.
func (r Rule) QueryFor(lineFormat string) string {
	if lineFormat == event.FormatEvent {
		if r.forEvent != "" {
			return r.forEvent
		}
		return strings.ReplaceAll(r.Query, `="event.`, `="`)
	}
	return r.Query
}
