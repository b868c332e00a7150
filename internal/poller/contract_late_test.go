package poller_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktasim"
)

func TestAnEventThatReachesTheLogLateIsDeliveredOnce(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		org.Append(evs("a", 3)...)
		c := on(t, org)
		r := c.run()
		pass(time.Minute)
		// Published before everything seen so far, and before the start even.
		org.Append(ev("late", time.Now().Add(-30*time.Minute)), ev("very late", time.Now().Add(-48*time.Hour)))
		pass(interval)
		require.Equal(t, append(names("a", 3), "late", "very late"), c.sink.uuids())
		pass(time.Minute)
		r.stop()
		c.requireEachOnce()
	})
}

func TestLateEventsAreCompleteWhileCursorsAreRefused(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{LateShare: 0.3, LateBy: time.Hour}
		c := on(t, org)
		c.client.PageSize = 50
		r := c.run()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute)
		defer cancel()
		go func() {
			for ctx.Err() == nil {
				time.Sleep(time.Duration(rand.IntN(300)) * time.Second)
				org.Set(func(o *oktasim.Org) { o.RefuseCursors = 1 })
			}
		}()
		_ = org.Live(ctx, 2)
		pass(6 * time.Minute)
		r.stop()
		require.Greater(t, c.counter("cursor_refused_total"), 2)
		c.requireEachOnce()
	})
}

func TestEventsOutOfOrderKeepTheirOwnTimes(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		now := time.Now()
		order := rand.Perm(50)
		for _, i := range order {
			org.Append(ev(fmt.Sprint(i), now.Add(-time.Duration(i)*time.Minute)))
		}
		c := on(t, org)
		c.client.PageSize = 7
		c.runFor(0)
		c.requireEachOnce()
		for i, e := range c.sink.entries {
			require.Equal(t, now.Add(-time.Duration(order[i])*time.Minute).UTC(), e.Timestamp)
		}
	})
}

func TestManyEventsOfOneMillisecondSurvive(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		org.Append(evs("a", 95)...)
		c := on(t, org)
		c.client.PageSize = 10
		unblock := c.sink.block(33) // in the middle of a page
		r := c.run()
		pass(time.Minute)
		r.stop() // a reload
		unblock()
		r = c.run()
		pass(0)
		r.stop()
		c.reboot() // and a restart, without replay
		org.Append(evs("b", 5)...)
		c.runFor(0)
		c.requireEachOnce()
	})
}

func TestAnEventAfterAQuietNightArrivesWithinAnInterval(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		org.Append(evs("a", 3)...)
		c := on(t, org)
		r := c.run()
		pass(14*time.Hour + 3*time.Second)
		org.Append(evs("b", 1)...)
		pass(interval)
		c.requireEachOnce()
		r.stop()
	})
}

func TestOddEventsAreForwardedAsTheyAreAndCounted(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		odd := []string{
			`{"published":"2000-01-01T00:00:00.000Z","eventType":"no.uuid"}`,
			`{"uuid":"no time","eventType":"a"}`,
			`{"uuid":"null time","published":null}`,
			`{"uuid":"bad time","published":"yesterday"}`,
			`{"uuid":"number","published":5}`,
			`{"uuid":"nulls","published":"2000-01-01T00:00:00.000Z","actor":null,"target":null,"client":null,"outcome":null}`,
			`{"uuid":7,"published":"2000-01-01T00:00:00.000Z"}`,
			`{}`,
		}
		for _, e := range odd {
			org.Append([]byte(e))
		}
		c := on(t, org)
		c.runFor(time.Minute)
		c.requireEachOnce()
		require.Equal(t, len(odd)-1, c.counter("malformed_events_total"), "all but the one with nulls")
		require.Equal(t, 1, c.logs.count("has no uuid or no usable published time"))
		for _, e := range c.sink.entries {
			require.WithinDuration(t, time.Now(), e.Timestamp, 2*time.Minute, "its own time or ours")
		}
	})
}

func TestAFutureDateDoesNotMoveTheRecoveryStart(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		org.Append(ev("now", time.Now()), ev("from the future", time.Now().Add(24*time.Hour)))
		c := on(t, org)
		r := c.run()
		pass(time.Minute)
		org.Set(func(o *oktasim.Org) { o.RefuseCursors = 1 })
		org.Append(evs("b", 3)...)
		pass(time.Minute)
		r.stop()
		c.requireEachOnce()
	})
}
