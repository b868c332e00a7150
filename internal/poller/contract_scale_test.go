package poller_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

// fleet is components on orgs of their own that share slots.
func fleet(t *testing.T, slots *oktaapi.Slots, n int, prefix string) []*component {
	all := make([]*component, n)
	for i := range all {
		all[i] = on(t, &oktasim.Org{})
		all[i].org.Append(evs(prefix, 1500)...)
		all[i].client.Slots = slots
	}
	return all
}

func TestBlockedReceiversDoNotStopOtherOrgs(t *testing.T) {
	contract(t, func(t *testing.T) {
		slots := oktaapi.NewSlots(2)
		blocked, free := fleet(t, slots, 10, "b"), fleet(t, slots, 10, "f")
		var unblock []func()
		var running []*running
		for _, c := range blocked {
			unblock = append(unblock, c.sink.block(700))
			running = append(running, c.run())
		}
		pass(time.Second)
		for _, c := range free {
			running = append(running, c.run())
		}
		pass(3 * time.Minute)
		for i, c := range free {
			require.Len(t, c.sink.lines(), 1500, "org %d", i)
			c.org.Append(evs("more", 100)...)
		}
		pass(interval)
		for i, c := range free {
			require.Len(t, c.sink.lines(), 1600, "org %d reads on without delay", i)
		}
		for i, c := range blocked {
			require.Len(t, c.sink.lines(), 700)
			require.LessOrEqual(t, len(c.org.Requests()), 2, "a page is not fetched again before the receiver takes entries")
			unblock[i]()
		}
		pass(interval)
		for _, c := range blocked {
			c.requireEachOnce()
		}
		for _, r := range running {
			r.stop()
		}
	})
}

func TestABlockedPageStaysWhileNobodyWantsItsMemory(t *testing.T) {
	contract(t, func(t *testing.T) {
		c := fleet(t, oktaapi.NewSlots(1), 1, "e")[0]
		unblock := c.sink.block(700)
		r := c.run()
		pass(time.Hour)
		unblock()
		pass(interval / 2)
		c.requireEachOnce()
		require.Len(t, c.org.Requests(), 2)
		r.stop()
	})
}

func TestFirstPollsAreSpread(t *testing.T) {
	contract(t, func(t *testing.T) {
		const n, spread = 100, 10 * time.Second
		moments := func() []time.Duration {
			at := make([]time.Duration, n)
			begin := time.Now()
			var all []*running
			for i := range n {
				c := on(t, &oktasim.Org{})
				c.pipe.URL = fmt.Sprintf("http://localhost:%d", 1000+i)
				c.spread = spread
				all = append(all, c.run())
			}
			pass(spread)
			for i, r := range all {
				at[i] = r.c.org.Requests()[0].Time.Sub(begin)
				r.stop()
			}
			return at
		}
		at := moments()
		require.Equal(t, at, moments(), "an org has the same moment after each start")
		inSecond := make(map[time.Duration]int)
		for _, d := range at {
			inSecond[d/time.Second]++
		}
		for second := range 10 {
			require.InDelta(t, n/10, inSecond[time.Duration(second)], 10, "second %d", second)
		}
	})
}
