package poller_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktasim"
)

func TestARateLimitRefusalIsWaitedOut(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		org.Append(evs("e", 45)...)
		// On the first page, in the middle, and on the last.
		limited := org.TooManyRequests(oktasim.Limit)
		org.Intercept = oktasim.Script(limited, nil, nil, limited, nil, nil, limited)
		c := on(t, org)
		c.client.PageSize = 10
		c.runFor(5 * time.Minute)
		c.requireEachOnce()
		requests := org.Requests()
		for i, r := range requests {
			if r.Status == http.StatusTooManyRequests {
				require.Equal(t, r.URL, requests[i+1].URL, "the same page")
				gap := requests[i+1].Time.Sub(r.Time)
				require.GreaterOrEqual(t, gap, 20*time.Second, "not before Reset")
				require.LessOrEqual(t, gap, 22*time.Second)
			}
		}
		require.Len(t, c.logs.lines(), 1, "being asked to slow down is no outage: %s", c.logs.lines())
	})
}

func TestAResetLaterThanTheRequestTimeoutIsWaitedOut(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		org.Append(evs("e", 3)...)
		org.Intercept = oktasim.Script(org.LimitedFor(4 * time.Minute))
		c := on(t, org)
		c.client.Timeout = 30 * time.Second
		c.runFor(5 * time.Minute)
		c.requireEachOnce()
		require.Equal(t, 4*time.Minute+time.Second, gaps(org)[0])
	})
}

func TestRepeatedRefusalsRightAfterTheResetGrowTheWait(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		org.Append(evs("e", 3)...)
		org.Intercept = oktasim.Always(org.LimitedFor(2 * time.Second)) // others are always faster
		c := on(t, org)
		r := c.run()
		pass(time.Hour)
		require.Less(t, len(org.Requests()), 35, "no storm")
		last := gaps(org)[len(gaps(org))-1]
		require.Greater(t, last, time.Minute)
		require.LessOrEqual(t, last, 5*time.Minute)
		org.Set(func(o *oktasim.Org) { o.Intercept = nil })
		pass(5 * time.Minute)
		r.stop()
		c.requireEachOnce()
	})
}

func TestTheConcurrencyLimitIsWaitedOutInSeconds(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		org.Append(evs("e", 3)...)
		org.Intercept = oktasim.Always(org.TooManyRequests(oktasim.LimitConcurrency)) // Reset is 116s ahead
		c := on(t, org)
		r := c.run()
		pass(10 * time.Minute)
		waits := gaps(org)
		require.LessOrEqual(t, waits[0], 2*time.Second)
		require.GreaterOrEqual(t, waits[0], time.Second)
		for _, wait := range waits {
			require.LessOrEqual(t, wait, 30*time.Second)
		}
		require.GreaterOrEqual(t, waits[len(waits)-1], 15*time.Second, "growing")
		org.Set(func(o *oktasim.Org) { o.Intercept = nil })
		pass(30 * time.Second)
		require.Equal(t, 120, c.budget.Status().Limit, "0 of 0 was not taken for the quota")
		r.stop()
		c.requireEachOnce()
	})
}

func TestAWaitIsBoundedHoweverTheHeadersLook(t *testing.T) {
	for _, skew := range []time.Duration{0, 10 * time.Minute, -10 * time.Minute} {
		for kind, want := range map[oktasim.Limited][2]time.Duration{
			oktasim.Limit:        {20 * time.Second, 22 * time.Second},
			oktasim.LimitPast:    {time.Minute, time.Minute},
			oktasim.LimitBare:    {time.Minute, time.Minute},
			oktasim.LimitGarbage: {time.Minute, time.Minute},
			oktasim.LimitMillis:  {20 * time.Second, 22 * time.Second},
			oktasim.LimitAbsurd:  {5 * time.Minute, 5 * time.Minute},
			oktasim.LimitSeconds: {7 * time.Second, 7 * time.Second},
			oktasim.LimitDate:    {6 * time.Second, 8 * time.Second},
		} {
			t.Run(fmt.Sprintf("%s with a clock %s off", kind, skew), func(t *testing.T) {
				contract(t, func(t *testing.T) {
					org := &oktasim.Org{Clock: skew}
					org.Append(evs("e", 3)...)
					org.Intercept = oktasim.Script(org.TooManyRequests(kind))
					c := on(t, org)
					c.lookback = 30 * time.Minute
					c.runFor(6 * time.Minute)
					c.requireEachOnce()
					require.GreaterOrEqual(t, gaps(org)[0], want[0])
					require.LessOrEqual(t, gaps(org)[0], want[1])
				})
			})
		}
	}
}

