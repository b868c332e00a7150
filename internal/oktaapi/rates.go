package oktaapi

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/grafana/alloy/okta/internal/httptext"
)

const (
	minRefusalWait     = time.Second
	maxRefusalWait     = 5 * time.Minute  // a longer wait is a header gone wrong
	defaultRefusalWait = 60 * time.Second // one bucket
	maxConcurrencyWait = 30 * time.Second
	maxReset           = 65 * time.Second // buckets last a minute; a 200 that says more is not believed
)

// rates are the X-Rate-Limit-* headers of one response. Source: Okta "Rate limits"
// pages; limit and remaining are requests, Reset is in epoch seconds.
type rates struct {
	limit      int           // 0: missing, garbage, or the concurrency limit's 0
	remaining  int           //
	present    bool          // Limit and Remaining were numbers
	resetAt    int64         // Reset in epoch seconds; 0: missing or garbage
	untilReset time.Duration // Reset - Date + 1s; bounded to what a bucket can last
	resetWait  time.Duration // the same, unbounded; 0: Reset missing or garbage
	retryAfter time.Duration // Retry-After, which Okta does not document; 0: none
}

// readRates never fails: headers that make no sense are as if they were missing.
func readRates(h http.Header) rates {
	var r rates
	limit, errL := strconv.Atoi(strings.TrimSpace(h.Get("X-Rate-Limit-Limit")))
	remaining, errR := strconv.Atoi(strings.TrimSpace(h.Get("X-Rate-Limit-Remaining")))
	if errL == nil && errR == nil && limit >= 0 && remaining >= 0 {
		r.present, r.limit, r.remaining = true, limit, min(remaining, limit)
	}
	server := httptext.ServerTime(h)
	if reset, err := strconv.ParseInt(strings.TrimSpace(h.Get("X-Rate-Limit-Reset")), 10, 64); err == nil && reset > 0 {
		if reset > 1e11 { // milliseconds: as seconds this would be the year 5138
			reset /= 1000
		}
		r.resetAt = reset
		// +1s: Reset and Date are cut to seconds.
		if d := time.Unix(reset, 0).Sub(server) + time.Second; d > 0 {
			r.resetWait = d
		}
	}
	r.untilReset = min(r.resetWait, maxReset)
	r.retryAfter = httptext.RetryAfter(h)
	return r
}

// askedToWait is how long an answer asks to send nothing, and why; 0: it does not ask. A 429 is the n-th in a row. Others ask with
// Retry-After: 503 (RFC 9110 section 15.6.4), and what a gateway may send it with.
func askedToWait(status int, h http.Header, n int) (time.Duration, string) {
	if status == http.StatusTooManyRequests {
		return readRates(h).refusalWait(n)
	}
	wait := httptext.RetryAfter(h)
	if wait == 0 || !passes(status) {
		return 0, ""
	}
	return min(max(wait, minRefusalWait), maxRefusalWait), fmt.Sprintf("an answer asked for that (%d, Retry-After)", status)
}

// passes reports whether a status is of a transient error; 429 is none of them.
func passes(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooEarly || status >= 500
}

// refusalWait is how long to wait after the n-th 429 in a row (from 1), and why.
//
// The concurrency limit answers Limit 0, Remaining 0 and a Reset that is an estimate about other people's requests; it passes in seconds,
// so the wait is 2s growing to 30s, half of it random. Else Okta's Reset counts, or Retry-After if it is later, and repeated refusals
// double a minimum so that clients that share a bucket do not all come back at once.
func (r rates) refusalWait(n int) (time.Duration, string) {
	grow := minRefusalWait << min(n-1, 8)
	if r.present && r.limit == 0 && r.remaining == 0 {
		wait := min(2*grow, maxConcurrencyWait)
		return jitter(wait), fmt.Sprintf("Okta's limit of concurrent requests is reached (429, refusal %d in a row)", n)
	}
	wait := max(r.resetWait, r.retryAfter)
	if wait == 0 {
		wait = defaultRefusalWait
	}
	if n > 1 {
		// Back right after the reset and refused again: others are faster.
		wait = max(wait, grow) + time.Duration(rand.Int64N(int64(grow)))
	}
	wait = min(max(wait, minRefusalWait), maxRefusalWait)
	return wait, fmt.Sprintf("Okta's rate limit is exhausted (429, refusal %d in a row)", n)
}

// jitter returns a duration in (d/2, d].
func jitter(d time.Duration) time.Duration {
	return d - time.Duration(rand.Int64N(int64(d/2)))
}
