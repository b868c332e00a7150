package poller_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/poller"
)

// spread appends n events, a step apart, of which the last is of now.
func spread(org *oktasim.Org, prefix string, n int, step time.Duration) {
	for i := range n {
		at := time.Now().Add(-time.Duration(n-1-i) * step)
		org.AppendAt(at, ev(fmt.Sprint(prefix, i), at))
	}
}

func TestACappedServerIsReadWithoutWaiting(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{PageCap: 100, RateLimit: -1}
		spread(org, "e", 5000, 500*time.Millisecond)
		c := on(t, org)
		r := c.run()
		pass(0)
		require.Greater(t, c.status.Snapshot().Lag(time.Now()), 40*time.Minute, "a page that may be cut proves nothing")
		pass(interval)
		require.Empty(t, cmp(c.sink.uuids(), names("e", 5000)), "two pages show the cap, the rest follows at once")
		require.Zero(t, c.status.Snapshot().Lag(time.Now()))
		require.Equal(t, 1, c.logs.count("Okta returns smaller pages than asked for"))
		r.stop()
	})
}

func cmp(got, want []string) string {
	if strings.Join(got, " ") == strings.Join(want, " ") {
		return ""
	}
	return fmt.Sprintf("%d events instead of %d", len(got), len(want))
}

// One event a poll, as old as the interval is long, is no page that the server cut.
func TestALongIntervalIsNoCap(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		c := on(t, org)
		c.interval = 5 * time.Minute
		r := c.run()
		for i := range 12 {
			pass(30 * time.Second)
			org.Append(ev(fmt.Sprint("e", i), time.Now()))
			pass(c.interval - 30*time.Second)
		}
		r.stop()
		require.Len(t, org.Requests(), 13, "one an interval")
		require.Zero(t, c.logs.count("smaller pages"))
	})
}

func TestWithoutNextLinksItAdvancesOrIsStuck(t *testing.T) {
	for _, size := range []int{100, 1000} {
		for _, n := range []int{800, 2500} {
			t.Run(fmt.Sprint(size, n), func(t *testing.T) {
				contract(t, func(t *testing.T) {
					org := &oktasim.Org{RateLimit: -1}
					now := time.Now()
					for i := range n { // happened within 2.5 s, and in the log within the same millisecond, later
						org.AppendAt(now, ev(fmt.Sprint("e", i), now.Add(-10*time.Second+time.Duration(i)*time.Millisecond)))
					}
					org.Set(func(o *oktasim.Org) { o.Intercept = oktasim.Always(org.NoNext()) })
					c := on(t, org)
					c.client.PageSize = size
					r := c.run()
					pass(10 * time.Minute)
					require.Less(t, len(org.Requests()), 80)
					if n < 1000 {
						require.NoError(t, c.status.Snapshot().Wrong[poller.Stuck].Err)
						require.Len(t, c.sink.uuids(), n)
						r.stop()
						return
					}
					require.ErrorIs(t, c.status.Snapshot().Wrong[poller.Stuck].Err, poller.ErrStuck)
					require.Equal(t, 1, c.logs.count("the log cannot be read further"))
					org.Set(func(o *oktasim.Org) { o.Intercept = nil })
					pass(time.Minute)
					r.stop()
					require.NoError(t, c.status.Snapshot().Wrong[poller.Stuck].Err)
					c.requireEachOnce()
				})
			})
		}
	}
}

// One of the largest pages is too large for the way from Okta. What follows, of page_size, comes, and says nothing about larger ones.
func TestWithoutNextLinksAndLargePagesItIsStuckAndAsksSeldom(t *testing.T) {
	for _, size := range []int{10, 100, 600} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			contract(t, func(t *testing.T) {
				org := &oktasim.Org{RateLimit: -1}
				now := time.Now()
				for i := range 4 * size { // in the log within the same millisecond
					org.AppendAt(now, ev(fmt.Sprint("e", i), now.Add(-10*time.Second)))
				}
				org.Set(func(o *oktasim.Org) {
					o.Intercept = func(_ int, r *http.Request) http.Handler {
						if n, _ := strconv.Atoi(r.URL.Query().Get("limit")); n > 500 {
							return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusRequestEntityTooLarge) })
						}
						return org.NoNext()
					}
				})
				c := on(t, org)
				c.client.PageSize = size
				r := c.run()
				pass(10 * time.Minute)
				require.Less(t, len(org.Requests()), 2*60+10, "two an interval")
				require.ErrorIs(t, c.status.Snapshot().Wrong[poller.Stuck].Err, poller.ErrStuck)
				org.Set(func(o *oktasim.Org) { o.Intercept = nil })
				pass(time.Minute)
				r.stop()
				require.NoError(t, c.status.Snapshot().Wrong[poller.Stuck].Err)
				c.requireEachOnce()
			})
		})
	}
}

func TestNextLinksInACircleAreNoticed(t *testing.T) {
	for _, events := range []int{50, 3000} {
		t.Run(fmt.Sprint(events), func(t *testing.T) {
			contract(t, func(t *testing.T) {
				org := &oktasim.Org{RateLimit: -1}
				org.Append(evs("e", events)...)
				var links []string
				n := 0
				org.Set(func(o *oktasim.Org) {
					o.Intercept = oktasim.Always(org.Next(func(next string) string {
						if len(links) < 4 {
							links = append(links, next)
							return next
						}
						n++
						return links[n%4]
					}))
				})
				c := on(t, org)
				c.client.PageSize = 10
				r := c.run()
				pass(10 * time.Minute)
				require.Less(t, n, 60*15, "a few an interval")
				require.Equal(t, 1, c.logs.count("a page names no usable next link"))
				if events > 1000 { // in one instant
					require.Equal(t, 1, c.logs.count("the log cannot be read further"))
				}
				r.stop()
				require.Len(t, c.sink.uuids(), min(events, 1000))
			})
		})
	}
}
