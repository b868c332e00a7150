package event

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/grafana/alloy/okta/internal/rawjson"
)

// Job is the value of the job label when Options.Labels does not set it.
const Job = "loki.source.okta"

// sourceLabels are the labels that relabeling rules can read, besides
// __okta_org and the fixed labels, and where their values come from. All of
// them take few values in an org: users, addresses and ids are not among them,
// because a stream per user is what Loki handles worst.
var sourceLabels = map[model.LabelName]string{
	"__okta_event_type":              typePath,
	"__okta_legacy_event_type":       "legacyEventType",
	"__okta_severity":                severityPath,
	"__okta_level":                   severityPath, // as the level in the line: see level
	"__okta_outcome_result":          "outcome.result",
	"__okta_actor_type":              "actor.type",
	"__okta_target_type":             "target[AppInstance|User|0].type",
	"__okta_transaction_type":        "transaction.type",
	"__okta_client_device":           "client.device",
	"__okta_client_zone":             "client.zone",
	"__okta_client_country":          "client.geographicalContext.country",
	"__okta_authentication_provider": "authenticationContext.authenticationProvider",
	"__okta_credential_type":         "authenticationContext.credentialType",
	"__okta_is_proxy":                "securityContext.isProxy",
	"__okta_risk_level":              "securityContext.risk.level",
}

const (
	labelPrefix = "__okta_"
	levelLabel  = labelPrefix + "level"
)

// maxStreams bounds how many label sets a Formatter remembers. An org that has
// more of them than this has a cardinality problem before it has a speed problem.
const maxStreams = 4096

// A labeler gives events their labels.
type labeler struct {
	org     string            // the org's host, which rules can read whatever the org label says
	fixed   model.LabelSet    // what every event has before rules
	rules   []*relabel.Config // nil: every event has fixed
	sources []labelSource     // what the rules read

	mu      sync.RWMutex
	streams map[string]*stream // by the sources' values
}

type labelSource struct {
	name   model.LabelName
	output int // in the formatter's selection

	context func(Context) string // nil: it is the event's
}

// A stream is the outcome of relabeling: a set of labels, shared by all
// entries that have it.
type stream struct {
	labels model.LabelSet    // nil when the rules dropped the event
	key    model.Fingerprint // of labels
	taken  []bool            // metadata whose name is a label here, by position; nil: none
}

// newLabeler checks the options and adds what rules read to the selection.
func newLabeler(opts Options, profile []string, s *selection) (*labeler, error) {
	l := &labeler{
		org:     opts.Org,
		fixed:   model.LabelSet{"job": Job, "org": model.LabelValue(opts.Org)},
		streams: map[string]*stream{},
	}
	names := make([]string, 0, len(opts.Labels))
	for name := range opts.Labels {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		value := opts.Labels[name]
		if err := checkName(name); err != nil {
			return nil, fmt.Errorf("label %w", err)
		}
		if strings.HasPrefix(name, labelPrefix) {
			return nil, fmt.Errorf("label %q: names that begin with __okta_ are set from events; use another name", name)
		}
		if !model.LabelValue(value).IsValid() {
			return nil, fmt.Errorf("label %q: the value is not valid UTF-8", name)
		}
		l.fixed[model.LabelName(name)] = model.LabelValue(value)
	}

	for i, rule := range opts.RelabelRules {
		checked := *rule
		if checked.Regex.Regexp == nil || checked.Action == relabel.KeepEqual || checked.Action == relabel.DropEqual {
			// The last two do not use it, and want it to be this one.
			checked.Regex = relabel.DefaultRelabelConfig.Regex
		}
		if checked.NameValidationScheme == model.UnsetValidation {
			checked.NameValidationScheme = model.LegacyValidation
		}
		if err := checked.Validate(model.LegacyValidation); err != nil {
			return nil, fmt.Errorf("relabeling rule %d: %w", i+1, err)
		}
		l.rules = append(l.rules, &checked)
	}
	for name, from := range sourceLabels {
		if slices.ContainsFunc(l.rules, func(r *relabel.Config) bool { return reads(r, name) }) {
			p, err := rawjson.ParsePath(from, false)
			if err != nil {
				return nil, err
			}
			l.sources = append(l.sources, labelSource{name: name, output: s.add(p)})
		}
	}
	add := func(name model.LabelName, of func(Context) string) {
		if slices.ContainsFunc(l.rules, func(r *relabel.Config) bool { return reads(r, name) }) {
			l.sources = append(l.sources, labelSource{name: name, context: of})
		}
	}
	for name, of := range contextLabels {
		add(name, of)
	}
	for i, attribute := range profile {
		add(model.LabelName(labelPrefix+profileName(attribute)), func(c Context) string {
			if i < len(c.Profile) {
				return c.Profile[i]
			}
			return ""
		})
	}
	if err := l.checkSomeLeft(opts.Labels); err != nil {
		return nil, err
	}
	return l, nil
}

