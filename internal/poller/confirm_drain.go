// option: reconcile

package poller

import (
	"context"
	"time"

	"github.com/grafana/alloy/okta/internal/delivery"
	"github.com/grafana/alloy/okta/internal/limits"
)

const (
	// pipelineWorks is how long ago something may have arrived last for the pipeline to work. What does not arrive for as long, in a
	// pipeline that works, will not: it was dropped.
	pipelineWorks = time.Minute
	// drainMost is how long a batch can be retried by loki.write at its defaults, and some: ten minutes.
	drainMost = limits.Retries + 90*time.Second
)

func (p *confirmed) drain(ctx context.Context) {
	w, begin := &p.Memory.window, time.Now()
	for ctx.Err() == nil && !w.Empty() {
		now := time.Now()
		since := begin
		arrival, most := w.Stats(now).Arrival, drainMost
		if arrival.After(begin.Add(-pipelineWorks)) {
			since, most = delivery.Latest(begin, arrival), pipelineWorks
		}
		if now.Sub(since) >= most {
			break
		}
		p.queryDue(ctx, now)
		p.wait(ctx, delivery.Latest(p.nextQuery(since.Add(most), now), now.Add(100*time.Millisecond)))
	}
	p.queries.stop()
}
