package fanout

import (
	"context"
	"time"

	"github.com/grafana/alloy/internal/component/common/loki"
)

// consumer is what forward_to names once Alloy's components take batches by a call (grafana/alloy#6204). Alloy v1.19.2 has the type, and
// no component that exports one. The interface's second method went with grafana/alloy#6984, so that nothing here calls it.
type consumer = loki.Consumer

// again is the time between two tries.
const again = time.Second

// consume gives an entry to a consumer. One that refuses it, by an error, is asked again until ctx ends: it does not have the entry, or
// has it in part, as when one of two behind it took it, and may get it twice then. One that has stopped was removed by a reload, which
// ends ctx.
func consume(ctx context.Context, to consumer, e loki.Entry) error {
	for ctx.Err() == nil {
		batch := loki.NewBatch() // a batch is the consumer's, who may change it, refused ones included
		entry := e.Clone()
		batch.Add(loki.NewStream(entry.Labels, entry.Entry))
		if to.Consume(ctx, batch) == nil {
			return nil
		}
		select {
		case <-time.After(again):
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}
