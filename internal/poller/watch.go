package poller

import (
	"context"
	"time"

	"github.com/grafana/alloy/okta/internal/delivery"
)

const (
	// watchEvery is how often the poller is looked at for what lasts.
	watchEvery = 15 * time.Second
	// slowedAfter is how long the rate limit may keep all pages away, at least, before it is worth a line in the log.
	slowedAfter = 2 * time.Minute
	// heldAfter is slowedAfter for a range: behind live polling it gets a page every three minutes (see oktaapi.Budget).
	heldAfter = 10 * time.Minute
)

// several is the time in which several polls bring a page, unless something is wrong.
func (p *Poller) several() time.Duration {
	if p.ends() {
		return heldAfter
	}
	return max(slowedAfter, 3*p.PollInterval)
}

// watch notices what lasts: a receiver that takes nothing, and a rate limit that lets no page through. A page that a receiver keeps
// makes room for others that wait. It ends with ctx.
func (p *Poller) watch(ctx context.Context) {
	t := time.NewTicker(watchEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		s := p.Status.Snapshot()
		if sending := s.Wrong[Receiver]; sending.Lasts() && time.Since(sending.Since) >= lendAfter {
			p.reclaim()
		}
		name := ""
		if p.Receiver != nil {
			name = p.Receiver()
		}
		p.tell(Receiver, "receiver", name, "since", utc(s.Wrong[Receiver].Since))
		waiting := !s.Wait.Until.IsZero() && !s.Wrong[Okta].Lasts() // a failure has lines of its own
		last := delivery.Latest(s.LastPoll, s.Started)
		if b := s.Wrong[Budget]; last.After(b.Since) || !waiting && b.told == nil {
			p.clear(Budget)
		}
		if waiting {
			p.fail(Budget, "", nil, "reason", s.Wait.Reason, "until", utc(s.Wait.Until), "last_page", utc(last))
		}
	}
}
