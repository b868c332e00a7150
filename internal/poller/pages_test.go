//go:build !race

package poller_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/poller"
)

// heavy appends n events of so many bytes, one after another within the last seconds.
func heavy(org *oktasim.Org, prefix string, n, bytes int) {
	for i := range n {
		at := time.Now().Add(time.Duration(i-n) * time.Millisecond)
		e := ev(fmt.Sprint(prefix, i), at)
		org.AppendAt(at, fmt.Appendf(nil, `%s,"displayMessage":%q}`, e[:len(e)-1], strings.Repeat("x", max(0, bytes-len(e)))))
	}
}

// limits are what the requests asked for.
func limits(org *oktasim.Org) (all []int) {
	for _, r := range org.Requests() {
		u, _ := url.Parse(r.URL)
		n, _ := strconv.Atoi(u.Query().Get("limit"))
		all = append(all, n)
	}
	return all
}

func TestAPageOver32MiBIsAskedForInParts(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{RateLimit: -1}
		c := on(t, org)
		r := c.run()
		pass(time.Second)
		heavy(org, "a", 1000, 45_000)
		org.Append(evs("b", 10)...)
		pass(interval)
		require.NoError(t, c.status.Snapshot().Wrong[poller.Okta].Err)
		pass(interval)
		c.requireEachOnce()
		require.Equal(t, 1, c.logs.count("pages are too large for the way from Okta"))
		require.NoError(t, c.status.Snapshot().Wrong[poller.Stuck].Err)
		require.Zero(t, c.logs.count("lost contact"))
		r.stop()
	})
}

// what a server or the way to it does to pages that are too large.
var refusals = map[string]func(*component) (most int){
	"their bytes": func(c *component) int { c.client.MaxBody = 100_000; return 90 },
	"413":         answers(413, "<html>", 90),
	"a 400 that names the limit": answers(400,
		`{"errorCode":"E0000001","errorSummary":"Api validation failed: limit","errorCauses":[{"errorSummary":"limit: at most 90"}]}`, 90),
	"500": answers(500, `{"errorCode":"E0000009","errorSummary":"Your last request took too long to complete."}`, 130),
	"502": answers(502, "<html>", 130),
	"504": answers(504, "<html>", 130),
	"time-outs": func(c *component) int {
		return slow(c, 130, func(w http.ResponseWriter, r *http.Request, o *oktasim.Org) { o.Late(time.Hour).ServeHTTP(w, r) })
	},
	"bodies that stall": func(c *component) int {
		return slow(c, 130, func(w http.ResponseWriter, r *http.Request, o *oktasim.Org) { o.Stalled(time.Hour).ServeHTTP(w, r) })
	},
	"bodies that are cut": func(c *component) int {
		return slow(c, 130, func(w http.ResponseWriter, r *http.Request, o *oktasim.Org) { o.CutBody().ServeHTTP(w, r) })
	},
}

func answers(status int, body string, most int) func(*component) int {
	return func(c *component) int {
		return slow(c, most, func(w http.ResponseWriter, _ *http.Request, _ *oktasim.Org) {
			w.Header().Set("X-Okta-Request-Id", "req1")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		})
	}
}

func slow(c *component, most int, ill func(http.ResponseWriter, *http.Request, *oktasim.Org)) int {
	c.org.Set(func(o *oktasim.Org) {
		o.Intercept = func(_ int, r *http.Request) http.Handler {
			if n, _ := strconv.Atoi(r.URL.Query().Get("limit")); n <= most {
				return nil
			}
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { ill(w, r, c.org) })
		}
	})
	return most
}

