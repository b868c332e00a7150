// option: reconcile

package okta

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/grafana/alloy/okta/internal/event"
)

// selector is the one in use for an org, "" without reconcile.
func (args *Arguments) selector(org string) string {
	if args.Options.Reconcile == nil {
		return ""
	}
	return cmp.Or(args.Options.Reconcile.Selector, staticSelector(org, args.Labels))
}

// liveLabels are the labels of a live entry before relabeling, with those that are configured.
func liveLabels(org string, labels map[string]string) map[string]string {
	return withLabels(map[string]string{"job": event.Job, orgLabel: org}, labels)
}

// staticSelector selects the labels that every entry has before relabeling.
func staticSelector(org string, labels map[string]string) string {
	all := liveLabels(org, labels)
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if v := all[name]; v != "" && !strings.HasPrefix(name, "__") {
			parts = append(parts, name+"="+strconv.Quote(v))
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// liveSelector returns a selector of the live log's entries alone: a start without a checkpoint must not go on from the newest event of a
// back-fill, whether a block reads that or the command did.
func liveSelector(selector string, labels map[string]string, beside []map[string]string) string {
	inner, ok := strings.CutSuffix(strings.TrimSpace(selector), "}")
	if !ok {
		return selector
	}
	matchers := []string{strings.TrimRight(inner, ", ")}
	if _, used := labels[backfillLabel]; !used {
		matchers = append(matchers, backfillLabel+`=""`)
	}
	for _, own := range beside { // at least one differs from the live log's, see validateBackfills
		name := slices.Min(slices.Collect(maps.Keys(own)))
		if name != backfillLabel || labels[backfillLabel] != "" {
			matchers = append(matchers, name+"!="+strconv.Quote(own[name]))
		}
	}
	return strings.Join(matchers, ",") + "}"
}

// labelsBeside are those of readings beside the live log.
func (o *Options) labelsBeside() (all []map[string]string) {
	all = labelsOf(o.Backfills) // option: backfill
	return all
}

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
