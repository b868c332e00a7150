package fanout

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/grafana/loki/pkg/push"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/component/common/loki"
)

// way is a kind of receivers, each of which is known by its number.
type way interface {
	send(ctx context.Context, f *Fanout, to []int, e loki.Entry, took *Took) error
	take(i int) loki.Entry // waits until receiver i is handed an entry, and takes it
	name(f *Fanout, to []int) string
}

// ways are the kinds that there are: Alloy's own as they are, through Fanout's methods, and as they will be.
func ways(t *testing.T, test func(t *testing.T, w way)) {
	t.Run("channels", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			test(t, channels{loki.NewLogsReceiver(), loki.NewLogsReceiver(loki.WithComponentID("loki.write.default")),
				unnamed{loki.NewLogsReceiver()}})
		})
	})
	t.Run("consumers", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			first, named, other := newDouble("loki.process.default"), newDouble("loki.write.default"), newDouble("")
			test(t, consumers{first, named, struct{ loki.Consumer }{other}})
		})
	})
}

// pick returns those that the numbers name.
func pick[R any](all []R, numbers []int) (to []R) {
	for _, i := range numbers {
		to = append(to, all[i])
	}
	return to
}

type channels []Receiver

func (c channels) send(ctx context.Context, f *Fanout, to []int, e loki.Entry, took *Took) error {
	return f.Send(ctx, pick(c, to), e, took)
}
func (c channels) take(i int) loki.Entry           { return <-c[i].Chan() }
func (c channels) name(f *Fanout, to []int) string { return f.Receiver(pick(c, to)) }

// unnamed is a receiver that does not say who exports it, as Alloy's own do.
type unnamed struct{ loki.LogsReceiver }

type consumers []loki.Consumer

func (c consumers) send(ctx context.Context, f *Fanout, to []int, e loki.Entry, took *Took) error {
	return send(ctx, f, pick(c, to), consume, e, took)
}
func (c consumers) name(f *Fanout, to []int) string { return name(f, pick(c, to)) }

func (c consumers) take(i int) loki.Entry {
	d, ok := c[i].(*double)
	if !ok {
		d = c[i].(struct{ loki.Consumer }).Consumer.(*double)
	}
	return <-d.taken
}

// double is a consumer that takes a batch when the test does. It answers as [loki.Consumer] says: an error when it does not have the batch.
type double struct {
	loki.Consumer // of whose methods none but Consume is called
	id            string
	taken         chan loki.Entry
	refuse        chan error // how it answers, before anything is taken
}

func newDouble(id string) *double {
	return &double{id: id, taken: make(chan loki.Entry), refuse: make(chan error, 8)}
}

func (d *double) String() string { return d.id + ".receiver" }

func (d *double) Consume(ctx context.Context, batch loki.Batch) error {
	select {
	case err := <-d.refuse:
		return err
	default:
	}
	return batch.ConsumeStreams(func(s loki.Stream, created int64) error {
		for _, e := range s.Entries {
			select {
			case d.taken <- loki.NewEntryWithCreatedUnixMicro(s.Labels, created, e):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
}

func entry() loki.Entry {
	return loki.NewEntry(model.LabelSet{"job": "loki.source.okta"}, push.Entry{
		Line: "{}", StructuredMetadata: push.LabelsAdapter{{Name: "eventType", Value: "user.session.start"}},
	})
}

func TestReceiversMayChangeWhatTheyAreGiven(t *testing.T) {
	ways(t, func(t *testing.T, w way) {
		shared := entry()
		sent := make(chan error, 1)
		go func() { sent <- w.send(t.Context(), new(Fanout), []int{0, 1, 2}, shared, &Took{}) }()
		for r := range 3 {
			got := w.take(r)
			require.Equal(t, model.LabelSet{"job": "loki.source.okta"}, got.Labels)
			require.Equal(t, "user.session.start", got.StructuredMetadata[0].Value)
			got.Labels["job"] = "changed"
			got.StructuredMetadata[0].Value = "changed"
		}
		require.NoError(t, <-sent)
		require.Equal(t, model.LabelSet{"job": "loki.source.okta"}, shared.Labels, "other entries have these labels, too")
	})
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
			ways(t, func(t *testing.T, w way) {
				var took Took
				var f Fanout
				for i, c := range tries {
					ctx, cancel := context.WithCancel(t.Context())
					sent := make(chan error, 1)
					go func() { sent <- w.send(ctx, &f, c.to, entry(), &took) }()
					for _, r := range c.takes {
						w.take(r)
					}
					last := i == len(tries)-1
					if !last {
						synctest.Wait() // until the next one is handed the entry: a consumer that has taken it says so by returning
						cancel()
					}
					require.Equal(t, last, <-sent == nil)
					require.Equal(t, last, took.All())
					cancel()
				}
				require.NoError(t, w.send(t.Context(), &f, []int{0, 1, 2}, entry(), &took), "it asks nobody any more")
			})
		})
	}
}

func TestABlockedReceiverIsNamed(t *testing.T) {
	ways(t, func(t *testing.T, w way) {
		for want, to := range map[string][]int{
			"loki.write.default.receiver": {0, 1},
			"forward_to[1]":               {1, 2},
		} {
			ctx, cancel := context.WithCancel(t.Context())
			var f Fanout
			var took Took
			require.True(t, took.None())
			sent := make(chan error, 1)
			go func() { sent <- w.send(ctx, &f, to, entry(), &took) }()
			w.take(to[0])
			synctest.Wait()
			cancel()
			require.ErrorIs(t, <-sent, context.Canceled)
			require.Equal(t, want, w.name(&f, to))
			require.Empty(t, w.name(&f, to[:1]), "a reload has removed it")
			require.False(t, took.None())
		}
		require.True(t, Nobody().All())
	})
}

// What a consumer refuses comes again, and the others do not get it twice: an error is neither lost nor an end.
func TestWhatAConsumerRefusesComesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newDouble("loki.write.first"), newDouble("loki.write.second")
		w := consumers{first, second}
		second.refuse <- errors.New("429 Too Many Requests")
		second.refuse <- loki.ErrConsumerStopped
		var f Fanout
		var took Took
		sent := make(chan error, 1)
		go func() { sent <- w.send(t.Context(), &f, []int{0, 1}, entry(), &took) }()
		w.take(0)
		synctest.Wait()
		require.Equal(t, "loki.write.second.receiver", w.name(&f, []int{0, 1}))
		require.Equal(t, "{}", w.take(1).Line)
		require.NoError(t, <-sent)
		require.True(t, took.All())
	})
}
