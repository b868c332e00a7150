package limits

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/grafana/loki/pkg/push"
	"github.com/prometheus/common/model"
)

// The reasons for which Loki refuses an entry, in its own words: the values of the label reason of loki_discarded_samples_total. Source:
// loki/v3 pkg/validation/validate.go.
const (
	Labels        = "max_label_names_per_series"
	LabelName     = "label_name_too_long"
	LabelValue    = "label_value_too_long"
	TooOld        = "greater_than_max_sample_age"
	TooNew        = "too_far_in_future"
	Line          = "line_too_long"
	Metadata      = "structured_metadata_too_large"
	MetadataPairs = "structured_metadata_too_many"
)

var reasons = []string{Labels, LabelName, LabelValue, TooOld, TooNew, Line, Metadata, MetadataPairs}

// remedies are what to do, by reason.
var remedies = map[string]string{
	Labels:        "fewer labels, or raise max_label_names_per_series in Loki",
	LabelName:     "a shorter name, or raise max_label_name_length in Loki",
	LabelValue:    "a relabeling rule that shortens it, or raise max_label_value_length in Loki",
	TooOld:        "raise reject_old_samples_max_age in Loki, and in reconcile",
	TooNew:        "check the clock (NTP)",
	Line:          "raise max_line_size in Loki",
	Metadata:      "less structured_metadata, or raise max_structured_metadata_size in Loki",
	MetadataPairs: "less structured_metadata, or raise max_structured_metadata_entries_count in Loki",
}

// Refusal is why Loki, at its defaults, refuses an entry. The zero value is none.
type Refusal struct {
	Reason string // "": it takes the entry
	fields []any  // how much there is of what is too much, for the log; values of an event are not in it
}

// The fields of several refusals.
const limit, bytesField = "limit", "bytes"

// OfEntry returns why Loki refuses an entry with these labels now, the first reason in Loki's order. maxAge is Loki's
// reject_old_samples_max_age, 0 when it takes entries of any age; what else it is configured to is not known.
//
// Source: loki/v3 pkg/distributor/validator.go, ValidateLabels and ValidateEntry. That an entry has no labels is no reason: Loki adds
// service_name to each (pkg/loghttp/push/push.go), which it leaves out when it counts.
func OfEntry(labels model.LabelSet, e push.Entry, now time.Time, maxAge time.Duration) Refusal {
	if r := ofLabels(labels); r.Reason != "" {
		return r
	}
	age := now.Sub(e.Timestamp)
	bytes, pairs := metadata(e.StructuredMetadata)
	switch {
	case maxAge > 0 && age > maxAge:
		return Refusal{TooOld, []any{"published", e.Timestamp.UTC().Format(time.RFC3339), limit, maxAge}}
	case age < -MaxAhead:
		return Refusal{TooNew, []any{"published", e.Timestamp.UTC().Format(time.RFC3339), "ahead", (-age).Round(time.Second), limit, MaxAhead}}
	case len(e.Line) > MaxLine:
		return Refusal{Line, []any{bytesField, len(e.Line), limit, MaxLine}}
	case bytes > MaxMetadata:
		return Refusal{Metadata, []any{bytesField, bytes, limit, MaxMetadata}}
	case pairs > MaxMetadataPairs:
		return Refusal{MetadataPairs, []any{"pairs", pairs, limit, MaxMetadataPairs}}
	}
	return Refusal{}
}

// ofLabels names the first label that is at fault, by name, as Loki does.
func ofLabels(labels model.LabelSet) Refusal {
	n := len(labels)
	if _, ok := labels["service_name"]; ok {
		n--
	}
	if n > MaxLabels {
		return Refusal{Labels, []any{"labels", n, limit, MaxLabels}}
	}
	var wrong []model.LabelName
	for name, value := range labels {
		if len(name) > MaxLabelName || len(value) > MaxLabelValue {
			wrong = append(wrong, name)
		}
	}
	if wrong == nil {
		return Refusal{}
	}
	name := slices.Min(wrong)
	if len(name) > MaxLabelName {
		return Refusal{LabelName, []any{"label", short(string(name)), bytesField, len(name), limit, MaxLabelName}}
	}
	return Refusal{LabelValue, []any{"label", string(name), bytesField, len(labels[name]), limit, MaxLabelValue}}
}

// metadata returns what Loki counts: bytes of names and values without detected_level, and all pairs (loki/v3 pkg/util/entry_size.go).
func metadata(all push.LabelsAdapter) (bytes, pairs int) {
	for _, m := range all {
		if m.Name != "detected_level" {
			bytes += len(m.Name) + len(m.Value)
		}
	}
	return bytes, len(all)
}

// short is the beginning of a name that is too long for a log line.
func short(name string) string {
	const most = 64
	if len(name) <= most {
		return name
	}
	cut := most
	for !utf8.RuneStart(name[cut]) {
		cut--
	}
	return strings.Clone(name[:cut]) + "..."
}