// reads tells whether a rule's outcome can depend on the label.
func reads(rule *relabel.Config, name model.LabelName) bool {
	switch rule.Action {
	case relabel.LabelMap:
		return rule.Regex.MatchString(string(name))
	case relabel.KeepEqual, relabel.DropEqual:
		if rule.TargetLabel == string(name) {
			return true
		}
	}
	return slices.Contains(rule.SourceLabels, name)
}

// stream returns the labels for an event whose source values are values, in
// the order of l.sources. taken tells which names may not be metadata as well.
func (l *labeler) stream(values []string, metadata []metadatum) *stream {
	var buf [256]byte
	key := buf[:0]
	for _, v := range values {
		key = append(key, v...)
		key = append(key, 0xff) // in no UTF-8 text
	}
	l.mu.RLock()
	known := l.streams[string(key)]
	l.mu.RUnlock()
	if known != nil {
		return known
	}

	made := l.relabel(values)
	for i, m := range metadata {
		if _, ok := made.labels[model.LabelName(m.name)]; ok {
			if made.taken == nil {
				made.taken = make([]bool, len(metadata))
			}
			made.taken[i] = true
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.streams) >= maxStreams {
		clear(l.streams)
	}
	l.streams[string(key)] = made
	return made
}

// relabel applies the rules to the fixed labels and the source values.
func (l *labeler) relabel(values []string) *stream {
	b := labels.NewBuilder(labels.EmptyLabels())
	for name, value := range l.fixed {
		b.Set(string(name), string(value))
	}
	if l.rules != nil {
		b.Set("__okta_org", l.org)
		for i, source := range l.sources {
			b.Set(string(source.name), strings.Clone(values[i]))
		}
		if !relabel.ProcessBuilder(b, l.rules...) {
			return &stream{}
		}
	}
	// labelmap makes names that it does not check. Loki reads none of a batch that has one it cannot read, and loki.write drops the batch.
	set := model.LabelSet{}
	b.Range(func(label labels.Label) {
		if !strings.HasPrefix(label.Name, model.ReservedLabelPrefix) && label.Value != "" && checkName(label.Name) == nil {
			set[model.LabelName(label.Name)] = model.LabelValue(label.Value)
		}
	})
	return &stream{labels: set, key: set.Fingerprint()}
}

// checkSomeLeft refuses options under which every entry is known to end up
// without labels: nothing selects it. Loki adds service_name and takes it, unless
// discover_service_name is empty. What rules make of an event's values is not known.
func (l *labeler) checkSomeLeft(configured map[string]string) error {
	always := &labeler{org: l.org, fixed: l.fixed}
	for _, rule := range l.rules {
		switch rule.Action {
		case relabel.Keep, relabel.Drop, relabel.KeepEqual, relabel.DropEqual:
			continue // these change no label
		case relabel.LabelDrop, relabel.LabelKeep:
		default:
			if slices.ContainsFunc(l.sources, func(s labelSource) bool { return reads(rule, s.name) }) {
				return nil
			}
		}
		always.rules = append(always.rules, rule)
	}
	if len(always.relabel(nil).labels) > 0 {
		return nil
	}
	return fmt.Errorf("labels %q and %d relabeling rules leave no label on any entry, and nothing selects such entries in Loki; "+
		"keep job or org, or add another label", configured, len(l.rules))
}

// checkName tells whether Loki can query a label or metadata called name.
func checkName(name string) error {
	if !model.LegacyValidation.IsValidLabelName(name) {
		return fmt.Errorf("%q: a name is letters, digits and underscores, and does not begin with a digit", name)
	}
	return nil
}