func TestPagesThatAreTooLargeForTheWayAreAskedForInParts(t *testing.T) {
	for name, spoil := range refusals {
		for _, size := range []int{1000, 300}[:1+len(name)%2] {
			t.Run(fmt.Sprint(name, ", page_size ", size), func(t *testing.T) {
				contract(t, func(t *testing.T) {
					org := &oktasim.Org{RateLimit: -1}
					c := on(t, org)
					c.client.PageSize = size
					heavy(org, "a", 2000, 1000)
					most := spoil(c)
					r := c.run()
					pass(30 * time.Minute)
					c.requireEachOnce()
					require.Equal(t, 1, c.logs.count("pages are too large for the way from Okta"))
					require.NoError(t, c.status.Snapshot().Wrong[poller.Okta].Err)
					requests := limits(org)
					t.Logf("%d requests for %d pages", len(requests), 2000/most)
					require.Less(t, len(requests)-30*6, 5*2000/most, "%v", requests)

					// Over a reload, and over a restart, whose first page is the link of the last.
					r.stop()
					c.runFor(time.Second)
					c.reboot()
					before := len(limits(org))
					heavy(org, "b", 50, 1000)
					c.runFor(time.Second)
					c.requireEachOnce()
					require.LessOrEqual(t, limits(org)[before], 2*most)
				})
			})
		}
	}
}

// It grows back once pages are light, and the way is free.
func TestPagesGrowBack(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{RateLimit: -1}
		c := on(t, org)
		c.client.MaxBody = 3_000_000
		heavy(org, "a", 400, 30_000)
		pass(time.Minute)
		heavy(org, "b", 10_000, 0)
		c.runFor(time.Minute)
		c.requireEachOnce()
		all := limits(org)
		require.Equal(t, 1000, all[len(all)-1], "%v", all)
		require.Less(t, len(all), 50)
	})
}

// An outage that looks like pages that are too large leaves them as they were soon after it.
func TestAnOutageMakesNoPagesSmallForLong(t *testing.T) {
	for _, fault := range []string{"500", "502", "late", "stall", "cut"} {
		t.Run(fault, func(t *testing.T) {
			contract(t, func(t *testing.T) {
				org := &oktasim.Org{RateLimit: -1}
				c := on(t, org)
				r := c.run()
				pass(time.Second)
				h, err := org.Fault(fault)
				require.NoError(t, err)
				org.Set(func(o *oktasim.Org) { o.Intercept = oktasim.Always(h) })
				heavy(org, "a", 10_000, 0)
				pass(30 * time.Minute)
				before := len(limits(org))
				org.Set(func(o *oktasim.Org) { o.Intercept = nil })
				pass(2 * time.Minute)
				c.requireEachOnce()
				all := limits(org)[before:]
				require.Less(t, len(all), 10+6+12, "%v", all)
				require.Equal(t, 1000, all[len(all)-1], "%v", all)
				r.stop()
			})
		})
	}
}

func TestASingleEventThatIsTooLargeIsToldAndCausesNoStorm(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{RateLimit: -1}
		c := on(t, org)
		c.client.MaxBody = 100_000
		org.Append(evs("a", 37)...)
		heavy(org, "huge", 1, 120_000)
		org.Append(evs("b", 100)...)
		r := c.run()
		pass(time.Hour)
		require.Equal(t, names("a", 37), c.sink.uuids())
		stuck := c.status.Snapshot().Wrong[poller.Stuck].Err
		require.ErrorIs(t, stuck, poller.ErrStuck)
		require.ErrorIs(t, stuck, oktaapi.ErrBodyTooLarge)
		require.ErrorContains(t, stuck, "leave it out with filter")
		require.Equal(t, 1, c.logs.count("the log cannot be read further"))
		require.Less(t, len(org.Requests()), 60+120+60, "%v", limits(org))
		r.stop()

		c.client.MaxBody = 0 // as if it had been left out
		c.runFor(time.Minute)
		c.requireEachOnce()
		require.NoError(t, c.status.Snapshot().Wrong[poller.Stuck].Err)
	})
}

func TestAWrongFilterIsNoPageThatIsTooLarge(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{RateLimit: -1}
		c := on(t, org)
		c.client.Filter = `eventType eqq "system.org.rate_limit.warning"`
		c.runFor(10 * time.Minute)
		for _, n := range limits(org) {
			require.Equal(t, 1000, n)
		}
		require.Less(t, len(org.Requests()), 25)
	})
}
