package okta

import (
	"iter"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grafana/alloy/okta/internal/poller"
)

// orgLabel names an org in metrics and streams.
const orgLabel = "org"

// descs are those of metrics of an org: of the core, and of options.
var descs []*prometheus.Desc

func desc(name, help string, labels ...string) *prometheus.Desc {
	d := prometheus.NewDesc("loki_source_okta_"+name, help, append([]string{orgLabel}, labels...), nil)
	descs = append(descs, d)
	return d
}

var (
	lagDesc = desc("lag_seconds", "Time since everything that Okta had was delivered: within poll_interval, unless requests fail, a "+
		"receiver blocks, nothing newer is delivered, or a backlog is read.")
	lastEventDesc = desc("last_event_timestamp_seconds", "Latest published time delivered, Unix time.")
	lastPollDesc  = desc("last_poll_timestamp_seconds", "Last page received from Okta, Unix time.")
	failingDesc   = desc("failing_seconds", "Time since a part began to fail, or 0: okta (getting pages), checkpoint (reading or writing "+
		"it), reconcile (confirming or repeating deliveries), roles (refreshing who holds them), or profiles "+
		"(reading those, or named groups).", "part")
	refusedDesc = desc("refused",
		"1 while Okta refuses requests, or an entry of orgs cannot be used: token, permission, filter, or address.")
	blockedDesc       = desc("receiver_blocked_seconds", "Time for which a receiver has not taken an entry, or 0.")
	checkpointAgeDesc = desc("checkpoint_age_seconds", "Time since the checkpoint was last written.")
	limitDesc         = desc("rate_limit_limit", "Okta's limit of requests per minute for the whole org.")
	remainingDesc     = desc("rate_limit_remaining", "Requests left in Okta's current window.")
	resetDesc         = desc("rate_limit_reset_timestamp_seconds", "End of Okta's current window on our clock, Unix time.")
	skewDesc          = desc("clock_skew_seconds", "How far this machine's clock is ahead of Okta's, to about a second; negative when behind.")
	orgsDesc          = prometheus.NewDesc("loki_source_okta_orgs",
		"Orgs that the arguments name, those that cannot be collected included.", nil, nil)
	waitDesc = desc("rate_limit_wait_seconds_total", "Time spent waiting for the request budget, the current wait included.")
)

// stateCollector exports what is computed at each scrape, so that the lag is right also while nothing happens. Together with the counters
// by org these are all the series of an org, at most 25.
type stateCollector struct{ c *Component }

func (s *stateCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- orgsDesc
	for _, d := range descs {
		ch <- d
	}
}

func (s *stateCollector) Collect(ch chan<- prometheus.Metric) {
	shown, members := map[string]bool{}, s.c.current()
	ch <- prometheus.MustNewConstMetric(orgsDesc, prometheus.GaugeValue, float64(len(members)))
	for _, m := range collected(members) {
		shown[m.org.Host] = true
	}
	now := time.Now()
	for m := range s.c.measured(ch, now) {
		m.collect()
	}
	for _, o := range options {
		o.collect(s.c, ch, now)
	}
	for _, m := range members {
		if m.err != nil && !shown[m.name] { // an entry that cannot be used needs an operator as much as a refusal does
			ch <- prometheus.MustNewConstMetric(refusedDesc, prometheus.GaugeValue, 1, m.name)
			shown[m.name] = true
		}
	}
}

// measurement sends what is measured of an org.
type measurement struct {
	plan *plan
	snap poller.Snapshot
	ch   chan<- prometheus.Metric
	now  time.Time
}

// measured are the orgs that are read here.
func (c *Component) measured(ch chan<- prometheus.Metric, now time.Time) iter.Seq[measurement] {
	return func(yield func(measurement) bool) {
		for _, m := range collected(c.current()) {
			if m.live.elsewhere(now).is != fine {
				continue
			}
			if !yield(measurement{m.plan.Load(), m.live.status.Snapshot(), ch, now}) {
				return
			}
		}
	}
}

func (m measurement) send(d *prometheus.Desc, v float64, labels ...string) {
	m.ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, append([]string{m.plan.org.Host}, labels...)...)
}

// number is 1 for what holds, and otherwise 0.
func number(holds bool) float64 {
	if holds {
		return 1
	}
	return 0
}

// at sends a time, unless it is zero.
func (m measurement) at(d *prometheus.Desc, t time.Time) {
	if !t.IsZero() {
		m.send(d, float64(t.UnixMilli())/1000)
	}
}

// since sends the seconds since a time, 0 if it is zero.
func (m measurement) since(d *prometheus.Desc, t time.Time, labels ...string) {
	seconds := 0.0
	if !t.IsZero() {
		seconds = max(0, m.now.Sub(t).Seconds())
	}
	m.send(d, seconds, labels...)
}

func (m measurement) collect() {
	p, snap := m.plan, m.snap
	m.send(lagDesc, snap.Lag(m.now).Seconds())
	m.at(lastEventDesc, snap.LastEvent)
	m.at(lastPollDesc, snap.LastPoll)
	if !snap.LastPoll.IsZero() {
		m.send(skewDesc, snap.ClockSkew.Seconds())
	}
	m.since(failingDesc, snap.Wrong[poller.Okta].Since, "okta")
	m.since(failingDesc, snap.Wrong[poller.Checkpoint].Since, "checkpoint")
	m.send(refusedDesc, number(snap.Wrong[poller.Okta].Refused))
	m.since(blockedDesc, snap.Wrong[poller.Receiver].Since)
	if !snap.CheckpointSaved.IsZero() {
		m.since(checkpointAgeDesc, snap.CheckpointSaved)
	}
	if b := p.budget().Status(); b.Known {
		m.send(limitDesc, float64(b.Limit))
		m.send(remainingDesc, float64(b.Remaining))
		m.at(resetDesc, b.Reset)
	}
	m.ch <- prometheus.MustNewConstMetric(waitDesc, prometheus.CounterValue, snap.WaitedFor(m.now).Seconds(), p.org.Host)
}
