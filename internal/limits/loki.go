package limits

import "time"

// Loki's limits on an entry, at their defaults. Loki refuses for good what exceeds one of them: it answers 400, which loki.write does
// not retry. Source: limits_config, loki/v3 pkg/validation/limits.go, RegisterFlags (3.7.8, and the same in 3.0).
const (
	MaxLabels        = 15                 // max_label_names_per_series
	MaxLabelName     = 1024               // max_label_name_length, bytes
	MaxLabelValue    = 2048               // max_label_value_length, bytes
	MaxLine          = 256 << 10          // max_line_size, bytes
	MaxMetadata      = 64 << 10           // max_structured_metadata_size, bytes
	MaxMetadataPairs = 128                // max_structured_metadata_entries_count
	MaxAge           = 7 * 24 * time.Hour // reject_old_samples_max_age
	MaxAhead         = 10 * time.Minute   // creation_grace_period
)

// Loki's limits on a query, at their defaults.
const (
	MaxEntriesPerQuery = 5000            // max_entries_limit_per_query. Source: as above
	MaxQueryLength     = 721 * time.Hour // max_query_length. Source: as above
	QueryIngesters     = 3 * time.Hour   // query_ingesters_within: how far back ingesters are asked. Source: loki/v3 pkg/querier, Config
)
