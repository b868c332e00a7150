package pipesim

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/reconcile"
)

// at is an entry of the stream {job="test"} or, with a label, of another one.
func at(uuid string, when time.Time, also ...string) *Entry {
	labels := model.LabelSet{"job": "test"}
	for _, value := range also {
		labels["late"] = model.LabelValue(value)
	}
	return &Entry{UUID: uuid, Labels: labels, Stream: labels.String(), Time: when, Size: 100}
}

func found(t *testing.T, v *View, e *Entry) bool {
	t.Helper()
	all, err := v.Find(t.Context(), []reconcile.Event{{UUID: e.UUID, Time: e.Time}})
	require.NoError(t, err)
	return all[e.UUID]
}

func view(t *testing.T, l *Loki, selector string) *View {
	t.Helper()
	v, err := l.View(selector)
	require.NoError(t, err)
	return v
}

func TestRefusesWhatIsFarBehindItsStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, now := NewLoki(DefaultLimits()), time.Now()
		require.Equal(t, 204, l.Push(t.Context(), []*Entry{at("old", now.Add(-5*time.Hour))}), "a new stream starts anywhere")
		require.Equal(t, 400, l.Push(t.Context(), []*Entry{at("new", now), at("far", now.Add(-time.Hour-1)), at("near", now.Add(-time.Hour))}))
		require.Equal(t, 204, l.Push(t.Context(), []*Entry{at("other", now.Add(-2*time.Hour), "2026-11-25T18")}))
		missing, doubled, foreign := l.Compare([]string{"old", "new", "far", "near", "other"})
		require.Equal(t, []string{"far"}, missing)
		require.Empty(t, doubled)
		require.Zero(t, foreign)
		require.Equal(t, 1, l.Stats().TooFar)
	})
}

func TestRefusesOldAndFutureEntries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, now := NewLoki(DefaultLimits()), time.Now()
		require.Equal(t, 400, l.Push(t.Context(), []*Entry{at("a", now.Add(-8*24*time.Hour)), at("b", now.Add(11*time.Minute)), at("c", now)}))
		missing, _, _ := l.Compare([]string{"a", "b", "c"})
		require.Equal(t, []string{"a", "b"}, missing)
	})
}

func TestForgetsIdleStreams(t *testing.T) {
	for name, c := range map[string]struct {
		span, idle time.Duration
		want       int
	}{
		"idle for half an hour":       {0, 32 * time.Minute, 204},
		"not idle for long enough":    {0, 25 * time.Minute, 400},
		"a chunk of two hours":        {2*time.Hour + 1, 2 * time.Minute, 204},
		"a chunk of two hours, flows": {2*time.Hour + 1, 20 * time.Second, 400},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, now := NewLoki(DefaultLimits()), time.Now()
				for d := time.Duration(0); d < c.span; d += 30 * time.Minute {
					l.Push(t.Context(), []*Entry{at(fmt.Sprint(d), now.Add(d-c.span))})
				}
				l.Push(t.Context(), []*Entry{at("newest", now)})
				time.Sleep(c.idle)
				require.Equal(t, c.want, l.Push(t.Context(), []*Entry{at("behind", now.Add(-2*time.Hour))}))
			})
		})
	}
}

func TestHidesOldEntriesUntilTheyAreFlushed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLoki(DefaultLimits())
		v := view(t, l, `{job="test"}`)
		old, fresh := at("old", time.Now().Add(-4*time.Hour)), at("fresh", time.Now().Add(-2*time.Hour), "x")
		future := at("future", time.Now().Add(time.Minute), "y")
		l.Push(t.Context(), []*Entry{old, fresh, future})
		ahead := at("ahead", future.Time)
		l.Put(ahead.UUID, ahead.Labels, ahead.Time) // in a chunk that is flushed
		shown := func() []bool {
			return []bool{found(t, v, old), found(t, v, fresh), found(t, v, future), found(t, v, ahead)}
		}
		require.Equal(t, []bool{false, true, true, false}, shown())
		time.Sleep(time.Minute)
		require.Equal(t, []bool{false, true, true, true}, shown())
		time.Sleep(28 * time.Minute)
		require.False(t, found(t, v, old))
		time.Sleep(3 * time.Minute)
		require.True(t, found(t, v, old), "flushed")
	})
}

func TestViewsSelectByLabels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, e := NewLoki(DefaultLimits()), at("a", time.Now(), "2026-11-25T18")
		l.Push(t.Context(), []*Entry{e})
		require.True(t, found(t, view(t, l, `{job="test"}`), e))
		require.True(t, found(t, view(t, l, `{late=~".+"}`), e))
		require.False(t, found(t, view(t, l, `{job="wrong"}`), e))
		moved := *e
		moved.Time = moved.Time.Add(2 * time.Second)
		require.False(t, found(t, view(t, l, `{job="test"}`), &moved), "an entry is sought at its time")
		_, err := l.View("job")
		require.NoError(t, err)
		_, err = l.View("{job=")
		require.Error(t, err)
	})
}

func TestCountsSendsNotRepeatedPushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, e := NewLoki(DefaultLimits()), at("a", time.Now())
		l.Push(t.Context(), []*Entry{e})
		l.Push(t.Context(), []*Entry{e})
		require.Equal(t, 1, l.Copies("a"))
		require.Equal(t, 1, l.Stats().Repeated)
		l.Push(t.Context(), []*Entry{at("a", time.Now())})
		_, doubled, _ := l.Compare([]string{"a"})
		require.Equal(t, []string{"a"}, doubled)
	})
}

func TestAPushLandsThoughItsClientIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLoki(DefaultLimits())
		l.Set(func(f *Faults) { f.PushTakes = 15 * time.Second })
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		require.Zero(t, l.Push(ctx, []*Entry{at("a", time.Now())}))
		require.Zero(t, l.Copies("a"))
		time.Sleep(6 * time.Second)
		require.Equal(t, 1, l.Copies("a"))
	})
}

func TestARateLimitStoresAPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLoki(DefaultLimits())
		taken := 0
		l.Set(func(f *Faults) {
			f.Refuse = func(model.LabelSet) int {
				if taken++; taken > 2 {
					return http.StatusTooManyRequests
				}
				return 0
			}
		})
		batch := []*Entry{at("a", time.Now()), at("b", time.Now()), at("c", time.Now())}
		require.Equal(t, 429, l.Push(t.Context(), batch))
		missing, _, _ := l.Compare([]string{"a", "b", "c"})
		require.Equal(t, []string{"c"}, missing)
		taken = 0
		require.Equal(t, 429, l.Push(t.Context(), batch), "the whole batch again, which again takes of the limit")
		require.Equal(t, 2, l.Stats().Repeated)
	})
}
