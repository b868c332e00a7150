package okta

import (
	"context"
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
	go func() { sent <- sink{receivers: receivers}.Send(t.Context(), entry) }()
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
	go func() { sent <- sink{receivers: []loki.LogsReceiver{free, blocked}}.Send(ctx, event.Entry{Labels: model.LabelSet{}}) }()
	<-free.Chan()
	cancel()
	require.ErrorIs(t, <-sent, context.Canceled)
}
