package poller

import (
	"context"
	"time"

	"github.com/grafana/alloy/okta/internal/delivery"
)

// watchEvery is how often the poller is looked at for what lasts.
const watchEvery = 15 * time.Second

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
		p.tell(Receiver)
		waiting := !s.WaitUntil.IsZero() && !s.Wrong[Okta].Lasts() // a failure has lines of its own
		if b := s.Wrong[Budget]; delivery.Latest(s.LastPoll, s.Started).After(b.Since) || !waiting && b.told == nil {
			p.clear(Budget)
		}
		if waiting {
			p.fail(Budget, "", nil)
		}
	}
}
