package oktaapi

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// bucket is a server's view of an org: windows of a minute that open with the first
// request, and every arrival.
type bucket struct {
	mu       sync.Mutex
	limit    int
	clock    time.Duration // ahead of ours
	start    time.Time
	used     int
	arrivals []time.Time
	refused  int
}

// take counts one request and returns the answer's status and headers.
func (b *bucket) take() (int, http.Header) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if now.Sub(b.start) >= time.Minute {
		b.start, b.used = now, 0
	}
	status := http.StatusOK
	if b.used >= b.limit {
		status = http.StatusTooManyRequests
		b.refused++
	} else {
		b.used++
		b.arrivals = append(b.arrivals, now)
	}
	reset := b.start.Add(time.Minute + b.clock + time.Second - 1)
	return status, rateHeaders(strconv.Itoa(b.limit), strconv.Itoa(b.limit-b.used), now.Add(b.clock), epoch(reset))
}

// densest is the most arrivals in any minute, wherever it begins.
func (b *bucket) densest() int {
	most := 0
	for i, from := range b.arrivals {
		n := 0
		for _, at := range b.arrivals[i:] {
			if at.Sub(from) < time.Minute {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// request makes one request: it arrives after up, and is answered after down more.
func (b *bucket) request(ctx context.Context, budget *Budget, by any, share float64, up, down time.Duration) error {
	c, err := budget.acquire(ctx, by, share, by != "range" && by != "another range", nil)
	if err != nil {
		return err
	}
	time.Sleep(up)
	status, h := b.take()
	time.Sleep(down)
	budget.answered(c, status, h)
	return nil
}

func TestNoMinuteSeesMoreThanTheShare(t *testing.T) {
	for name, wait := range map[string]func() time.Duration{
		"at once":        func() time.Duration { return 0 },
		"quick":          func() time.Duration { return 40 * time.Millisecond },
		"slow":           func() time.Duration { return 900 * time.Millisecond },
		"at random":      func() time.Duration { return time.Duration(rand.ExpFloat64() * float64(300*time.Millisecond)) },
		"sometimes long": func() time.Duration { return time.Duration(rand.IntN(2)*rand.IntN(10)) * time.Second },
	} {
		for _, share := range []float64{0.01, 0.25, 0.5, 1} {
			t.Run(name+" at share "+strconv.FormatFloat(share, 'f', -1, 64), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					server, budget := &bucket{limit: 60}, NewBudget()
					time.Sleep(time.Duration(rand.Int64N(int64(time.Second)))) // seconds begin anywhere
					ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
					defer cancel()
					for server.request(ctx, budget, nil, share, wait(), wait()) == nil {
					}
					require.LessOrEqual(t, server.densest(), max(1, int(share*60)))
					require.Zero(t, server.refused)
				})
			})
		}
	}
}

func TestWithoutHeadersAWorkforceLimitIsAssumed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget()
		for range assumedLimit / 2 {
			c, err := b.acquire(t.Context(), nil, 0.5, true, nil)
			require.NoError(t, err)
			b.answered(c, http.StatusOK, http.Header{})
		}
		begin := time.Now()
		_, err := b.acquire(t.Context(), nil, 0.5, true, nil)
		require.NoError(t, err)
		require.Equal(t, window, time.Since(begin), "60 a minute")
		require.False(t, b.Status().Known)
	})
}

func TestTheFirstRequestOfAllGoesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, begin := NewBudget(), time.Now()
		first, err := b.acquire(t.Context(), "one", 0.5, true, nil)
		require.NoError(t, err)
		second := make(chan time.Duration)
		go func() {
			_, err := b.acquire(t.Context(), "two", 0.5, true, nil)
			require.NoError(t, err)
			second <- time.Since(begin)
		}()
		time.Sleep(3 * time.Second)
		b.answered(first, 0, nil) // however it ends
		require.Equal(t, 3*time.Second, <-second)
	})
}

func TestALowerLimitCountsFromTheNextRequestOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, b := &bucket{limit: 120}, NewBudget()
		for range 10 {
			require.NoError(t, server.request(t.Context(), b, nil, 0.5, 0, 0))
		}
		server.limit = 20
		require.NoError(t, server.request(t.Context(), b, nil, 0.5, 0, 0))
		begin := time.Now()
		require.NoError(t, server.request(t.Context(), b, nil, 0.5, 0, 0))
		require.GreaterOrEqual(t, time.Since(begin), 59*time.Second)
		require.Equal(t, 20, b.Status().Limit)
	})
}

