package poller

import (
	"context"
	"time"

	"github.com/grafana/alloy/okta/internal/delivery"
)

// Drain goes on confirming what was delivered after Run has returned, so that the journal is complete when another node goes on from
// it. Nothing is fetched and nothing is delivered. It returns when nothing is on its way any more, as far as one can tell, or ctx ends.
func (p *Poller) Drain(ctx context.Context) {
	if p.journal == nil {
		return
	}
	defer p.Troubles.gone(&p.Reporting) // Run did so already, but a query that fails here notes a trouble, which nothing else would end
	p.ledger.drain(ctx)
}

// Forget makes the next poller with this Memory start from its checkpoint, as a new process does: another node has read on meanwhile.
func (m *Memory) Forget() {
	m.Taken = nil
	m.at, m.journal, m.past = position{}, nil, past{}
	m.recent, m.heads = recent{}, delivery.Heads{}
	m.window, m.confirm = delivery.Window[position]{}, nil
	m.sent, m.last, m.probes = time.Time{}, "", nil
}

// UnderWay reports whether something that was delivered has not been seen to arrive, after Run or Drain has returned and while the
// Memory is the poller's.
func (p *Poller) UnderWay() bool { return p.ledger.underWay() }
