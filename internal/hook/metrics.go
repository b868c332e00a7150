package hook

import "github.com/prometheus/client_golang/prometheus"

// Metrics are what a listener counts. They are a [prometheus.Collector]. None has the org as a label: it is the same number of series
// for one org and for a thousand.
type Metrics struct {
	requests          *prometheus.CounterVec
	events, malformed prometheus.Counter
	last              prometheus.Gauge
}

// NewMetrics returns the metrics of one listener.
func NewMetrics() *Metrics {
	const prefix = "loki_source_okta_event_hook_"
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: prefix + "requests_total", Help: "Requests to the event hook listener; accepted and verified ones are usually Okta's.",
		}, []string{"result"}),
		events: prometheus.NewCounter(prometheus.CounterOpts{
			Name: prefix + "events_total", Help: "Events in accepted event hooks, repeated ones included.",
		}),
		malformed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: prefix + "malformed_events_total", Help: "Elements of accepted event hooks that are no events.",
		}),
		last: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: prefix + "last_timestamp_seconds", Help: "Last event hook accepted, Unix time, or 0.",
		}),
	}
	for _, r := range Results() {
		m.requests.WithLabelValues(string(r))
	}
	return m
}

func (m *Metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.requests, m.events, m.malformed, m.last}
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range m.all() {
		c.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	for _, c := range m.all() {
		c.Collect(ch)
	}
}

func (m *Metrics) request(r Result) { m.requests.WithLabelValues(string(r)).Inc() }

func (m *Metrics) accepted(n Notice) {
	m.events.Add(float64(len(n.Events)))
	m.malformed.Add(float64(n.Malformed))
	m.last.Set(float64(n.Received.UnixMilli()) / 1000)
}
