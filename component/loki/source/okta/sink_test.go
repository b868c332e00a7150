package okta

import (
	"context"
	"testing"
	"time"

	"github.com/grafana/loki/pkg/push"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/component/common/loki"

	"github.com/grafana/alloy/okta/component/loki/source/internal/fanout"
	"github.com/grafana/alloy/okta/internal/event"
)

func TestReloadWithABlockedReceiverRepeatsNothing(t *testing.T) {
	free, blocked, late := loki.NewLogsReceiver(), loki.NewLogsReceiver(), loki.NewLogsReceiver()
	var partly partly
	entry := func(line string) event.Entry {
		return event.Entry{Labels: model.LabelSet{}, Entry: push.Entry{Timestamp: time.Unix(1, 0), Line: line}}
	}
	send := func(ctx context.Context, line string, receivers ...loki.LogsReceiver) chan error {
		sent := make(chan error, 1)
		go func() {
			sent <- sink{Fanout: &fanout.Fanout{}, to: receivers, partly: &partly}.Send(ctx, entry(line))
		}()
		return sent
	}
	for reload := range 2 { // the second one must not forget what the first one knew
		ctx, cancel := context.WithCancel(t.Context())
		sent := send(ctx, "a", free, blocked, late)
		if reload == 0 {
			require.Equal(t, "a", (<-free.Chan()).Line)
		}
		cancel()
		require.ErrorIs(t, <-sent, context.Canceled)
	}

	sent := send(t.Context(), "a", free, late) // without the blocked one
	require.Equal(t, "a", (<-late.Chan()).Line, "free has it")
	require.NoError(t, <-sent)

	sent = send(t.Context(), "b", free, late)
	require.Equal(t, "b", (<-free.Chan()).Line)
	require.Equal(t, "b", (<-late.Chan()).Line)
	require.NoError(t, <-sent)
}
