package poller

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are a component's counters. No label holds a URL, a cursor or a user.
type Metrics struct {
	entries, pages, replayed, duplicates, dropped prometheus.Counter
	malformed, oversized, outOfRange              prometheus.Counter
	cursorsRefused, checkpointFailures, bytes     prometheus.Counter
	confirmed, retried, skipped, givenUp          prometheus.Counter
	late, unverified, assumed                     prometheus.Counter
	badLabels, badMetadata                        prometheus.Counter
	requests, queries                             *prometheus.CounterVec
	duration                                      prometheus.Histogram
}

// NewMetrics registers the counters with reg; with a nil registerer they are not exported.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: "loki_source_okta_" + name, Help: help})
		if reg != nil {
			reg.MustRegister(c)
		}
		return c
	}
	m := &Metrics{
		entries:    counter("entries_total", "Events delivered to the receivers."),
		pages:      counter("pages_total", "Pages delivered completely, empty ones included."),
		replayed:   counter("replayed_entries_total", "Events delivered again after a start because of replay_window."),
		duplicates: counter("duplicate_events_total", "Events dropped because their uuid was already delivered by this process."),
		dropped:    counter("dropped_events_total", "Events that relabel_rules dropped."),
		malformed:  counter("malformed_events_total", "Events without a uuid or a usable published time; forwarded anyway."),
		oversized:  counter("oversized_entries_total", "Entries over 256 KB, Loki's default limit for a line; forwarded anyway."),
		outOfRange: counter("out_of_range_entries_total",
			"Entries older than 7 days or over 10 minutes ahead, which Loki refuses by default; forwarded anyway."),
		cursorsRefused:     counter("cursor_refused_total", "Cursors that Okta refused; each time reading continues from the last event's time."),
		checkpointFailures: counter("checkpoint_failures_total", "Checkpoints that could not be written."),
		confirmed:          counter("confirmed_events_total", "Events that reconcile found in Loki after their delivery."),
		retried:            counter("retried_events_total", "Events delivered again because they were lost on the way to Loki."),
		skipped:            counter("skipped_events_total", "Events not delivered because reconcile found them in Loki before."),
		givenUp: counter("given_up_events_total",
			"Events given up after three deliveries: Loki never had them although later events arrived."),
		late: counter("late_entries_total",
			"Entries that got the label late because they are more than out_of_order_window behind the newest entry with the same labels."),
		unverified: counter("unverified_events_total",
			"Events no longer tracked because over 50,000 newer ones were waiting for Loki to show them; they are most likely in Loki."),
		assumed: counter("assumed_lost_events_total",
			"Events counted as lost after two hours although no later event that took the same way proved it."),
		badLabels: counter("label_limit_entries_total",
			"Entries with no label or more than 15, which Loki refuses by default; forwarded anyway."),
		badMetadata: counter("metadata_limit_entries_total",
			"Entries with structured metadata over 64 KB or 128 pairs, which Loki refuses by default; forwarded anyway."),
		bytes: counter("response_bytes_total", "Decoded bytes of System Log responses."),
	}
	m.requests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "loki_source_okta_requests_total", Help: "System Log requests by HTTP status; code \"none\" is a request without an answer.",
	}, []string{"code"})
	m.queries = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "loki_source_okta_reconcile_queries_total", Help: "Queries to Loki for which events it has, by result: answered or failed.",
	}, []string{"result"})
	m.duration = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "loki_source_okta_request_duration_seconds", Help: "Time of a System Log request from sending to the last byte.",
		Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
	})
	if reg != nil {
		reg.MustRegister(m.requests, m.queries, m.duration)
	}
	return m
}

// Observe notes one HTTP exchange; it fits [oktaapi.Config].Observe.
func (m *Metrics) Observe(status int, took time.Duration, bytes int) {
	code := "none"
	if status > 0 {
		code = strconv.Itoa(status)
	}
	m.requests.WithLabelValues(code).Inc()
	m.duration.Observe(took.Seconds())
	m.bytes.Add(float64(bytes))
}
