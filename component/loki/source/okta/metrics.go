package okta

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func gauge(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("loki_source_okta_"+name, help, nil, nil)
}

var (
	lagDesc           = gauge("lag_seconds", "Time since everything Okta had was handed over. Grows while idle polling fails, while a receiver blocks and while catching up.")
	lastEventDesc     = gauge("last_event_timestamp_seconds", "Latest published time handed over, Unix time.")
	lastPollDesc      = gauge("last_poll_timestamp_seconds", "Last page received from Okta, Unix time.")
	checkpointAgeDesc = gauge("checkpoint_age_seconds", "Time since the checkpoint was last written.")
	unconfirmedDesc   = gauge("unconfirmed_events", "Events handed over and not found in Loki yet. Only with reconcile.")
	unconfirmedAge    = gauge("oldest_unconfirmed_age_seconds", "Time since the oldest unconfirmed event was handed over; 0 when there is none. Only with reconcile.")
	limitDesc         = gauge("rate_limit_limit", "Requests a minute Okta allows the whole org (X-Rate-Limit-Limit).")
	remainingDesc     = gauge("rate_limit_remaining", "Requests left in Okta's current window (X-Rate-Limit-Remaining).")
	resetDesc         = gauge("rate_limit_reset_timestamp_seconds", "End of Okta's current window on our clock, Unix time.")
)

// stateCollector exports what is computed at the moment of the scrape, so that the
// lag is true also while nothing happens.
type stateCollector struct{ c *Component }

func (s *stateCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{lagDesc, lastEventDesc, lastPollDesc, checkpointAgeDesc, unconfirmedDesc, unconfirmedAge, limitDesc, remainingDesc, resetDesc} {
		ch <- d
	}
}

func (s *stateCollector) Collect(ch chan<- prometheus.Metric) {
	snap, now := s.c.status.Snapshot(), time.Now()
	send := func(d *prometheus.Desc, v float64) { ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v) }
	at := func(d *prometheus.Desc, t time.Time) {
		if !t.IsZero() {
			send(d, float64(t.UnixMilli())/1000)
		}
	}
	send(lagDesc, snap.Lag(now).Seconds())
	at(lastEventDesc, snap.LastEvent)
	at(lastPollDesc, snap.LastPoll)
	if !snap.CheckpointSaved.IsZero() {
		send(checkpointAgeDesc, now.Sub(snap.CheckpointSaved).Seconds())
	}
	if s.c.current().confirm != nil {
		send(unconfirmedDesc, float64(snap.Unconfirmed))
		age := 0.0
		if !snap.UnconfirmedSince.IsZero() {
			age = now.Sub(snap.UnconfirmedSince).Seconds()
		}
		send(unconfirmedAge, age)
	}
	if b := s.c.current().budget().Status(); b.Known {
		send(limitDesc, float64(b.Limit))
		send(remainingDesc, float64(b.Remaining))
		at(resetDesc, b.Reset)
	}
}