func TestThePollerPausesAtTheOtherClientsReserve(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{} // 120 a minute, of which ours is 60
		org.Append(evs("e", 300)...)
		c := on(t, org)
		c.client.PageSize = 10
		// A dashboard takes 50 of them first.
		other := c.pipe.Client()
		for range 50 {
			req, err := http.NewRequest(http.MethodGet, c.pipe.URL+"/api/v1/logs?limit=1", nil)
			require.NoError(t, err)
			req.Header.Set("Authorization", "SSWS other")
			resp, err := other.Do(req)
			require.NoError(t, err)
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		r := c.run()
		pass(59 * time.Second)
		require.Equal(t, 60, org.Windows()[0].Used, "all clients together stay at the share")
		require.Len(t, c.sink.lines(), 100)
		require.NotZero(t, c.status.Snapshot().Wait.Until)
		require.Contains(t, c.status.Snapshot().Wait.Reason, "60 of 120 requests left")
		pass(3 * time.Second)
		r.stop()
		c.requireEachOnce()
	})
}

func TestAnswersWithoutRateHeadersAreAccepted(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		org.Append(evs("e", 45)...)
		org.Intercept = oktasim.Always(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			org.Normal().ServeHTTP(headerless{w}, r)
		}))
		c := on(t, org)
		c.client.PageSize = 10
		c.runFor(10 * time.Minute)
		c.requireEachOnce()
		require.False(t, c.budget.Status().Known)
		require.Len(t, c.logs.lines(), 1, "%s", c.logs.lines())
	})
}

// headerless drops the rate limit headers of an answer.
type headerless struct{ http.ResponseWriter }

func (w headerless) WriteHeader(status int) {
	for _, name := range []string{"X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset"} {
		w.Header().Del(name)
	}
	w.ResponseWriter.WriteHeader(status)
}

func TestABacklogUsesTheShareAndNoMinuteSeesMore(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{RateLimit: 60}
		org.Append(evs("e", 1000)...)
		c := on(t, org)
		c.client.PageSize, c.client.Share = 10, 0.5
		c.runFor(4 * time.Minute)
		c.requireEachOnce()
		requireDensity(t, org, 30)
		require.Zero(t, org.Responses()[http.StatusTooManyRequests])
	})
}

// requireDensity checks that no minute, wherever it begins, saw more requests.
func requireDensity(t *testing.T, org *oktasim.Org, most int) {
	t.Helper()
	requests := org.Requests()
	for i := range requests {
		if i+most < len(requests) {
			require.GreaterOrEqual(t, requests[i+most].Time.Sub(requests[i].Time), time.Minute, "%d requests in the minute of request %d", most+1, i)
		}
	}
	for _, w := range org.Windows() {
		require.LessOrEqual(t, w.Used, most)
	}
}

func TestComponentsOnOneOrgShareOneBudget(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{RateLimit: 60}
		org.Append(evs("e", 1000)...)
		one := on(t, org)
		two := on(t, org)
		two.pipe, two.budget = one.pipe, one.budget
		one.client.PageSize, two.client.PageSize = 10, 10
		r1, r2 := one.run(), two.run()
		pass(5 * time.Minute)
		requireDensity(t, org, 30)
		a, b := len(one.sink.lines()), len(two.sink.lines())
		require.Greater(t, a+b, 1400, "together they use the share")
		require.InDelta(t, a, b, 300, "and neither is starved")
		pass(5 * time.Minute)
		r1.stop()
		r2.stop()
		one.requireEachOnce()
		two.requireEachOnce()
	})
}

func TestThePrincipalsCapIsNotExceeded(t *testing.T) {
	for _, shown := range []bool{false, true} {
		t.Run(fmt.Sprintf("shown in the headers: %t", shown), func(t *testing.T) {
			contract(t, func(t *testing.T) {
				org := &oktasim.Org{PrincipalShare: 0.5, PrincipalHeaders: shown} // Okta's default for one token
				org.Append(evs("e", 2000)...)
				c := on(t, org)
				c.client.PageSize = 10
				c.runFor(10 * time.Minute)
				c.requireEachOnce()
				require.Zero(t, org.Responses()[http.StatusTooManyRequests])
			})
		})
	}
}

func TestTheBudgetBindsIdlePollingToo(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{RateLimit: 20} // the smallest of Okta's plans
		c := on(t, org)
		c.interval = 100 * time.Millisecond
		c.runFor(10 * time.Minute)
		requireDensity(t, org, 10)
		require.Greater(t, len(org.Requests()), 90)
	})
}

func TestABurstBeyondTheBudgetAdvancesEveryMinute(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{RateLimit: 20}
		org.Append(evs("e", 500)...) // 50 pages, 10 a minute
		c := on(t, org)
		c.client.PageSize = 10
		r := c.run()
		seen := 0
		for range 4 {
			pass(time.Minute)
			require.Greater(t, len(c.sink.lines()), seen)
			seen = len(c.sink.lines())
		}
		pass(2 * time.Minute)
		r.stop()
		c.requireEachOnce()
	})
}
