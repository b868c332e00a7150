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
	confirmed, resent, skipped, givenUp           prometheus.Counter
	requests, questions                           *prometheus.CounterVec
	duration                                      prometheus.Histogram
}

// NewMetrics registers the counters with reg; with nil they count for nobody.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: "loki_source_okta_" + name, Help: help})
		if reg != nil {
			reg.MustRegister(c)
		}
		return c
	}
	m := &Metrics{
		entries:            counter("entries_total", "Events handed over to the receivers."),
		pages:              counter("pages_total", "Pages handed over completely, empty ones included."),
		replayed:           counter("replayed_entries_total", "Events handed over again after a start because of replay_window."),
		duplicates:         counter("duplicate_events_total", "Events dropped because their uuid was handed over before in this run."),
		dropped:            counter("dropped_events_total", "Events that relabel_rules dropped."),
		malformed:          counter("malformed_events_total", "Events without uuid or usable published time, forwarded all the same."),
		oversized:          counter("oversized_entries_total", "Entries over Loki's default line limit of 256 KB, forwarded all the same."),
		outOfRange:         counter("out_of_range_entries_total", "Entries older than 7 days or over 10 minutes ahead, which Loki's defaults refuse; forwarded all the same."),
		cursorsRefused:     counter("cursor_refused_total", "Saved cursors that Okta refused; each is a re-read from the last event's time."),
		checkpointFailures: counter("checkpoint_failures_total", "Checkpoints that could not be written."),
		confirmed:          counter("confirmed_events_total", "Events that reconcile found in Loki after they were handed over."),
		resent:             counter("resent_events_total", "Events handed over again because reconcile did not find them in Loki."),
		skipped:            counter("skipped_events_total", "Events not handed over because reconcile found them in Loki already."),
		givenUp:            counter("given_up_events_total", "Events let go after many hand-overs because Loki never had them."),
		bytes:              counter("response_bytes_total", "Decoded bytes of System Log responses."),
	}
	m.requests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "loki_source_okta_requests_total", Help: "System Log requests by HTTP status; code \"none\" is a request without answer.",
	}, []string{"code"})
	m.questions = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "loki_source_okta_reconcile_questions_total", Help: "Times Loki was asked what has arrived, by result: answered or failed.",
	}, []string{"result"})
	m.duration = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "loki_source_okta_request_duration_seconds", Help: "Time of a System Log request from sending to the last byte.",
		Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
	})
	if reg != nil {
		reg.MustRegister(m.requests, m.questions, m.duration)
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
