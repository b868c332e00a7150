// option: reconcile

package poller

import (
	"fmt"
	"time"

	"github.com/grafana/alloy/okta/internal/delivery"
)

const (
	// untold is how long nothing may be found under a configuration that was never seen to
	// work before that is reported.
	untold = time.Minute
	// missed is the same for one that has worked: loki.write may be retrying.
	missed = 5 * time.Minute
)

// judge reports when nothing of what was delivered is found; empty says that Loki has nothing of anybody's either.
func (p *confirmed) judge(stats delivery.Stats, empty bool, now time.Time) {
	after := missed
	if !p.Memory.window.Trusts() {
		after = untold
	}
	old := p.ends() && stats.Hidden == stats.Waiting // of an old range Loki shows nothing at first, and that is no reason to worry
	if old || stats.Telling.IsZero() || now.Sub(delivery.Latest(stats.Telling, stats.Arrival)) < after {
		p.clear(Arrival)
		return
	}
	p.fail(Arrival, "", p.nothingArrives(stats, empty))
}

// nothingArrives says where to look. What Loki answered to loki.write is only in the log: a refused push looks like a wrong selector,
// unless there is nothing that another selector could find.
func (p *confirmed) nothingArrives(stats delivery.Stats, empty bool) error {
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
		ErrNothingArrives, stats.Waiting, utc(stats.Telling), hidden, why)
}

// held notes that nothing newer is delivered, or that it is.
func (p *confirmed) held(hold delivery.Hold) delivery.Hold {
	if hold == delivery.Open {
		p.clear(Hold)
	} else {
		stats := p.Memory.window.Stats(time.Now())
		p.fail(Hold, string(hold), nil, "reason", hold, "unconfirmed", stats.Waiting, "oldest", utc(stats.Since))
	}
	return hold
}
