// Package limitstest has entries on both sides of each of Loki's limits, for tests: of package limits, of what forwards entries, and of
// a real Loki. A new case is a row here.
package limitstest

import (
	"fmt"
	"strings"
	"time"

	"github.com/grafana/loki/pkg/push"
	"github.com/prometheus/common/model"

	"github.com/grafana/alloy/okta/internal/limits"
)

// Case is an entry and what a Loki with default limits says of it.
type Case struct {
	Name     string
	Labels   model.LabelSet
	Pad      int // bytes of the line
	Metadata push.LabelsAdapter
	Age      time.Duration // negative: ahead of the clock
	Reason   string        // of package limits; "": it is taken
}

// Entry is the case's entry now. Its line holds text, such as a uuid.
func (c Case) Entry(text string, now time.Time) push.Entry {
	if n := c.Pad - len(text); n > 0 {
		text += strings.Repeat("x", n)
	}
	return push.Entry{Timestamp: now.Add(-c.Age), Line: text, StructuredMetadata: c.Metadata}
}

// Cases returns all of them.
func Cases() []Case {
	with := func(set model.LabelSet, name, value string) model.LabelSet {
		set = set.Clone()
		set[model.LabelName(name)] = model.LabelValue(value)
		return set
	}
	one := model.LabelSet{"job": "limits"}
	x := func(n int) string { return strings.Repeat("x", n) }
	pairs := func(n int) (all push.LabelsAdapter) {
		for i := range n {
			all = append(all, push.LabelAdapter{Name: fmt.Sprint("m", i), Value: "v"})
		}
		return all
	}
	pair := func(name, value string) push.LabelsAdapter { return push.LabelsAdapter{{Name: name, Value: value}} }
	at := func(age string) model.LabelSet { return with(one, "at", age) } // Loki refuses what is an hour behind the newest of its stream
	const day = 24 * time.Hour
	return []Case{
		{Name: "an ordinary entry", Labels: one},
		{Name: "no label", Labels: model.LabelSet{}},
		{Name: "15 labels", Labels: many(15)},
		{Name: "16 labels", Labels: many(16), Reason: limits.Labels},
		{Name: "15 labels and service_name", Labels: with(many(15), "service_name", "okta")},
		{Name: "16 labels and service_name", Labels: with(many(16), "service_name", "okta"), Reason: limits.Labels},
		{Name: "15 labels and late", Labels: with(many(15), "late", "2026-11-25T18"), Reason: limits.Labels},
		{Name: "15 labels and a back-fill's", Labels: with(many(15), "backfill", "2026-09-01/2026-10-01"), Reason: limits.Labels},
		{Name: "15 labels and detected_level", Labels: with(many(15), "detected_level", "info"), Reason: limits.Labels},
		{Name: "a name of 1,024 bytes", Labels: with(one, x(1024), "v")},
		{Name: "a name of 1,025 bytes", Labels: with(one, x(1025), "v"), Reason: limits.LabelName},
		{Name: "a value of 2,048 bytes", Labels: with(one, "a", x(2048))},
		{Name: "a value of 2,049 bytes", Labels: with(one, "a", x(2049)), Reason: limits.LabelValue},
		{Name: "a value of 1,025 runes of two bytes", Labels: with(one, "a", strings.Repeat("é", 1025)), Reason: limits.LabelValue},
		{Name: "a job, which becomes service_name, of 2,049 bytes", Labels: model.LabelSet{"job": model.LabelValue(x(2049))},
			Reason: limits.LabelValue},
		{Name: "a service_name of 2,049 bytes", Labels: with(one, "service_name", x(2049)), Reason: limits.LabelValue},
		{Name: "a value of quotes, escapes and control characters", Labels: with(one, "a", "\"\\\n\x00\u2028é{}=,")},
		{Name: "a value that is not UTF-8", Labels: with(one, "a", "a\xff")},
		{Name: "a name and a value that are too long", Labels: with(with(one, x(1025), "v"), "z", x(2049)), Reason: limits.LabelName},
		{Name: "a line of 256 KB", Labels: one, Pad: 256 << 10},
		{Name: "a line of 256 KB and a byte", Labels: one, Pad: 256<<10 + 1, Reason: limits.Line},
		{Name: "metadata of 64 KB", Labels: one, Metadata: pair("m", x(64<<10-1))},
		{Name: "metadata of 64 KB and a byte", Labels: one, Metadata: pair("m", x(64<<10)), Reason: limits.Metadata},
		{Name: "metadata of 64 KB in names", Labels: one, Metadata: pair(x(64<<10), "v"), Reason: limits.Metadata},
		{Name: "metadata of 64 KB beside a level", Labels: one,
			Metadata: append(pair("m", x(64<<10-1)), push.LabelAdapter{Name: "detected_level", Value: "info"})},
		{Name: "metadata that is not UTF-8", Labels: one, Metadata: pair("m", "a\uFFFDb")},
		{Name: "128 pairs", Labels: one, Metadata: pairs(128)},
		{Name: "129 pairs", Labels: one, Metadata: pairs(129), Reason: limits.MetadataPairs},
		{Name: "129 pairs with a level", Labels: one,
			Metadata: append(pairs(128), push.LabelAdapter{Name: "detected_level", Value: "info"}), Reason: limits.MetadataPairs},
		{Name: "a line and metadata below their limits", Labels: one, Pad: 256 << 10, Metadata: pair("m", x(64<<10-1))},
		{Name: "7 days old", Labels: at("7 days old"), Age: 7*day - time.Minute},
		{Name: "over 7 days old", Labels: at("over 7 days old"), Age: 7*day + time.Minute, Reason: limits.TooOld},
		{Name: "80 days old", Labels: at("80 days old"), Age: 80 * day, Reason: limits.TooOld},
		{Name: "10 minutes ahead", Labels: at("10 minutes ahead"), Age: -9 * time.Minute},
		{Name: "over 10 minutes ahead", Labels: at("over 10 minutes ahead"), Age: -11 * time.Minute, Reason: limits.TooNew},
		{Name: "100 years ahead", Labels: at("100 years ahead"), Age: -100 * 365 * day, Reason: limits.TooNew},
	}
}

// many returns n labels.
func many(n int) model.LabelSet {
	set := model.LabelSet{}
	for i := range n {
		set[model.LabelName(fmt.Sprintf("l%02d", i))] = "v"
	}
	return set
}
