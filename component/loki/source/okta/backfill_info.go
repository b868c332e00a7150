// option: backfill needs reconcile

package okta

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grafana/alloy/okta/internal/poller"
)

var (
	backfillDesc = desc("backfill_progress_ratio", "Part of a backfill's range that was delivered, 0 to 1.", "backfill")
	finishedDesc = desc("backfill_finished", "1 once a backfill was delivered and, with reconcile, found in Loki.", "backfill")
)

func (ranges) collect(c *Component, ch chan<- prometheus.Metric, now time.Time) {
	for m := range c.measured(ch, now) {
		for _, f := range m.plan.of.fills {
			s := f.reading.snapshot()
			m.send(backfillDesc, f.progress(s), f.name())
			m.send(finishedDesc, number(s.Finished), f.name())
		}
	}
}

type backfillInfo struct {
	Range       string `alloy:"range,attr"`
	State       string `alloy:"state,attr"`
	Progress    string `alloy:"progress,attr"`
	Forwarded   uint64 `alloy:"events_forwarded,attr"`
	Skipped     uint64 `alloy:"skipped_events,attr"`
	Unconfirmed int    `alloy:"unconfirmed_events,attr"`
	Error       string `alloy:"error,attr,optional"`
}

func (p *plan) backfillInfos(now time.Time) (all []backfillInfo) {
	for _, f := range p.of.fills {
		s := f.reading.snapshot()
		all = append(all, backfillInfo{Range: f.name(), State: f.state(s, now), Progress: fmt.Sprintf("%.1f %%", 100*f.progress(s)),
			Forwarded: s.Events, Skipped: s.Skipped, Unconfirmed: s.Unconfirmed.Waiting, Error: text(s.Wrong[poller.Okta].Err)})
	}
	return all
}

func (p *plan) backfillRows(now time.Time) (all []string) {
	for _, info := range p.backfillInfos(now) {
		all = append(all, info.Range+": "+info.State+", "+info.Progress)
	}
	return all
}

// progress is the part of the range that was delivered.
func (f *fill) progress(s poller.Snapshot) float64 {
	if s.Watermark.IsZero() {
		return 0
	}
	since, until, _ := f.bounds()
	return min(1, max(0, s.Watermark.Sub(since).Seconds()/until.Sub(since).Seconds()))
}

// state says in a few words how far it is.
func (f *fill) state(s poller.Snapshot, now time.Time) string {
	away := f.reading.elsewhere(now)
	switch {
	case f.refused != nil:
		return "not read: " + f.refused.Error()
	case s.Finished:
		return "done"
	case away.is != fine && !s.Started.IsZero():
		return away.state
	case s.Started.IsZero():
		return "waiting for the one before it"
	case s.Ended && s.Wrong[poller.Hold].Kind == "" && s.Unconfirmed.Hidden > 0:
		return fmt.Sprintf("sent, waiting for Loki to show %d events: it hides %d old ones for a while, until %s at the latest",
			s.Unconfirmed.Waiting, s.Unconfirmed.Hidden, clock(s.Unconfirmed.Shown))
	case s.Ended && s.Wrong[poller.Hold].Kind == "":
		return fmt.Sprintf("sent, waiting for Loki to show %d events", s.Unconfirmed.Waiting)
	default:
		return stateOf(s, now)
	}
}

// verdict is the first trouble that a range of the org has.
func (ranges) verdict(k *collector, now time.Time) condition {
	p := k.plan.Load()
	for _, f := range p.of.fills {
		if f.refused != nil {
			return condition{is: troubled, message: f.refused.Error(), since: f.refusedSince}
		}
		s := f.reading.snapshot()
		if s.Finished || s.Started.IsZero() {
			continue
		}
		if v := verdict(s, p.auth.Method(), p.args.PollInterval, now); v.unhealthy() {
			v.is, v.message = troubled, "backfill "+f.name()+": "+v.message // whatever is wrong with the range, the log is read
			return v
		}
	}
	return condition{}
}
