// Package configkafka stands in for the configuration of Kafka clients in the slim build, as ../go-discover does for another module:
// Alloy's tracing imports otelcol, which names these types. The original brings a client of Kafka.
package configkafka

import "time"

// MetadataConfig is the original's.
type MetadataConfig struct {
	Full            bool
	RefreshInterval time.Duration
	Retry           MetadataRetryConfig
}

// MetadataRetryConfig is the original's.
type MetadataRetryConfig struct {
	Max     int
	Backoff time.Duration
}
