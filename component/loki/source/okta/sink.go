package okta

import (
	"context"
	"fmt"
	"time"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/internal/component/common/loki"
	"github.com/grafana/alloy/internal/service/livedebugging"

	"github.com/grafana/alloy/okta/component/loki/source/internal/fanout"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/poller"
)

// sink sends the entries of a reading to the receivers of one version of the arguments.
type sink struct {
	*fanout.Fanout
	to     []fanout.Receiver
	live   liveDebugging
	partly *partly
}

// partly is an entry that only some receivers had taken when sending ended. Its page is fetched again, and they must not get it twice. It
// belongs to the running poller, and is kept with its memory.
type partly struct {
	line string
	took fanout.Took
}

func partlyOf(m *poller.Memory) *partly {
	had, _ := m.Taken.(*partly)
	if had == nil {
		had = &partly{}
		m.Taken = had
	}
	return had
}

// Send implements poller.Sink.
func (s sink) Send(ctx context.Context, e event.Entry) error {
	var took fanout.Took
	if s.partly.line == e.Line {
		took, *s.partly = s.partly.took, partly{}
	}
	if took.None() {
		s.live.publish(e) // before it is sent: afterward the metadata is a receiver's
	}
	err := s.Fanout.Send(ctx, s.to, loki.NewEntry(e.Labels, e.Entry), &took)
	if err != nil {
		*s.partly = partly{line: e.Line, took: took}
	}
	return err
}

// liveDebugging publishes entries to the UI while somebody looks. The zero value publishes nothing.
type liveDebugging struct {
	id        livedebugging.ComponentID
	publisher livedebugging.DebugDataPublisher
}

func newLiveDebugging(opts component.Options) liveDebugging {
	publisher, _ := service[livedebugging.DebugDataPublisher](opts, livedebugging.ServiceName)
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
