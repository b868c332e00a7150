package limits

import (
	"slices"
	"sync"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
)

// NewCounter returns the counter of entries that Loki refuses, by reason. Its name begins with a component's prefix, such as
// "loki_source_okta_". Every reason is exported from the beginning, so that the first refusal is an increase.
func NewCounter(prefix string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: prefix + "over_limit_entries_total",
		Help: "Entries that Loki refuses at its default limits, by the reason that it gives; forwarded anyway.",
	}, []string{"reason"})
	for _, reason := range reasons {
		c.WithLabelValues(reason)
	}
	return c
}

// Told remembers which refusals were logged. The zero value remembers none. It is safe for concurrent use.
type Told struct {
	mu      sync.Mutex
	reasons []string
}

// Tell counts an entry that was forwarded, and logs the first one of each reason.
func (t *Told) Tell(logger log.Logger, counter *prometheus.CounterVec, r Refusal, uuid string) {
	if r.Reason == "" {
		return
	}
	counter.WithLabelValues(r.Reason).Inc()
	t.mu.Lock()
	first := !slices.Contains(t.reasons, r.Reason)
	if first {
		t.reasons = append(t.reasons, r.Reason)
	}
	t.mu.Unlock()
	if first {
		level.Warn(logger).Log(slices.Concat([]any{"msg", "an entry is beyond Loki's default limits; forwarded all the same",
			"reason", r.Reason, "uuid", uuid}, r.fields, []any{"remedy", remedies[r.Reason]})...)
	}
}
