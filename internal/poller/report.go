package poller

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-kit/log/level"

	"github.com/grafana/alloy/okta/internal/delivery"
)

const (
	// untold is how long nothing may be found under a configuration that was never seen to
	// work before that is reported.
	untold = time.Minute
	// missed is the same for one that has worked: loki.write may be retrying.
	missed = 5 * time.Minute
)

// ErrNothingArrives is the health of a poller whose Confirmer answers and finds none
// of what was delivered.
var ErrNothingArrives = errors.New("no delivered event found in Loki")

// judge reports when nothing of what was delivered is found; empty says that Loki has nothing of anybody's either.
func (p *Poller) judge(stats delivery.Stats, empty bool, now time.Time) {
	patience := missed
	if p.untrusted() {
		patience = untold
	}
	var problem error
	if p.Span != nil && stats.Hidden == stats.Waiting { // of an old range Loki shows nothing at first, and that is no reason to worry
		stats.Telling = time.Time{}
	}
	if !stats.Telling.IsZero() && now.Sub(delivery.Latest(stats.Telling, stats.Arrival)) >= patience {
		problem = p.nothingArrives(stats, empty)
	}
	var known error
	p.Status.set(func(s *Snapshot) {
		known = s.ConfirmErr
		switch {
		case problem != nil && known == nil:
			s.ConfirmFailing = now
		case problem == nil && known != nil:
			s.Recovered, s.ConfirmFailing = now, time.Time{}
		}
		s.ConfirmErr = problem
	})
	// Not while the status is held: who reads it must never wait for a log.
	if problem == nil {
		p.Troubles.ends("unconfirmed", p)
	} else if !errors.Is(known, ErrNothingArrives) && p.Troubles.begins("unconfirmed", p) {
		level.Error(p.Logger).Log("msg", "deliveries cannot be confirmed", "err", problem)
	}
}

// nothingArrives says where to look. What Loki answered to loki.write is only in the log: a refused push looks like a wrong selector,
// unless there is nothing that another selector could find.
func (p *Poller) nothingArrives(stats delivery.Stats, empty bool) error {
	hidden := ""
	if stats.Hidden > 0 {
		hidden = fmt.Sprintf(" (%d of them Loki may have and not show yet)", stats.Hidden)
	}
	const pushes = "look for loki.write's failed pushes in the log (404: its url must end in /loki/api/v1/push)"
	why := fmt.Sprintf("either pushes fail, or the selector %s finds none of the entries; %s, then check reconcile's url, tenant_id and "+
		"selector", p.Confirm.Selector(), pushes)
	if empty {
		why = "Loki has nothing at all of that time, so pushes fail or go elsewhere; " + pushes +
			", and reconcile's url and tenant_id must be loki.write's"
	}
	return fmt.Errorf("%w: none of the %d delivered since %s%s: %s. The cursor does not move",
		ErrNothingArrives, stats.Waiting, stats.Telling.UTC().Format(time.RFC3339), hidden, why)
}

// held reports that nothing newer is delivered, once it has been so for a minute, and that
// it is again.
func (p *Poller) held(hold delivery.Hold, now time.Time) delivery.Hold {
	q := &p.queries
	if hold != q.hold {
		if q.hold == delivery.Open {
			q.since = now
		}
		q.hold = hold
		p.Status.set(func(s *Snapshot) {
			s.Hold, s.HoldSince = string(hold), q.since
			if hold == delivery.Open {
				s.HoldSince = time.Time{}
			}
		})
	}
	if hold == delivery.Open {
		if n, after := p.Troubles.ends("held", p); n > 0 {
			level.Info(p.Logger).Log("msg", "delivery continues", "orgs", n, "after", after)
		}
	} else if (hold != delivery.Full || now.Sub(q.since) >= time.Minute) && p.Troubles.begins("held", p) {
		stats := p.Memory.window.Stats(now)
		level.Warn(p.Logger).Log("msg", "nothing newer is delivered until Loki has what was", "reason", hold,
			"unconfirmed", stats.Waiting, "oldest", stats.Since.UTC().Format(time.RFC3339))
	}
	return hold
}