func TestTheReserveOfOthersIsLeftUntilTheReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget()
		now := time.Now()
		c, err := b.acquire(t.Context(), nil, 0.5, true, nil)
		require.NoError(t, err)
		b.answered(c, http.StatusOK, rateHeaders("120", "61", now, epoch(now.Add(40*time.Second))))

		c, err = b.acquire(t.Context(), nil, 0.5, true, nil)
		require.NoError(t, err)
		require.Zero(t, time.Since(now), "one request above the reserve goes at once")
		b.answered(c, http.StatusOK, rateHeaders("120", "60", now, epoch(now.Add(40*time.Second))))

		var until time.Time
		_, err = b.acquire(t.Context(), nil, 0.5, true, func(at time.Time, _ string) {
			if !at.IsZero() {
				until = at
			}
		})
		require.NoError(t, err)
		require.Equal(t, 41*time.Second, time.Since(now))
		require.Equal(t, now.Add(41*time.Second), until)
	})
}

func TestABusyOrgStillLetsOnePageAMinuteThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, sent := NewBudget(), 0
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute)
		defer cancel()
		for {
			c, err := b.acquire(ctx, nil, 0.5, true, nil)
			if err != nil {
				break
			}
			sent++
			now := time.Now()
			// Others are always faster: the bucket is nearly empty whenever we look.
			b.answered(c, http.StatusOK, rateHeaders("120", "3", now, epoch(now.Truncate(time.Minute).Add(time.Minute))))
		}
		require.InDelta(t, 30, sent, 1)
	})
}

func TestHeadersFromAClockTenMinutesOffDoNoHarm(t *testing.T) {
	for name, skew := range map[string]time.Duration{"ahead": 10 * time.Minute, "behind": -10 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, b := &bucket{limit: 60, clock: skew}, NewBudget()
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
				defer cancel()
				for server.request(ctx, b, nil, 0.5, 10*time.Millisecond, 10*time.Millisecond) == nil {
				}
				require.LessOrEqual(t, server.densest(), 30)
				require.GreaterOrEqual(t, len(server.arrivals), 20*30*95/100)
			})
		})
	}
}

func TestARefusalStopsEveryClientOfTheOrg(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var budgets Budgets
		b := budgets.For("acme.okta.com")
		require.Same(t, b, budgets.For("acme.okta.com"))
		other := budgets.For("other.okta.com")

		now := time.Now()
		c, err := b.acquire(t.Context(), "one", 0.5, true, nil)
		require.NoError(t, err)
		b.answered(c, http.StatusTooManyRequests, rateHeaders("120", "0", now, epoch(now.Add(20*time.Second))))
		require.Equal(t, now.Add(21*time.Second), b.blocked)

		_, err = other.acquire(t.Context(), "three", 0.5, true, nil)
		require.NoError(t, err)
		require.Zero(t, time.Since(now), "orgs do not wait for each other")

		_, err = b.acquire(t.Context(), "two", 0.5, true, nil)
		require.NoError(t, err)
		require.Equal(t, 21*time.Second, time.Since(now))
	})
}

func TestAShortRefusalDoesNotShortenALongOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, now := NewBudget(), time.Now()
		first, err := b.acquire(t.Context(), "one", 0.5, true, nil)
		require.NoError(t, err)
		b.answered(first, http.StatusOK, http.Header{})
		one, err := b.acquire(t.Context(), "one", 0.5, true, nil)
		require.NoError(t, err)
		two, err := b.acquire(t.Context(), "two", 0.5, true, nil)
		require.NoError(t, err)
		b.answered(one, http.StatusTooManyRequests, rateHeaders("120", "0", now, epoch(now.Add(50*time.Second))))
		b.answered(two, http.StatusTooManyRequests, rateHeaders("0", "0", now, epoch(now.Add(116*time.Second))))
		_, err = b.acquire(t.Context(), "one", 0.5, true, nil)
		require.NoError(t, err)
		require.Equal(t, 51*time.Second, time.Since(now))
	})
}

func TestRepeatedRefusalsGrowAndASuccessForgetsThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget()
		refuse := func() time.Duration {
			begin := time.Now()
			c, err := b.acquire(t.Context(), nil, 0.5, true, nil)
			require.NoError(t, err)
			now := time.Now()
			b.answered(c, http.StatusTooManyRequests, rateHeaders("120", "0", now, epoch(now.Add(time.Second))))
			return now.Sub(begin)
		}
		refuse()
		var last time.Duration
		for range 12 {
			last = refuse()
			require.LessOrEqual(t, last, maxRefusalWait)
		}
		require.Greater(t, last, 3*time.Minute)
		c, err := b.acquire(t.Context(), nil, 0.5, true, nil)
		require.NoError(t, err)
		b.answered(c, http.StatusOK, http.Header{})
		refuse()
		require.LessOrEqual(t, refuse(), 3*time.Second)
	})
}

