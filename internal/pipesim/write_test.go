package pipesim

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grafana/loki/pkg/push"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event"
)

// entry has the uuid as its line; padding makes it larger.
func entry(uuid string, padding int) event.Entry {
	line := uuid
	if padding > 0 {
		line = fmt.Sprintf(`{"uuid":%q,"padding":%q}`, uuid, strings.Repeat("x", padding))
	}
	return event.Entry{Labels: model.LabelSet{"job": "test"}, Entry: push.Entry{Timestamp: time.Now(), Line: line}}
}

// with runs a test in a bubble with a Loki and a loki.write at its defaults, which is killed at the end.
func with(t *testing.T, test func(t *testing.T, l *Loki, w *Write)) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLoki(DefaultLimits())
		w := NewWrite(l, Defaults())
		defer w.Kill()
		test(t, l, w)
	})
}

func sendAll(t *testing.T, w *Write, padding int, uuids ...string) {
	t.Helper()
	for _, uuid := range uuids {
		require.NoError(t, w.Send(t.Context(), entry(uuid, padding)))
	}
}

func TestWaitsASecondForMore(t *testing.T) {
	with(t, func(t *testing.T, l *Loki, w *Write) {
		sendAll(t, w, 0, "a", "b")
		time.Sleep(900 * time.Millisecond)
		require.Zero(t, l.Copies("a"))
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		missing, _, _ := l.Compare([]string{"a", "b"})
		require.Empty(t, missing)
		require.Equal(t, map[int]int{204: 1}, l.Stats().Pushes)
	})
}

// Upstream's comment speaks of 8.5 minutes; the jitter makes it anything from half of that.
func TestDropsABatchAfterTenTries(t *testing.T) {
	with(t, func(t *testing.T, l *Loki, w *Write) {
		l.Set(func(f *Faults) { f.PushDown = true })
		sendAll(t, w, 0, "a")
		time.Sleep(4 * time.Minute)
		require.Zero(t, w.Dropped())
		time.Sleep(5 * time.Minute)
		require.Equal(t, 1, w.Dropped())
		require.Equal(t, map[int]int{0: 10}, l.Stats().Pushes)
	})
}

func TestDropsAtOnceWhatIsRefused(t *testing.T) {
	with(t, func(t *testing.T, l *Loki, w *Write) {
		l.Set(func(f *Faults) { f.PushStatus = 400 })
		sendAll(t, w, 0, "a")
		time.Sleep(2 * time.Second)
		require.Equal(t, 1, w.Dropped())
	})
}

func TestTriesForEverWhenToldTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, cfg := NewLoki(DefaultLimits()), Defaults()
		cfg.MaxBackoffRetries = 0
		w := NewWrite(l, cfg)
		defer w.Kill()
		l.Set(func(f *Faults) { f.PushStatus = 500 })
		sendAll(t, w, 0, "a")
		time.Sleep(12 * time.Hour)
		l.Set(func(f *Faults) { *f = Faults{} })
		time.Sleep(5 * time.Minute)
		require.Equal(t, 1, l.Copies("a"))
		require.Zero(t, w.Dropped())
	})
}

// One batch is tried, ten wait, one is being filled; three entries are on their way.
func TestAFullQueueBlocks(t *testing.T) {
	with(t, func(t *testing.T, l *Loki, w *Write) {
		l.Set(func(f *Faults) { f.PushTakes = math.MaxInt64 })
		const half = 1<<19 - 100 // two fit
		ctx, cancel := context.WithTimeout(t.Context(), 900*time.Millisecond)
		defer cancel()
		n := 0
		for ; w.Send(ctx, entry(fmt.Sprint(n), half)) == nil; n++ {
			synctest.Wait()
		}
		require.Equal(t, 2*(1+10+1)+hands, n)
		require.Equal(t, n, w.Sent())
	})
}

func TestKeepsTheOrderOfAShard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		fails := 0
		to := endpoint(func(batch []*Entry) int {
			if fails++; fails%3 != 0 {
				return 503
			}
			for _, e := range batch {
				got = append(got, e.UUID)
			}
			return 204
		})
		w := NewWrite(to, Defaults())
		var want []string
		for i := range 3000 {
			want = append(want, fmt.Sprint(i))
			sendAll(t, w, 20_000, want[i])
		}
		time.Sleep(time.Hour)
		w.Stop()
		require.Equal(t, want, got)
		require.Zero(t, w.Dropped())
	})
}

type endpoint func([]*Entry) int

func (f endpoint) Push(_ context.Context, batch []*Entry) int { return f(batch) }

func TestAStopSendsTheRest(t *testing.T) {
	with(t, func(t *testing.T, l *Loki, w *Write) {
		sendAll(t, w, 0, "a", "b", "c")
		w.Stop()
		missing, _, _ := l.Compare([]string{"a", "b", "c"})
		require.Empty(t, missing)
	})
}

func TestAStopGivesUpAfterTheDrainTimeout(t *testing.T) {
	with(t, func(t *testing.T, l *Loki, w *Write) {
		l.Set(func(f *Faults) { f.PushDown = true })
		sendAll(t, w, 0, "a")
		time.Sleep(10 * time.Second)
		begin := time.Now()
		w.Stop()
		require.Equal(t, 15*time.Second, time.Since(begin))
		require.Equal(t, 1, w.Dropped())
	})
}

func TestAKillLosesWhatIsQueued(t *testing.T) {
	with(t, func(t *testing.T, l *Loki, w *Write) {
		sendAll(t, w, 0, "a")
		w.Kill()
		time.Sleep(time.Hour)
		require.Zero(t, l.Copies("a"))
	})
}

func TestShardsGoTheirOwnWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, cfg := NewLoki(DefaultLimits()), Defaults()
		cfg.MinShards = 4
		w := NewWrite(l, cfg)
		defer w.Kill()
		l.Set(func(f *Faults) {
			f.Refuse = func(labels model.LabelSet) int {
				if labels["type"] == "t0" {
					return 429
				}
				return 0
			}
		})
		var free []string
		for i := range 20 {
			e := entry(fmt.Sprint(i), 0)
			e.Labels["type"] = model.LabelValue(fmt.Sprint("t", i))
			require.NoError(t, w.Send(t.Context(), e))
			if uint64(e.Labels.FastFingerprint())%4 != uint64(model.LabelSet{"job": "test", "type": "t0"}.FastFingerprint())%4 {
				free = append(free, fmt.Sprint(i))
			}
		}
		time.Sleep(2 * time.Second)
		missing, _, _ := l.Compare(free)
		require.Empty(t, missing)
		require.NotEmpty(t, free)
		require.Zero(t, l.Copies("0"))
	})
}

func TestStagesDropAndChange(t *testing.T) {
	with(t, func(t *testing.T, l *Loki, w *Write) {
		w.Process(func(e event.Entry) (event.Entry, bool) {
			e.Labels["team"] = "sec"
			return e, e.Line != "b"
		})
		given := entry("a", 0)
		require.NoError(t, w.Send(t.Context(), given))
		sendAll(t, w, 0, "b")
		time.Sleep(2 * time.Second)
		missing, _, _ := l.Compare([]string{"a", "b"})
		require.Equal(t, []string{"b"}, missing)
		require.NotContains(t, given.Labels, model.LabelName("team"))
	})
}

func TestUUIDOfEitherFormat(t *testing.T) {
	for line, want := range map[string]string{
		`{"event":{"uuid":"a","x":1},"level":"info"}`: "a",
		`{"uuid":"b"}`: "b",
		"c":            "c",
		`{}`:           "",
	} {
		require.Equal(t, want, UUID(line))
	}
}
