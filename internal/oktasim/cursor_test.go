package oktasim

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEqualMillisecondsAreSplitOverPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &Org{}
		var want []int
		for i := range 25 {
			o.Append(numbered(i, time.Now()))
			want = append(want, i)
		}
		var got []int
		next := "/api/v1/logs?limit=10"
		for range 4 {
			a := ask(t, o, next)
			got, next = append(got, numbers(a.events)...), a.next
		}
		require.Equal(t, want, got)
		o.Append(numbered(25, time.Now())) // still the same millisecond
		require.Equal(t, []int{25}, numbers(ask(t, o, next).events))
	})
}

func TestAnEventOfTheFutureAppearsWhenItsTimeComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &Org{}
		o.AppendAt(time.Now().Add(time.Hour), numbered(2, time.Now()))
		o.AppendAt(time.Now().Add(time.Minute), numbered(1, time.Now()))
		o.Append(numbered(0, time.Now()))
		a := ask(t, o, "/api/v1/logs")
		require.Equal(t, []int{0}, numbers(a.events))
		require.Equal(t, 1, o.Len())
		time.Sleep(time.Minute)
		a = ask(t, o, a.next)
		require.Equal(t, []int{1}, numbers(a.events))
		o.AppendAt(time.Now().Add(-time.Hour), numbered(3, time.Now())) // cannot go behind the cursor
		time.Sleep(time.Hour)
		require.Equal(t, []int{3, 2}, numbers(ask(t, o, a.next).events))
	})
}

func TestEventsLeaveTheLogWithAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &Org{}
		o.Append(numbered(1, time.Now()))
		target := "/api/v1/logs?since=2000-01-01T00:00:00Z"
		require.Len(t, ask(t, o, target).events, 1)
		time.Sleep(91 * 24 * time.Hour)
		require.Empty(t, ask(t, o, target).events)
	})
}

func TestCursorsExpireWhenNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &Org{CursorTTL: time.Hour}
		o.Append(numbered(1, time.Now()))
		next := ask(t, o, "/api/v1/logs").next
		for range 3 { // idle polling keeps it alive
			time.Sleep(50 * time.Minute)
			require.Equal(t, http.StatusOK, ask(t, o, next).status)
		}
		time.Sleep(61 * time.Minute)
		require.Equal(t, http.StatusBadRequest, ask(t, o, next).status)
	})
}

func TestRefusedCursorsCountDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &Org{RefuseCursors: 2}
		o.Append(numbered(1, time.Now()))
		next := ask(t, o, "/api/v1/logs").next
		require.Equal(t, http.StatusBadRequest, ask(t, o, next).status)
		require.Equal(t, http.StatusOK, ask(t, o, "/api/v1/logs").status, "a request without cursor is none of it")
		require.Equal(t, http.StatusBadRequest, ask(t, o, next).status)
		require.Equal(t, http.StatusOK, ask(t, o, next).status)
	})
}

func TestAnEmptyPageMayAdvanceTheCursor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &Org{AdvanceEmpty: true}
		a := ask(t, o, "/api/v1/logs?limit=5")
		require.NotEqual(t, a.self, a.next)
		o.Append(numbered(1, time.Now()))
		time.Sleep(time.Second)
		b := ask(t, o, a.next)
		require.Equal(t, []int{1}, numbers(b.events))
		c := ask(t, o, b.next)
		require.Empty(t, c.events)
		require.NotEqual(t, c.self, c.next)
	})
}

func TestPagesMayBeShorterThanAsked(t *testing.T) {
	o := &Org{PageCap: 3}
	o.Generate(10, time.Minute)
	require.Len(t, ask(t, o, "/api/v1/logs?limit=1000").events, 3)
}

func TestEventsMayBecomeVisibleInBulk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &Org{VisibleEvery: 10 * time.Second}
		time.Sleep(time.Until(time.Now().Truncate(10 * time.Second).Add(10 * time.Second)))
		time.Sleep(time.Second)
		for i := range 5 {
			o.Append(numbered(i, time.Now()))
			time.Sleep(time.Second)
		}
		a := ask(t, o, "/api/v1/logs")
		require.Empty(t, a.events)
		require.Zero(t, o.Len())
		time.Sleep(4 * time.Second)
		require.Equal(t, []int{0, 1, 2, 3, 4}, numbers(ask(t, o, "/api/v1/logs").events))
		require.Equal(t, 5, o.Len())
	})
}

func TestNextLinksMayGoInACircle(t *testing.T) {
	o := &Org{}
	o.Generate(100, time.Minute)
	circle, err := o.Fault("next-circle")
	require.NoError(t, err)
	o.Inject(circle, 100)
	seen := map[string]int{}
	next := "/api/v1/logs?limit=5"
	for range 13 {
		next = ask(t, o, next).next
		seen[next]++
	}
	require.Len(t, seen, 3)
}
