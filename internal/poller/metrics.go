package poller

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grafana/alloy/okta/internal/limits"
)

// Metrics are the counters of one org's poller. Those that need an operator's eye are the org's own; the rest are one sum for all orgs
// of the component, so that hundreds of orgs stay affordable. No label holds a URL, a cursor or a user.
type Metrics struct {
	byOrg[prometheus.Counter]
	shared
}

// byOrg are those with a series for each org.
type byOrg[C any] struct {
	entries, retried, skipped, givenUp, cursorsRefused, checkpointFailures C
}

type shared struct {
	pages, replayed, duplicates, dropped prometheus.Counter
	malformed, bytes                     prometheus.Counter
	confirmed, late, unverified, assumed prometheus.Counter
	hookSeen, hookUnseen                 prometheus.Counter
	hookDelay                            prometheus.Histogram
	requests, queries, overLimit         *prometheus.CounterVec
	duration                             prometheus.Histogram
}

// MetricsByOrg are the counters of a component. It is a [prometheus.Collector], and safe for concurrent use.
type MetricsByOrg struct {
	byOrg[*prometheus.CounterVec]
	shared

	all []prometheus.Collector
}

// NewMetricsByOrg returns the counters of a component without orgs.
func NewMetricsByOrg() *MetricsByOrg {
	m := &MetricsByOrg{}
	opts := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Name: "loki_source_okta_" + name, Help: help}
	}
	by := func(name, help string, label string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(opts(name, help), []string{label})
		m.all = append(m.all, c)
		return c
	}
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(opts(name, help))
		m.all = append(m.all, c)
		return c
	}
	m.entries = by("entries_total", "Events delivered to the receivers.", "org")
	m.retried = by("retried_events_total", "Events lost on the way to Loki and delivered again.", "org")
	m.skipped = by("skipped_events_total", "Events not delivered because reconcile found them in Loki.", "org")
	m.givenUp = by("given_up_events_total",
		"Events given up: lost three times, or lost and no longer in Okta's log.", "org")
	m.cursorsRefused = by("cursor_refused_total",
		"Cursors that Okta refused; reading continues from the last event's time.", "org")
	m.checkpointFailures = by("checkpoint_failures_total", "Checkpoints that could not be written.", "org")
	m.shared = shared{
		pages:      counter("pages_total", "Pages delivered completely, empty ones included."),
		replayed:   counter("replayed_entries_total", "Events delivered again because of replay_window."),
		duplicates: counter("duplicate_events_total", "Events dropped because this process had delivered their uuid."),
		dropped:    counter("dropped_events_total", "Events that relabel_rules dropped."),
		malformed:  counter("malformed_events_total", "Events without uuid or usable published time; forwarded anyway."),
		confirmed:  counter("confirmed_events_total", "Delivered events that reconcile found in Loki."),
		late: counter("late_entries_total",
			"Entries that got the label late: more than out_of_order_window behind the newest with the same labels."),
		unverified: counter("unverified_events_total",
			"Events no longer tracked because over 50,000 newer ones wait for Loki; most likely in Loki."),
		assumed: counter("assumed_lost_events_total",
			"Events counted as lost after two hours, without a later event as proof."),
		bytes:     counter("response_bytes_total", "Decoded bytes of System Log responses."),
		overLimit: limits.NewCounter("loki_source_okta_"),
		requests:  by("requests_total", "System Log requests by HTTP status; \"none\" without an answer.", "code"),
		queries:   by("reconcile_queries_total", "Queries to Loki for which events it has: answered or failed.", "result"),
		hookSeen:  counter("event_hook_seen_events_total", "Events that event hooks announced and the log has."),
		hookUnseen: counter("event_hook_unseen_events_total",
			"Events that event hooks announced and the log did not have within settle: forged, or left out by filter or query."),
		hookDelay: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "loki_source_okta_event_hook_delay_seconds",
			Help:    "Time from an event hook to the delivery of its event; 0 if delivered before.",
			Buckets: []float64{0, .5, 1, 2, 5, 10, 30, 60},
		}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "loki_source_okta_request_duration_seconds", Help: "Time of a System Log request from sending to the last byte.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}),
	}
	m.all = append(m.all, m.duration, m.hookDelay, m.overLimit)
	return m
}

// Of returns the counters of an org, which are exported from then on. org is its host.
func (m *MetricsByOrg) Of(org string) *Metrics {
	of := func(all *prometheus.CounterVec) prometheus.Counter { return all.WithLabelValues(org) }
	return &Metrics{shared: m.shared, byOrg: byOrg[prometheus.Counter]{
		entries: of(m.entries), retried: of(m.retried), skipped: of(m.skipped), givenUp: of(m.givenUp),
		cursorsRefused: of(m.cursorsRefused), checkpointFailures: of(m.checkpointFailures),
	}}
}

// Forget ends the export of an org's counters.
func (m *MetricsByOrg) Forget(org string) {
	for _, c := range []*prometheus.CounterVec{m.entries, m.retried, m.skipped, m.givenUp, m.cursorsRefused, m.checkpointFailures} {
		c.DeleteLabelValues(org)
	}
}

// Describe implements prometheus.Collector.
func (m *MetricsByOrg) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range m.all {
		c.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (m *MetricsByOrg) Collect(ch chan<- prometheus.Metric) {
	for _, c := range m.all {
		c.Collect(ch)
	}
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
