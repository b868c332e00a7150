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

// judge reports when nothing of what was delivered is found.
func (p *Poller) judge(stats delivery.Stats, now time.Time) {
	patience := untold
	if p.Memory.window.Trusted() == p.ConfirmID {
		patience = missed
	}
	var problem error
	if !stats.Telling.IsZero() && now.Sub(delivery.Latest(stats.Telling, stats.Arrival)) >= patience {
		hidden := ""
		if stats.Hidden > 0 {
			hidden = fmt.Sprintf(" (%d of them Loki may have and not show yet)", stats.Hidden)
		}
		problem = fmt.Errorf("%w: the selector %s finds none of the %d events delivered since %s%s; check reconcile's url, "+
			"tenant_id and selector, and that the pipeline delivers. The cursor does not move",
			ErrNothingArrives, p.Confirm.Selector(), stats.Waiting, stats.Telling.UTC().Format(time.RFC3339), hidden)
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
		p.Told.ends("unconfirmed", p)
	} else if !errors.Is(known, ErrNothingArrives) && p.Told.begins("unconfirmed", p) {
		level.Error(p.Logger).Log("msg", "deliveries cannot be confirmed", "err", problem)
	}
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
		if n, after := p.Told.ends("held", p); n > 0 {
			level.Info(p.Logger).Log("msg", "delivery continues", "orgs", n, "after", after)
		}
	} else if (hold != delivery.Full || now.Sub(q.since) >= time.Minute) && p.Told.begins("held", p) {
		stats := p.Memory.window.Stats(now)
		level.Warn(p.Logger).Log("msg", "nothing newer is delivered until Loki has what was", "reason", hold,
			"unconfirmed", stats.Waiting, "oldest", stats.Since.UTC().Format(time.RFC3339))
	}
	return hold
}
