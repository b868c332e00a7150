package okta

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grafana/loki/pkg/push"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/component/common/loki"

	"github.com/grafana/alloy/okta/internal/event"
)

func TestReceiversMayChangeWhatTheyAreGiven(t *testing.T) {
	shared := model.LabelSet{"job": "loki.source.okta"}
	entry := event.Entry{Labels: shared, Entry: push.Entry{
		Timestamp: time.Unix(1, 0), Line: "{}", StructuredMetadata: push.LabelsAdapter{{Name: "eventType", Value: "user.session.start"}},
	}}
	receivers := []loki.LogsReceiver{loki.NewLogsReceiver(), loki.NewLogsReceiver(), loki.NewLogsReceiver()}
	sent := make(chan error, 1)
	go func() {
		sent <- sink{receivers: receivers, partly: &partly{}, current: &atomic.Int32{}}.Send(t.Context(), entry)
	}()
	for _, receiver := range receivers {
		got := <-receiver.Chan()
		require.Equal(t, model.LabelSet{"job": "loki.source.okta"}, got.Labels)
		require.Equal(t, "user.session.start", got.StructuredMetadata[0].Value)
		got.Labels["job"] = "changed"
		got.StructuredMetadata[0].Value = "changed"
	}
	require.NoError(t, <-sent)
	require.Equal(t, model.LabelSet{"job": "loki.source.okta"}, shared, "other entries have these labels, too")
}

func TestABlockedReceiverEndsWithTheContext(t *testing.T) {
	free, blocked := loki.NewLogsReceiver(), loki.NewLogsReceiver()
	ctx, cancel := context.WithCancel(t.Context())
	sent := make(chan error, 1)
	go func() {
		sent <- sink{receivers: []loki.LogsReceiver{free, blocked}, partly: &partly{}, current: &atomic.Int32{}}.Send(ctx,
			event.Entry{Labels: model.LabelSet{}})
	}()
	<-free.Chan()
	cancel()
	require.ErrorIs(t, <-sent, context.Canceled)
}

func TestReloadWithABlockedReceiverRepeatsNothing(t *testing.T) {
	free, blocked, late := loki.NewLogsReceiver(), loki.NewLogsReceiver(), loki.NewLogsReceiver()
	var partly partly
	entry := func(line string) event.Entry {
		return event.Entry{Labels: model.LabelSet{}, Entry: push.Entry{Timestamp: time.Unix(1, 0), Line: line}}
	}
	send := func(ctx context.Context, line string, receivers ...loki.LogsReceiver) chan error {
		sent := make(chan error, 1)
		go func() {
			sent <- sink{receivers: receivers, partly: &partly, current: &atomic.Int32{}}.Send(ctx, entry(line))
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
