package event

// Loki's limits on an entry, at their defaults (loki/v3 pkg/validation/limits.go). Loki refuses for good what exceeds one of them.
const (
	MaxLabels        = 15       // max_label_names_per_series
	MaxMetadataBytes = 64 << 10 // max_structured_metadata_size
	MaxMetadataPairs = 128      // max_structured_metadata_entries_count
)

// LabelCount returns how many labels Loki counts against MaxLabels. It does not count service_name, which it adds itself where it is
// missing (loki/v3 pkg/distributor/validator.go, ValidateLabels).
func (e *Entry) LabelCount() int {
	if _, ok := e.Labels["service_name"]; ok {
		return len(e.Labels) - 1
	}
	return len(e.Labels)
}

// MetadataSize returns what Loki counts against MaxMetadataBytes, names and values, and against MaxMetadataPairs (loki/v3
// pkg/distributor/validator.go, ValidateEntry). The size leaves out detected_level (pkg/util/entry_size.go).
func (e *Entry) MetadataSize() (bytes, pairs int) {
	for _, m := range e.StructuredMetadata {
		if m.Name != "detected_level" {
			bytes += len(m.Name) + len(m.Value)
		}
	}
	return bytes, len(e.StructuredMetadata)
}
