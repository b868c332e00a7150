// option: reconcile

package okta

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/grafana/alloy/okta/internal/event"
)

// checkSelector refuses what is not a stream selector that Loki takes. Prometheus' parser reads it, as Loki's is AGPL-3.0 and would be
// linked for this alone. A selector is the same in both languages but for what is refused here by hand.
func checkSelector(selector string) error {
	matchers, err := parseSelector(selector)
	if err != nil {
		return fmt.Errorf("selector %q must be a LogQL stream selector alone, such as {job=%q}: %w", selector, event.Job, err)
	}
	refuse := func(why string) error {
		return fmt.Errorf("selector %q is not a LogQL stream selector: %s", selector, why)
	}
	for _, m := range matchers {
		// A name before or inside of the braces, as in up{} or {"up"}; and quoted label names, as in {"a.b"="c"}.
		if m.Name == model.MetricNameLabel || !model.LegacyValidation.IsValidLabelName(m.Name) {
			return refuse(fmt.Sprintf("%s is not a matcher of a label", m))
		}
	}
	if strings.Contains(withoutStrings(selector), "'") {
		return refuse("strings are quoted with \" or `")
	}
	// Loki's rule: it finds streams by labels that they have.
	if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches("") }) {
		return refuse("at least one matcher must not match the empty string")
	}
	return nil
}

// parseSelector returns the matchers of a selector, none where nothing is named.
func parseSelector(selector string) ([]*labels.Matcher, error) {
	if selector == "" || selector == "{}" {
		return nil, nil
	}
	return parser.NewParser(parser.Options{}).ParseMetricSelector(selector)
}

// withoutStrings removes what stands between double quotes or backticks.
func withoutStrings(selector string) string {
	var out strings.Builder
	for i := 0; i < len(selector); i++ {
		quote := selector[i]
		if quote != '"' && quote != '`' {
			out.WriteByte(quote)
			continue
		}
		for i++; i < len(selector) && selector[i] != quote; i++ {
			if quote == '"' && selector[i] == '\\' {
				i++
			}
		}
	}
	return out.String()
}
