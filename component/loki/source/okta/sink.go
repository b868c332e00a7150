package okta

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/internal/component/common/loki"
	"github.com/grafana/alloy/internal/service/livedebugging"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/poller"
)

// sink sends entries to receivers, one after the other. It is not loki.Fanout, for
// that one hands the same label map to every receiver, and loki.process changes the
// map it is given.
type sink struct {
	receivers []loki.LogsReceiver
	live      liveDebugging
	partly    *partly
	current   *atomic.Int32 // index of the receiver that takes an entry
}

// receiver names the receiver that takes an entry: Alloy's own ones are named after the
// component that exports them.
func (s sink) receiver() string {
	i := int(s.current.Load())
	if i >= len(s.receivers) {
		return ""
	}
	if named, ok := s.receivers[i].(fmt.Stringer); ok {
		return named.String()
	}
	return fmt.Sprintf("forward_to[%d]", i)
}

// partly is an entry that some receivers had taken and others not when a reload came in
// between. Its page comes again, and they must not get it twice. It belongs to the
// running poller, and is kept with its memory.
type partly struct {
	line string
	took []loki.LogsReceiver
}

func partlyOf(m *poller.Memory) *partly {
	had, _ := m.Taken.(*partly)
	if had == nil {
		had = &partly{}
		m.Taken = had
	}
	return had
}

// Send implements poller.Sink. Each receiver gets labels and metadata of its own, the
// last one the entry's own metadata.
func (s sink) Send(ctx context.Context, e event.Entry) error {
	var took []loki.LogsReceiver
	if s.partly.line == e.Line {
		took, *s.partly = s.partly.took, partly{}
	}
	for i, r := range s.receivers {
		if slices.Contains(took, r) {
			continue
		}
		own := e.Entry
		if last := i == len(s.receivers)-1; last {
			s.live.publish(e) // now, for afterward the metadata is the receiver's
		} else {
			own.StructuredMetadata = slices.Clone(own.StructuredMetadata)
		}
		s.current.Store(int32(i))
		select {
		case r.Chan() <- loki.NewEntry(maps.Clone(e.Labels), own):
		case <-ctx.Done():
			*s.partly = partly{line: e.Line, took: slices.Concat(took, s.receivers[:i])}
			return ctx.Err()
		}
	}
	return nil
}

// liveDebugging publishes entries to the UI while somebody looks. The zero value
// publishes nothing.
type liveDebugging struct {
	id        livedebugging.ComponentID
	publisher livedebugging.DebugDataPublisher
}

func newLiveDebugging(opts component.Options) liveDebugging {
	if opts.GetServiceData == nil { // in unit tests
		return liveDebugging{}
	}
	data, err := opts.GetServiceData(livedebugging.ServiceName)
	if err != nil {
		return liveDebugging{}
	}
	publisher, _ := data.(livedebugging.DebugDataPublisher)
	return liveDebugging{id: livedebugging.ComponentID(opts.ID), publisher: publisher}
}

func (l liveDebugging) publish(e event.Entry) {
	if l.publisher == nil {
		return
	}
	l.publisher.PublishIfActive(livedebugging.NewData(l.id, livedebugging.LokiLog, 1, func() string {
		return fmt.Sprintf("[OUT]: timestamp: %s, entry: %s, labels: %s, structured_metadata: %v",
			e.Timestamp.Format(time.RFC3339Nano), e.Line, e.Labels, e.StructuredMetadata)
	}))
}
