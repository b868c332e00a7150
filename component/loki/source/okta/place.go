// option: clustering

package okta

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/poller"
	"github.com/grafana/alloy/okta/internal/takeover"
)

// place is the seat of a reading in a cluster, and its [takeover.Reader]. All fields but Seat belong to the goroutine that calls run.
type place struct {
	*takeover.Seat
	r        *reading
	start    takeover.Start // what Read was called with
	lands    time.Time      // when all has arrived that was delivered before start
	underWay bool           // whether deliveries were, when the last poller had ended
}

func newPlace(r *reading) *place {
	x, org := r.k.c.of.exchange, r.k.org.String()
	if r.isLive() {
		return &place{Seat: x.Seat(org, r.k.secret), r: r}
	}
	return &place{Seat: x.Part(org, r.name, r.k.secret), r: r}
}

// run implements seat.
func (p *place) run(ctx context.Context) { p.Run(ctx, p) }

// Read implements takeover.Reader.
func (p *place) Read(ctx context.Context, start takeover.Start) {
	p.start, p.lands = start, time.Now().Add(start.LastPush)
	if start.Others { // the journal is newer than what this process knew before it lost the org, by a reload for instance
		p.r.memory.Forget()
	}
	p.r.keep(ctx)
	if p.r.poller != nil {
		p.underWay = p.r.poller.UnderWay()
	}
}

// Drain implements takeover.Reader.
func (p *place) Drain(ctx context.Context) {
	if p.r.poller == nil { // never begun
		return
	}
	p.r.poller.Drain(ctx)
	p.underWay = p.r.poller.UnderWay()
	if ctx.Err() == nil {
		p.r.memory.Forget()
	}
}

// UnderWay implements takeover.Reader.
func (p *place) UnderWay() bool { return p.underWay }

func (clustered) configure(r *reading, p *plan, _ *oktaapi.Config, cfg *poller.Config) bool {
	at, enabled := r.seat.(*place), p.args.Options.Clustering.Enabled
	if at.start.AtOnce {
		cfg.Spread, at.start.AtOnce = 0, false
	}
	if at.start.LastPush > 0 {
		cfg.LastPush = max(time.Until(at.lands), 1)
	}
	if enabled {
		cfg.Owned = at.Owned
	}
	cfg.Open = func() (*checkpoint.Journal, error) {
		journal, err := p.open(r.logger, r.dir(), at.start.Copies...)
		if err == nil && enabled {
			journal.Saved = at.Saved
		}
		return journal, err
	}
	return true
}

var ownedDesc = desc("owned", "1 when this node of a cluster reads the org; otherwise 0, and other metrics of the org's state are missing.")

func (clustered) collect(c *Component, ch chan<- prometheus.Metric, now time.Time) {
	for _, m := range collected(c.current()) {
		p := m.plan.Load()
		if !p.args.Options.Clustering.Enabled {
			continue
		}
		reads := number(m.live.elsewhere(now).is == fine)
		ch <- prometheus.MustNewConstMetric(ownedDesc, prometheus.GaugeValue, reads, p.org.Host)
	}
}

// elsewhere implements seat.
func (p *place) elsewhere(now time.Time) condition {
	k := p.r.k
	if !k.plan.Load().args.Options.Clustering.Enabled {
		return condition{}
	}
	state, since, owner := p.State()
	v := condition{is: elsewhere, since: since}
	lasts := func(most time.Duration) { // it is unhealthy once it lasts
		if now.Sub(v.since) >= most {
			v.is, v.since = missing, v.since.Add(most)
		}
	}
	switch why, read := p.Waits(); {
	case state == takeover.Owned:
		return condition{}
	case owner == "":
		why, v.since = k.c.of.nodes.noOwner()
		v.is, v.message = unread, "no node reads it: "+why
		lasts(unreadAfter)
	case state == takeover.Acquiring && read:
		v.message = "waiting, as " + why
		lasts(acquiringAfter)
	case state == takeover.Acquiring || p.Mine():
		v.is, v.message = unread, "no node reads it: this one asks the others"
		switch {
		case state != takeover.Acquiring: // it is about to ask
			v.since = now
		case why != "":
			v.message = "no node reads it: " + why
		}
		lasts(unreadAfter)
	case state == takeover.Draining:
		v.message = owner + " reads it next, waiting for what this node delivered to arrive"
	default:
		v.message = owner + " reads it"
	}
	v.state = v.message
	return v
}
