package delivery

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var t0 = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// at is a moment of the tests.
func at(d time.Duration) time.Time { return t0.Add(d) }

// rig is a window with an owner whose positions are numbers.
type rig struct {
	Window[int]
	t *testing.T
}

// rules are Loki's defaults as reconcile understands them.
func rules(id string) Rules {
	return Rules{ID: id, Interval: 10 * time.Second, Visible: 150 * time.Minute, Flush: 4 * time.Hour}
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t}
	r.Rules = rules("one")
	r.Trusted = "one"
	return r
}

// page delivers events of now on route 1 as one page, which ends at position end.
func (r *rig) page(end int, now time.Duration, uuids ...string) *Page[int] {
	p := NewPage(end-1, end, len(uuids), 1000*len(uuids))
	for _, uuid := range uuids {
		r.deliver(p, uuid, 1, now, now)
	}
	r.Add(p)
	return p
}

func (r *rig) deliver(p *Page[int], uuid string, route uint64, when, now time.Duration) {
	r.Deliver(p, Event{UUID: uuid, Time: at(when)}, route, at(now))
}

// ask answers a query, sent and answered now, for all that waits. When it finds something, an event that is delivered
// afterwards on each route is found as well, which makes it evidence.
func (r *rig) ask(now time.Duration, found ...string) Outcome {
	out := r.askAt(now, now, found...)
	if len(found) == 0 {
		return out
	}
	for id := range maps.Clone(r.routes) {
		r.deliver(NewPage(0, 0, 1, 0), "later", id, now, now)
		r.Learn(at(now), at(now), []Event{{UUID: "later"}}, map[string]bool{"later": true})
	}
	return out
}

// askAt is a query that was sent earlier than it is answered.
func (r *rig) askAt(asked, now time.Duration, found ...string) Outcome {
	var events []Event
	r.all(func(rec *record[int]) { events = append(events, Event{UUID: rec.uuid, Time: rec.time}) })
	has := map[string]bool{}
	for _, uuid := range found {
		has[uuid] = true
	}
	return r.Learn(at(asked), at(now), events, has)
}

func (r *rig) due(now time.Duration) (uuids []string) {
	for _, e := range r.Due(at(now)) {
		uuids = append(uuids, e.UUID)
	}
	return uuids
}

// lost is what is to be delivered again now.
func (r *rig) lost(now time.Duration) (uuids []string) {
	r.all(func(rec *record[int]) {
		if r.Redeliver(rec.uuid, at(now)) {
			uuids = append(uuids, rec.uuid)
		}
	})
	return uuids
}

func named(prefix string, n int) (uuids []string) {
	for i := range n {
		uuids = append(uuids, fmt.Sprint(prefix, i))
	}
	return uuids
}

func TestSettlesPagesFromTheFront(t *testing.T) {
	r := newRig(t)
	r.page(1, 0, "a", "b")
	r.page(2, time.Second, "c")
	_, moved := r.Commit()
	require.False(t, moved)

	r.ask(2*time.Second, "c")
	_, moved = r.Commit()
	require.False(t, moved, "the page before it waits")

	r.ask(3*time.Second, "a")
	_, moved = r.Commit()
	require.False(t, moved, "half of the page waits")
	start, earliest, ok := r.Front()
	require.True(t, ok)
	require.Equal(t, 0, start)
	require.Equal(t, at(0), earliest)

	r.ask(4*time.Second, "b")
	end, moved := r.Commit()
	require.True(t, moved)
	require.Equal(t, 2, end)
	require.True(t, r.Empty())
	_, _, ok = r.Front()
	require.False(t, ok)
}

func TestAnEmptyPageMovesTheEnd(t *testing.T) {
	r := newRig(t)
	r.page(1, 0, "a")
	for end := 2; end < 100; end++ {
		r.page(end, time.Second)
	}
	require.Equal(t, 1, r.Stats(at(time.Second)).Pages)
	r.ask(2*time.Second, "a")
	end, moved := r.Commit()
	require.True(t, moved)
	require.Equal(t, 99, end)

	r.page(100, 3*time.Second)
	end, moved = r.Commit()
	require.True(t, moved, "nothing waits before it")
	require.Equal(t, 100, end)
}

func TestQueriesTheNewestPageFirst(t *testing.T) {
	r := newRig(t)
	r.page(1, 0, "a")
	r.page(2, 0, "b")
	r.page(3, 0, "c")
	require.Empty(t, r.due(firstQuery-1), "nothing can have arrived")
	require.Equal(t, []string{"c", "a", "b"}, r.due(firstQuery))
}

func TestBoundsAQuery(t *testing.T) {
	r := newRig(t)
	for i := range 20 {
		r.page(i+1, 0, named(fmt.Sprint("p", i, "-"), 1000)...)
	}
	require.LessOrEqual(t, len(r.due(firstQuery)), maxQueried+1000, "a page beyond the bound at most")
}

func TestQueriesMoreSeldomWithTime(t *testing.T) {
	r := newRig(t)
	r.page(1, 0, "a")
	asked := 0
	for now := time.Duration(0); now < time.Hour; now += time.Second {
		if len(r.due(now)) > 0 {
			asked++
			r.ask(now)
		}
	}
	require.Greater(t, asked, 60/5)
	require.Less(t, asked, 30)
}

func TestHas(t *testing.T) {
	r := newRig(t)
	r.page(1, 0, "a", "b")
	require.True(t, r.Has("a"))
	require.False(t, r.Has("c"))
	r.Drop("a")
	r.Drop("a")
	r.Drop("c")
	require.False(t, r.Has("a"))
	require.Equal(t, 1, r.Stats(at(0)).Waiting)
	r.ask(time.Minute, "b")
	require.True(t, r.Empty())
}

func TestWakesWhenSomethingIsDue(t *testing.T) {
	r := newRig(t)
	require.Zero(t, r.Next(at(0)))
	r.page(1, 0, "a")
	require.Equal(t, at(firstQuery), r.Next(at(0)), "the first query")
	r.ask(firstQuery)
	require.Equal(t, at(firstQuery+10*time.Second), r.Next(at(firstQuery)), "the next one")

	r.page(2, 20*time.Second, "b")
	r.ask(23*time.Second, "b")
	require.Equal(t, at(33*time.Second), r.Next(at(23*time.Second)), "what arrived has been visible for ten seconds")
	require.Equal(t, []string{"a"}, r.due(33*time.Second))
	r.ask(33 * time.Second)
	require.Equal(t, []string{"a"}, r.lost(33*time.Second))
	require.False(t, r.Next(at(33*time.Second)).After(at(33*time.Second)), "a retry is due")
	require.Len(t, r.Retry(at(33*time.Second)), 1)
	require.Empty(t, r.Retry(at(34*time.Second)))
	require.True(t, r.Next(at(34*time.Second)).After(at(34*time.Second)), "no hot loop while the retry fails")
	require.Len(t, r.Retry(at(33*time.Second+retryEvery)), 1, "it is tried again")
}

// No state asks to be woken now when nothing can be done now.
func TestNeverWakesForNothing(t *testing.T) {
	r := newRig(t)
	for i := range 50 {
		now := time.Duration(i) * 7 * time.Second
		r.page(i+1, now, fmt.Sprint("a", i), fmt.Sprint("b", i))
		if due := r.due(now); len(due) > 0 {
			r.ask(now, fmt.Sprint("a", i-1))
		}
		r.Retry(at(now))
		if wake := r.Next(at(now)); !wake.IsZero() && !wake.After(at(now)) {
			require.NotEmpty(t, r.due(now), "at %s", now)
		}
	}
}
