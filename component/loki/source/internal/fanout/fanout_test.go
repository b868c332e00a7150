package fanout

import (
	"context"
	"testing"

	"github.com/grafana/loki/pkg/push"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/component/common/loki"
)

func receivers(n int) (all []loki.LogsReceiver) {
	for range n {
		all = append(all, loki.NewLogsReceiver())
	}
	return all
}

func entry() loki.Entry {
	return loki.NewEntry(model.LabelSet{"job": "loki.source.okta"}, push.Entry{
		Line: "{}", StructuredMetadata: push.LabelsAdapter{{Name: "eventType", Value: "user.session.start"}},
	})
}

func TestReceiversMayChangeWhatTheyAreGiven(t *testing.T) {
	all, shared := receivers(3), entry()
	sent := make(chan error, 1)
	go func() { sent <- new(Fanout).Send(t.Context(), all, shared, &Took{}) }()
	for _, r := range all {
		got := <-r.Chan()
		require.Equal(t, model.LabelSet{"job": "loki.source.okta"}, got.Labels)
		require.Equal(t, "user.session.start", got.StructuredMetadata[0].Value)
		got.Labels["job"] = "changed"
		got.StructuredMetadata[0].Value = "changed"
	}
	require.NoError(t, <-sent)
	require.Equal(t, model.LabelSet{"job": "loki.source.okta"}, shared.Labels, "other entries have these labels, too")
}

// An entry is sent until every receiver has it, however often the sending ends in between and whoever the receivers are by then. None gets
// it twice.
func TestNobodyGetsAnEntryTwice(t *testing.T) {
	type try struct {
		to    []int // receivers
		takes []int // those that take the entry, before the sending is ended unless all have it
	}
	for name, tries := range map[string][]try{
		"all at once":               {{[]int{0, 1, 2}, []int{0, 1, 2}}},
		"the only one, later":       {{[]int{0}, nil}, {[]int{0}, []int{0}}},
		"the last one is late":      {{[]int{0, 1, 2}, []int{0, 1}}, {[]int{0, 1, 2}, []int{2}}},
		"one after the other":       {{[]int{0, 1, 2}, []int{0}}, {[]int{0, 1, 2}, []int{1}}, {[]int{0, 1, 2}, []int{2}}},
		"nothing in between":        {{[]int{0, 1}, []int{0}}, {[]int{0, 1}, nil}, {[]int{0, 1}, []int{1}}},
		"a reload removes one":      {{[]int{0, 1, 2}, []int{0}}, {[]int{0, 2}, []int{2}}},
		"a reload adds one":         {{[]int{0, 1}, []int{0}}, {[]int{0, 1, 2}, []int{1, 2}}},
		"a reload turns them round": {{[]int{0, 1}, []int{0}}, {[]int{1, 0}, []int{1}}},
		"a reload leaves one":       {{[]int{0, 1}, []int{0}}, {[]int{0}, nil}},
		"one that is there twice":   {{[]int{0, 0}, []int{0, 0}}},
	} {
		t.Run(name, func(t *testing.T) {
			all := receivers(3)
			var took Took
			var f Fanout
			for i, c := range tries {
				var to []loki.LogsReceiver
				for _, r := range c.to {
					to = append(to, all[r])
				}
				ctx, cancel := context.WithCancel(t.Context())
				sent := make(chan error, 1)
				go func() { sent <- f.Send(ctx, to, entry(), &took) }()
				for _, r := range c.takes {
					<-all[r].Chan()
				}
				last := i == len(tries)-1
				if !last {
					cancel()
				}
				require.Equal(t, last, <-sent == nil)
				require.Equal(t, last, took.All())
				cancel()
			}
			require.NoError(t, f.Send(t.Context(), all, entry(), &took), "it asks nobody any more")
		})
	}
}

// unnamed is a receiver that does not say who exports it, as Alloy's own do.
type unnamed struct{ loki.LogsReceiver }

func TestABlockedReceiverIsNamed(t *testing.T) {
	named, other := loki.NewLogsReceiver(loki.WithComponentID("loki.write.default")), unnamed{loki.NewLogsReceiver()}
	for want, to := range map[string][]loki.LogsReceiver{
		"loki.write.default.receiver": {loki.NewLogsReceiver(), named},
		"forward_to[1]":               {named, other},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		var f Fanout
		var took Took
		require.True(t, took.None())
		sent := make(chan error, 1)
		go func() { sent <- f.Send(ctx, to, entry(), &took) }()
		<-to[0].Chan()
		cancel()
		require.ErrorIs(t, <-sent, context.Canceled)
		require.Equal(t, want, f.Receiver(to))
		require.Empty(t, f.Receiver(to[:1]), "a reload has removed it")
		require.False(t, took.None())
	}
	require.True(t, Nobody().All())
}
