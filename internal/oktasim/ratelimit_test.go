package oktasim

import (
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"
)

func rate(t *testing.T, a answer) (limit, remaining int, wait time.Duration) {
	t.Helper()
	number := func(name string) int {
		n, err := strconv.Atoi(a.header.Get(name))
		require.NoError(t, err, name)
		return n
	}
	date, err := http.ParseTime(a.header.Get("Date"))
	require.NoError(t, err)
	reset := time.Unix(int64(number("X-Rate-Limit-Reset")), 0)
	return number("X-Rate-Limit-Limit"), number("X-Rate-Limit-Remaining"), reset.Sub(date)
}

func TestTheBucketRefillsAMinuteAfterItOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &Org{RateLimit: 3}
		time.Sleep(17 * time.Second) // not on the wall clock's minute
		for left := 2; left >= 0; left-- {
			limit, remaining, wait := rate(t, ask(t, o, "/api/v1/logs"))
			require.Equal(t, 3, limit)
			require.Equal(t, left, remaining)
			require.Equal(t, time.Duration(58+left)*time.Second, wait)
			time.Sleep(time.Second)
		}
		refused := ask(t, o, "/api/v1/logs")
		require.Equal(t, http.StatusTooManyRequests, refused.status)
		require.Equal(t, "E0000047", gjson.Get(refused.body, "errorCode").Str)
		require.Empty(t, refused.header.Get("Retry-After"), "Okta does not send it")
		_, remaining, wait := rate(t, refused)
		require.Zero(t, remaining)
		require.Equal(t, 57*time.Second, wait)

		time.Sleep(wait)
		require.Equal(t, http.StatusOK, ask(t, o, "/api/v1/logs").status)
		require.Equal(t, []Window{
			{Start: time.Date(2000, 1, 1, 0, 0, 17, 0, time.UTC), Used: 3, Refused: 1},
			{Start: time.Date(2000, 1, 1, 0, 1, 17, 0, time.UTC), Used: 1},
		}, o.Windows())
	})
}

func TestResetIsNeverBeforeTheWindowEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &Org{RateLimit: 1}
		time.Sleep(300 * time.Millisecond)
		ask(t, o, "/api/v1/logs")
		reset, err := strconv.ParseInt(ask(t, o, "/api/v1/logs").header.Get("X-Rate-Limit-Reset"), 10, 64)
		require.NoError(t, err)
		time.Sleep(time.Until(time.Unix(reset, 0)))
		require.Equal(t, http.StatusOK, ask(t, o, "/api/v1/logs").status)
	})
}

func TestAPrincipalHasItsShareAndOthersKeepTheirs(t *testing.T) {
	for name, own := range map[string]bool{"shown the org's numbers": false, "shown its own": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := &Org{RateLimit: 10, PrincipalShare: 0.5, PrincipalHeaders: own}
				for range 5 {
					require.Equal(t, http.StatusOK, ask(t, o, "/api/v1/logs").status)
				}
				a := ask(t, o, "/api/v1/logs")
				require.Equal(t, http.StatusTooManyRequests, a.status)
				limit, remaining, _ := rate(t, a)
				if own {
					require.Equal(t, []int{5, 0}, []int{limit, remaining})
				} else {
					require.Equal(t, []int{10, 5}, []int{limit, remaining})
				}
				require.Equal(t, http.StatusOK, ask(t, o, "/api/v1/logs", "Authorization", "SSWS another").status)
			})
		})
	}
}

func TestANegativeLimitIsNone(t *testing.T) {
	o := &Org{RateLimit: -1}
	for range 500 {
		require.Equal(t, http.StatusOK, ask(t, o, "/api/v1/logs").status)
	}
}

func TestASkewedClockMovesEveryTimeTheOrgTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &Org{Clock: -10 * time.Minute}
		o.Generate(10, 0)
		a := ask(t, o, "/api/v1/logs")
		date, err := http.ParseTime(a.header.Get("Date"))
		require.NoError(t, err)
		require.Equal(t, 10*time.Minute, time.Since(date))
		_, _, wait := rate(t, a)
		require.Equal(t, time.Minute, wait)
		require.Len(t, a.events, 10)
		for _, e := range a.events {
			require.True(t, e.Get("published").Time().Before(time.Now().Add(-10*time.Minute)))
		}
	})
}
