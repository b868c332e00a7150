package limits

import "time"

// loki.write's settings of these names, at their defaults. Source: Alloy v1.19.2, internal/component/loki/write/types.go.
const (
	BatchWait         = time.Second // entries are collected for as long before they are sent
	BatchSize         = 1 << 20     // bytes
	RemoteTimeout     = 10 * time.Second
	MinBackoff        = 500 * time.Millisecond
	MaxBackoff        = 5 * time.Minute
	MaxBackoffRetries = 10
	QueueCapacity     = 10 << 20 // bytes of a shard's queue
	DrainTimeout      = 15 * time.Second
)

// What follows from them.
const (
	// LastPush is how long a push of a process that was killed may still be on its way, in a proxy or in Loki.
	LastPush = RemoteTimeout
	// LastOfDrain is how long after the order to stop a push of a process that ends in order may still be on its way.
	LastOfDrain = DrainTimeout + RemoteTimeout
	// Retries is how long a batch is retried that Loki refuses to take at once each time: the waits double. Source: dskit's backoff.
	Retries = (1<<MaxBackoffRetries - 1) * MinBackoff
)

// Loki's times for a stream, at their defaults. Source: ingester config, loki/v3 pkg/ingester/ingester.go, RegisterFlags.
const (
	MaxChunkAge      = 2 * time.Hour    // max_chunk_age
	ChunkIdlePeriod  = 30 * time.Minute // chunk_idle_period
	FlushCheckPeriod = 30 * time.Second // flush_check_period
	// OutOfOrder is how far an entry may be behind the newest one of its stream. Source: pkg/ingester/stream.go, validateEntries.
	OutOfOrder = MaxChunkAge / 2
)
