package oktaapi

import (
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// day is a moment for tests to be at; the milliseconds are what gets cut off.
var day = time.Date(2026, 8, 21, 10, 0, 0, 123_456_789, time.UTC)

// rateHeaders are the headers of an answer at the server's time `now`.
func rateHeaders(limit, remaining string, now time.Time, reset string) http.Header {
	h := http.Header{"Date": {now.UTC().Format(http.TimeFormat)}}
	for name, value := range map[string]string{"X-Rate-Limit-Limit": limit, "X-Rate-Limit-Remaining": remaining, "X-Rate-Limit-Reset": reset} {
		if value != "" {
			h.Set(name, value)
		}
	}
	return h
}

func epoch(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

func TestRateHeadersAreReadOrTakenAsMissing(t *testing.T) {
	now := day.Truncate(time.Second)
	in := func(d time.Duration) string { return epoch(now.Add(d)) }
	cases := map[string]struct {
		h          http.Header
		limit      int
		remaining  int
		untilReset time.Duration
		resetWait  time.Duration
	}{
		"as documented":       {rateHeaders("120", "119", now, in(42*time.Second)), 120, 119, 43 * time.Second, 43 * time.Second},
		"spaces":              {rateHeaders(" 120 ", " 7", now, " "+in(42*time.Second)), 120, 7, 43 * time.Second, 43 * time.Second},
		"nothing left":        {rateHeaders("120", "0", now, in(time.Second)), 120, 0, 2 * time.Second, 2 * time.Second},
		"Reset just now":      {rateHeaders("120", "0", now, in(0)), 120, 0, time.Second, time.Second},
		"Reset in the past":   {rateHeaders("120", "0", now, in(-10*time.Minute)), 120, 0, 0, 0},
		"Reset hours ahead":   {rateHeaders("120", "3", now, in(5*time.Hour)), 120, 3, 65 * time.Second, 5*time.Hour + time.Second},
		"Reset in ms":         {rateHeaders("120", "3", now, in(30*time.Second)+"000"), 120, 3, 31 * time.Second, 31 * time.Second},
		"Reset beyond int64":  {rateHeaders("120", "3", now, "99999999999999999999"), 120, 3, 0, 0},
		"Reset in words":      {rateHeaders("120", "3", now, "soon"), 120, 3, 0, 0},
		"Reset negative":      {rateHeaders("120", "3", now, "-5"), 120, 3, 0, 0},
		"no headers":          {http.Header{"Date": {now.Format(http.TimeFormat)}}, 0, 0, 0, 0},
		"Limit in words":      {rateHeaders("lots", "3", now, in(time.Second)), 0, 0, 2 * time.Second, 2 * time.Second},
		"Remaining missing":   {rateHeaders("120", "", now, in(time.Second)), 0, 0, 2 * time.Second, 2 * time.Second},
		"Remaining negative":  {rateHeaders("120", "-1", now, in(time.Second)), 0, 0, 2 * time.Second, 2 * time.Second},
		"Remaining too large": {rateHeaders("120", "500", now, in(time.Second)), 120, 120, 2 * time.Second, 2 * time.Second},
		"a list of values":    {rateHeaders("120, 120", "3", now, in(time.Second)), 0, 0, 2 * time.Second, 2 * time.Second},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			r := readRates(tc.h)
			require.Equal(t, tc.limit, r.limit)
			require.Equal(t, tc.remaining, r.remaining)
			require.Equal(t, tc.untilReset, r.untilReset)
			require.Equal(t, tc.resetWait, r.resetWait)
		})
	}
}

func TestARefusalIsWaitedOutWithinBounds(t *testing.T) {
	now := day.Truncate(time.Second)
	in := func(d time.Duration) string { return epoch(now.Add(d)) }
	after := func(value string) http.Header {
		return http.Header{"Date": {now.Format(http.TimeFormat)}, "Retry-After": {value}}
	}
	cases := map[string]struct {
		h        http.Header
		n        int
		min, max time.Duration
	}{
		"Reset in 20s": {rateHeaders("120", "0", now, in(20*time.Second)), 1, 21 * time.Second, 21 * time.Second},
		"Reset in 20s, Date 10m ahead": {
			rateHeaders("120", "0", now.Add(10*time.Minute), in(10*time.Minute+20*time.Second)), 1, 21 * time.Second, 21 * time.Second,
		},
		"Reset in 20s, Date 10m behind": {
			rateHeaders("120", "0", now.Add(-10*time.Minute), in(-10*time.Minute+20*time.Second)), 1, 21 * time.Second, 21 * time.Second,
		},
		"Reset in the past":               {rateHeaders("120", "0", now, in(-time.Hour)), 1, time.Minute, time.Minute},
		"Reset missing":                   {rateHeaders("120", "0", now, ""), 1, time.Minute, time.Minute},
		"Reset in words":                  {rateHeaders("120", "0", now, "soon"), 1, time.Minute, time.Minute},
		"Reset in ms":                     {rateHeaders("120", "0", now, in(20*time.Second)+"000"), 1, 21 * time.Second, 21 * time.Second},
		"Reset hours ahead":               {rateHeaders("120", "0", now, in(6*time.Hour)), 1, 5 * time.Minute, 5 * time.Minute},
		"no headers at all":               {http.Header{}, 1, time.Minute, time.Minute},
		"Retry-After in seconds":          {after("7"), 1, 7 * time.Second, 7 * time.Second},
		"Retry-After as a date":           {after(now.Add(9 * time.Second).Format(http.TimeFormat)), 1, 9 * time.Second, 9 * time.Second},
		"Retry-After in the past":         {after(now.Add(-9 * time.Second).Format(http.TimeFormat)), 1, time.Minute, time.Minute},
		"Retry-After in words":            {after("later"), 1, time.Minute, time.Minute},
		"Retry-After of a day":            {after("86400"), 1, 5 * time.Minute, 5 * time.Minute},
		"the second in a row":             {rateHeaders("120", "0", now, in(2*time.Second)), 2, 3 * time.Second, 5 * time.Second},
		"the seventh in a row":            {rateHeaders("120", "0", now, in(2*time.Second)), 7, 64 * time.Second, 128 * time.Second},
		"the hundredth in a row":          {rateHeaders("120", "0", now, in(2*time.Second)), 100, 256 * time.Second, 5 * time.Minute},
		"concurrency":                     {rateHeaders("0", "0", now, in(116*time.Second)), 1, time.Second, 2 * time.Second},
		"concurrency, Reset hours ahead":  {rateHeaders("0", "0", now, in(6*time.Hour)), 1, time.Second, 2 * time.Second},
		"concurrency, no Reset":           {rateHeaders("0", "0", now, ""), 1, time.Second, 2 * time.Second},
		"concurrency, third in a row":     {rateHeaders("0", "0", now, in(116*time.Second)), 3, 4 * time.Second, 8 * time.Second},
		"concurrency, hundredth in a row": {rateHeaders("0", "0", now, in(116*time.Second)), 100, 15 * time.Second, 30 * time.Second},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			for range 200 { // it is random
				wait, reason := readRates(tc.h).refusalWait(tc.n)
				require.GreaterOrEqual(t, wait, tc.min)
				require.LessOrEqual(t, wait, tc.max)
				require.NotEmpty(t, reason)
			}
		})
	}
}

func TestWithoutADateOurOwnClockCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := http.Header{"X-Rate-Limit-Reset": {epoch(time.Now().Add(20 * time.Second))}}
		wait, _ := readRates(h).refusalWait(1)
		require.Equal(t, 21*time.Second, wait)
	})
}
