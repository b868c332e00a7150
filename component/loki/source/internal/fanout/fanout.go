// Package fanout sends entries to receivers. Alloy's loki.Fanout cannot be used: it gives every receiver the same label map, which
// loki.process changes, and it does not tell which receivers took an entry before sending ended.
package fanout

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"go.uber.org/atomic"

	"github.com/grafana/alloy/internal/component/common/loki"
)

// Took are the receivers that have an entry. The zero value is none.
type Took struct {
	all  bool
	some []any
}

// All reports whether every receiver that there was has the entry; those that a reload adds later do not get it.
func (t Took) All() bool { return t.all }

// None reports whether no receiver has the entry.
func (t Took) None() bool { return !t.all && len(t.some) == 0 }

// Nobody returns the Took of an entry that is for no receiver.
func Nobody() Took { return Took{all: true} }

// Fanout is a way to receivers, which may be others at each call. The zero value is ready. One goroutine sends at a time; Receiver may be
// called by any.
type Fanout struct {
	at atomic.Int32 // index of the receiver that takes an entry
}

// Send sends an entry to those receivers that do not have it, one after the other, and notes in took which have. Each gets labels and
// metadata of its own; the entry's metadata is the last one's. It blocks as long as a receiver does, and returns an error only when ctx
// ends.
func (f *Fanout) Send(ctx context.Context, to []Receiver, e loki.Entry, took *Took) error {
	return send(ctx, f, to, hand, e, took)
}

// Receiver names the receiver that takes an entry, or took the last one. Alloy's own are named after the component that exports them.
func (f *Fanout) Receiver(to []Receiver) string { return name(f, to) }

// send is Send for any kind of receiver. hand returns an error only when ctx ends, and the receiver then has nothing.
func send[R any](ctx context.Context, f *Fanout, to []R, hand func(context.Context, R, loki.Entry) error, e loki.Entry, took *Took) error {
	for i, r := range to {
		if took.all || slices.Contains(took.some, any(r)) {
			continue
		}
		own := e.Entry
		if i < len(to)-1 {
			own.StructuredMetadata = slices.Clone(own.StructuredMetadata)
		}
		f.at.Store(int32(i))
		if err := hand(ctx, r, loki.NewEntry(maps.Clone(e.Labels), own)); err != nil {
			for _, r := range to[:i] {
				took.some = append(took.some, r)
			}
			return err
		}
	}
	*took = Took{all: true}
	return nil
}

func name[R any](f *Fanout, to []R) string {
	i := int(f.at.Load())
	if i >= len(to) {
		return ""
	}
	if named, ok := any(to[i]).(fmt.Stringer); ok {
		return named.String()
	}
	return fmt.Sprintf("forward_to[%d]", i)
}
