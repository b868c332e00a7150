package reconcile

import (
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/tidwall/gjson"
)

// selector is a stream selector, parsed as far as is needed to join it with others.
type selector struct {
	text  string
	parts []matcher // nil: it is joined with its equals only
	shape string    // the same for all selectors that can be joined
	key   string    // the values in which selectors of a shape differ
}

type matcher struct {
	text  string // in LogQL
	label string // that every matching stream has; "": there is none
	name  string // the same, of one that must have a value; "": another kind of matcher
	value string
}

// parseSelector parses a selector. It does not parse one that Prometheus' parser does not know, or that may hold strings in single quotes,
// which Loki refuses. Loki's own parser is AGPL-3.0.
func parseSelector(text string) selector {
	whole := selector{text: text, shape: text}
	matchers, err := parser.NewParser(parser.Options{}).ParseMetricSelector(text)
	if err != nil || strings.Contains(text, "'") {
		return whole
	}
	s := selector{text: text}
	var shape, values []string
	for _, m := range matchers {
		if !model.LegacyValidation.IsValidLabelName(m.Name) || m.Name == model.MetricNameLabel {
			return whole
		}
		part := matcher{text: m.String()}
		if !m.Matches("") {
			part.label = m.Name
		}
		if m.Type != labels.MatchEqual || m.Value == "" {
			shape = append(shape, part.text)
		} else {
			if slices.ContainsFunc(s.parts, func(p matcher) bool { return p.name == m.Name }) {
				return whole
			}
			part.name, part.value = m.Name, m.Value
			shape, values = append(shape, m.Name), append(values, m.Value)
		}
		s.parts = append(s.parts, part)
	}
	s.shape, s.key = "{"+strings.Join(shape, ",")+"}", strings.Join(values, "\x00")
	return s
}

// telling returns a label by which selectors of one shape differ, and which of their parts has it; "": there is none.
func telling(all []selector) (label string, at int) {
	for i, m := range all[0].parts {
		values := make(map[string]bool)
		for _, s := range all {
			values[s.parts[i].value] = true
		}
		if m.label != "" && len(values) == len(all) {
			return m.label, i
		}
	}
	return "", 0
}

// join returns a selector for the streams of all, which have one shape. It may match more streams: each belongs to the selector with its
// key.
func join(all []selector) string {
	if len(all) == 1 {
		return all[0].text
	}
	var parts []string
	for i, m := range all[0].parts {
		var values []string
		for _, s := range all {
			values = append(values, s.parts[i].value)
		}
		slices.Sort(values)
		values = slices.Compact(values)
		switch {
		case m.name == "":
			parts = append(parts, m.text)
		case len(values) == 1:
			parts = append(parts, m.name+"="+strconv.Quote(m.value))
		default:
			parts = append(parts, m.name+"=~"+strconv.Quote(anyOf(values)))
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// keyOf is the key of the selector, of the same shape as s, to which a stream belongs.
func (s selector) keyOf(stream gjson.Result) string {
	var values []string
	for _, m := range s.parts {
		if m.name != "" {
			values = append(values, stream.Get(m.name).String())
		}
	}
	return strings.Join(values, "\x00")
}