func TestClientsOfOneOrgShareOneBudgetAndNoneStarves(t *testing.T) {
	cases := map[string]struct {
		shares []float64
		limit  int   // of requests in any minute, together
		least  []int // requests of each in 20 minutes
	}{
		"equal":            {[]float64{0.5, 0.5}, 30, []int{270, 270}},
		"three":            {[]float64{0.5, 0.5, 0.5}, 30, []int{170, 170, 170}},
		"one with little":  {[]float64{0.8, 0.2}, 48, []int{600, 200}},
		"one with one":     {[]float64{1, 0.001}, 60, []int{1000, 18}},
		"smallest of orgs": {[]float64{0.02, 0.02}, 1, []int{8, 8}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, b := &bucket{limit: 60}, NewBudget()
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
				defer cancel()
				sent := make([]int, len(tc.shares))
				var all sync.WaitGroup
				for i, share := range tc.shares {
					all.Go(func() {
						for server.request(ctx, b, i, share, 20*time.Millisecond, 20*time.Millisecond) == nil {
							sent[i]++
						}
					})
				}
				all.Wait()
				require.LessOrEqual(t, server.densest(), tc.limit)
				require.Zero(t, server.refused)
				for i, least := range tc.least {
					require.GreaterOrEqual(t, sent[i], least, "%v", sent)
				}
			})
		})
	}
}

func TestAClientWithItsShareSpentHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, b := &bucket{limit: 60}, NewBudget()
		require.NoError(t, server.request(t.Context(), b, "small", 0.01, 0, 0))
		go func() { _ = server.request(t.Context(), b, "small", 0.01, 0, 0) }() // waits for a minute
		synctest.Wait()
		begin := time.Now()
		for range 20 {
			require.NoError(t, server.request(t.Context(), b, "large", 0.5, 0, 0))
		}
		require.Zero(t, time.Since(begin))
		time.Sleep(2 * time.Minute)
	})
}

func TestAWaitForTheBudgetEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget()
		c, err := b.acquire(t.Context(), nil, 0.5, true, nil)
		require.NoError(t, err)
		now := time.Now()
		b.answered(c, http.StatusTooManyRequests, rateHeaders("120", "0", now, epoch(now.Add(4*time.Minute))))

		ctx, cancel := context.WithCancel(t.Context())
		var told []time.Time
		ended := make(chan error)
		go func() {
			_, err := b.acquire(ctx, nil, 0.5, true, func(until time.Time, reason string) {
				told = append(told, until)
				require.Equal(t, until.IsZero(), reason == "")
			})
			ended <- err
		}()
		time.Sleep(30 * time.Second)
		cancel()
		require.ErrorIs(t, <-ended, context.Canceled)
		require.Equal(t, 30*time.Second, time.Since(now))
		require.Equal(t, []time.Time{now.Add(4*time.Minute + time.Second), {}}, told)
		require.Empty(t, b.queue)
		require.Equal(t, 1, b.Status().Used, "who gave up spent nothing")

		_, err = b.acquire(ctx, nil, 0.5, true, nil)
		require.ErrorIs(t, err, context.Canceled, "also without a wait")
	})
}

func TestAWaitFollowsWhatOthersLearn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, now := NewBudget(), time.Now()
		first, err := b.acquire(t.Context(), "one", 0.5, true, nil)
		require.NoError(t, err)
		b.answered(first, http.StatusOK, http.Header{})
		one, err := b.acquire(t.Context(), "one", 0.5, true, nil)
		require.NoError(t, err)
		two, err := b.acquire(t.Context(), "two", 0.5, true, nil)
		require.NoError(t, err)
		b.answered(one, http.StatusOK, rateHeaders("120", "10", now, epoch(now.Add(50*time.Second))))

		gone := make(chan time.Duration)
		go func() {
			_, err := b.acquire(t.Context(), "one", 0.5, true, nil)
			require.NoError(t, err)
			gone <- time.Since(now)
		}()
		time.Sleep(5 * time.Second)
		// An administrator raised the limit.
		b.answered(two, http.StatusOK, rateHeaders("600", "590", time.Now(), epoch(now.Add(50*time.Second))))
		require.Equal(t, 5*time.Second, <-gone)
	})
}

func TestAClaimThatWasNotUsedIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, begin := NewBudget(), time.Now()
		for range 1000 {
			c, err := b.acquire(t.Context(), nil, 0.5, true, nil)
			require.NoError(t, err)
			b.released(c)
		}
		require.Zero(t, time.Since(begin))
		require.Zero(t, b.Status().Used)
	})
}

func TestTheMemoryOfABudgetIsBounded(t *testing.T) {
	require.Equal(t, maxRemembered, allowance(1_000_000_000, 1))
	synctest.Test(t, func(t *testing.T) {
		server, b := &bucket{limit: 600}, NewBudget()
		for range 1000 {
			require.NoError(t, server.request(t.Context(), b, nil, 1, 0, 0))
			require.LessOrEqual(t, len(b.sent), 600)
		}
		time.Sleep(2 * window)
		require.Zero(t, b.Status().Used)
		require.Nil(t, b.sent)
		require.Empty(t, b.queue)
	})
}
