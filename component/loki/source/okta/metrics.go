package okta

import (
	"cmp"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grafana/alloy/okta/internal/poller"
)

// orgLabel names an org in metrics and streams.
const orgLabel = "org"

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("loki_source_okta_"+name, help, append([]string{orgLabel}, labels...), nil)
}

var (
	lagDesc = desc("lag_seconds", "Time since everything that Okta had was delivered: within poll_interval, unless requests fail, a "+
		"receiver blocks, nothing newer is delivered, or a backlog is read.")
	lastEventDesc = desc("last_event_timestamp_seconds", "Latest published time delivered, Unix time.")
	lastPollDesc  = desc("last_poll_timestamp_seconds", "Last page received from Okta, Unix time.")
	failingDesc   = desc("failing_seconds", "Time since a part began to fail, or 0: okta (getting pages), checkpoint (reading or writing "+
		"it), or reconcile (confirming or repeating deliveries).", "part")
	refusedDesc = desc("refused",
		"1 while Okta refuses requests, or an entry of orgs cannot be used: token, permission, filter, or address.")
	blockedDesc       = desc("receiver_blocked_seconds", "Time for which a receiver has not taken an entry, or 0.")
	checkpointAgeDesc = desc("checkpoint_age_seconds", "Time since the checkpoint was last written.")
	unconfirmedDesc   = desc("unconfirmed_events", "Events delivered and not found in Loki yet.")
	unconfirmedAge    = desc("oldest_unconfirmed_age_seconds", "Time since the first delivery of the oldest unconfirmed event, or 0.")
	ownedDesc         = desc("owned", "1 when this node of a cluster reads the org; otherwise 0, and other metrics of the org's "+
		"state are missing.")
	limitDesc     = desc("rate_limit_limit", "Okta's limit of requests per minute for the whole org.")
	remainingDesc = desc("rate_limit_remaining", "Requests left in Okta's current window.")
	resetDesc     = desc("rate_limit_reset_timestamp_seconds", "End of Okta's current window on our clock, Unix time.")
	skewDesc      = desc("clock_skew_seconds", "How far this machine's clock is ahead of Okta's, to about a second; negative when behind.")
	backfillDesc  = desc("backfill_progress_ratio", "Part of a backfill's range that was delivered, 0 to 1.", "backfill")
	finishedDesc  = desc("backfill_finished", "1 once a backfill was delivered and, with reconcile, found in Loki.", "backfill")
	orgsDesc      = prometheus.NewDesc("loki_source_okta_orgs",
		"Orgs that the arguments name, those that cannot be collected included.", nil, nil)
	waitDesc = desc("rate_limit_wait_seconds_total", "Time spent waiting for the request budget, the current wait included.")
)

// stateCollector exports what is computed at the moment of the scrape, so that the
// lag is true also while nothing happens. Together with the counters by org these are all the series of an org, at most 25.
type stateCollector struct{ c *Component }

func (s *stateCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{lagDesc, lastEventDesc, lastPollDesc, failingDesc, refusedDesc, blockedDesc, checkpointAgeDesc,
		unconfirmedDesc, unconfirmedAge, ownedDesc, limitDesc, remainingDesc, resetDesc, waitDesc, skewDesc, backfillDesc, finishedDesc,
		orgsDesc} {
		ch <- d
	}
}

func (s *stateCollector) Collect(ch chan<- prometheus.Metric) {
	shown, members := map[string]bool{}, s.c.current()
	ch <- prometheus.MustNewConstMetric(orgsDesc, prometheus.GaugeValue, float64(len(members)))
	for _, m := range collected(members) {
		m.collect(ch, time.Now())
		shown[m.plan.Load().org.Host] = true
	}
	for _, m := range members {
		if m.err != nil && !shown[m.name] { // no entry of use is as much in need of an operator as a refusal of Okta's
			ch <- prometheus.MustNewConstMetric(refusedDesc, prometheus.GaugeValue, 1, m.name)
			shown[m.name] = true
		}
	}
}

func (k *collector) collect(ch chan<- prometheus.Metric, now time.Time) {
	p, snap := k.plan.Load(), k.live.status.Snapshot()
	reconciles := p.confirm != nil
	send := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, append([]string{p.org.Host}, labels...)...)
	}
	at := func(d *prometheus.Desc, t time.Time) {
		if !t.IsZero() {
			send(d, float64(t.UnixMilli())/1000)
		}
	}
	// seconds since t; 0 for the zero time
	since := func(d *prometheus.Desc, t time.Time, labels ...string) {
		seconds := 0.0
		if !t.IsZero() {
			seconds = max(0, now.Sub(t).Seconds())
		}
		send(d, seconds, labels...)
	}
	_, elsewhere := k.live.elsewhere(now)
	if p.args.Clustering.Enabled {
		owned := 1.0
		if elsewhere {
			owned = 0
		}
		send(ownedDesc, owned)
	}
	if elsewhere {
		return
	}
	send(lagDesc, snap.Lag(now).Seconds())
	at(lastEventDesc, snap.LastEvent)
	at(lastPollDesc, snap.LastPoll)
	if !snap.LastPoll.IsZero() {
		send(skewDesc, snap.ClockSkew.Seconds())
	}
	since(failingDesc, snap.Wrong[poller.Okta].Since, "okta")
	since(failingDesc, snap.Wrong[poller.Checkpoint].Since, "checkpoint")
	refused := 0.0
	if snap.Wrong[poller.Okta].Refused {
		refused = 1
	}
	send(refusedDesc, refused)
	since(blockedDesc, snap.Wrong[poller.Receiver].Since)
	if !snap.CheckpointSaved.IsZero() {
		since(checkpointAgeDesc, snap.CheckpointSaved)
	}
	if reconciles {
		failing := cmp.Or(snap.Unconfirmable().Since, snap.Wrong[poller.Rewind].Since)
		if failing.IsZero() && now.Sub(snap.Asking) >= askingGrace {
			failing = snap.Asking
		}
		since(failingDesc, failing, "reconcile")
		send(unconfirmedDesc, float64(snap.Unconfirmed))
		since(unconfirmedAge, snap.UnconfirmedSince)
	}
	for _, f := range p.fills {
		s, finished := f.reading.snapshot(), 0.0
		if s.Finished {
			finished = 1
		}
		send(backfillDesc, f.progress(s), f.name())
		send(finishedDesc, finished, f.name())
	}
	if b := p.budget().Status(); b.Known {
		send(limitDesc, float64(b.Limit))
		send(remainingDesc, float64(b.Remaining))
		at(resetDesc, b.Reset)
	}
	ch <- prometheus.MustNewConstMetric(waitDesc, prometheus.CounterValue, snap.WaitedFor(now).Seconds(), p.org.Host)
}
