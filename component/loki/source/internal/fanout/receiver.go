package fanout

import (
	"context"

	"github.com/grafana/alloy/internal/component/common/loki"
)

// Receiver is what forward_to names. This file alone knows that an entry is handed over by a channel: when Alloy's components take
// batches by a call instead (grafana/alloy#6204), nothing else of the sources changes.
// consumer_test.go is this file as it will be then, and move_test.go compiles the sources with it.
type Receiver = loki.LogsReceiver

// hand gives an entry to a receiver. It blocks until the receiver takes it, and returns an error only when ctx ends; the receiver does not
// have the entry then.
func hand(ctx context.Context, to Receiver, e loki.Entry) error {
	select {
	case to.Chan() <- e:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
