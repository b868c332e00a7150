package oktasim

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const (
	workforceLimit = 120 // requests per minute to /api/v1/logs
	unlimited      = math.MaxInt
	windowLength   = time.Minute
)

// Window is one minute of a bucket. It opens with the first request after the last one closed, at whatever second that is.
type Window struct {
	Start   time.Time `json:"start"`   // the org's clock
	Used    int       `json:"used"`    // requests that were let through
	Refused int       `json:"refused"` // requests that got 429
}

// bucket counts requests in windows of a minute; the last one may be over.
type bucket struct {
	windows []Window
}

// open is the window at now, nil if none is open.
func (b *bucket) open(now time.Time) *Window {
	if len(b.windows) == 0 {
		return nil
	}
	w := &b.windows[len(b.windows)-1]
	if now.Sub(w.Start) >= windowLength {
		return nil
	}
	return w
}

// rememberedWindows is a week of them.
const rememberedWindows = 7 * 24 * 60

func (b *bucket) openOrNew(now time.Time) *Window {
	if w := b.open(now); w != nil {
		return w
	}
	b.windows = remember(b.windows, Window{Start: now}, rememberedWindows)
	return &b.windows[len(b.windows)-1]
}

func (w *Window) count(allowed bool) {
	if allowed {
		w.Used++
	} else {
		w.Refused++
	}
}

// charge takes one request from the bucket, writes the headers, and reports whether the limit allows it.
func (b *bucket) charge(limit int, now time.Time, h http.Header) bool {
	w := b.openOrNew(now)
	allowed := w.Used < limit
	w.count(allowed)
	b.showOn(h, limit, now)
	return allowed
}

// showOn writes the three headers. Reset is in whole seconds and rounded up, so that a client that waits for it does not come early.
func (b *bucket) showOn(h http.Header, limit int, now time.Time) {
	used, start := 0, now
	if w := b.open(now); w != nil {
		used, start = w.Used, w.Start
	}
	setRate(h, limit, max(limit-used, 0), start.Add(windowLength))
}

func setRate(h http.Header, limit, remaining int, reset time.Time) {
	if limit == unlimited { // an org without a limit still has the headers
		limit, remaining = 1_000_000, 1_000_000
	}
	h.Set("X-Rate-Limit-Limit", strconv.Itoa(limit))
	h.Set("X-Rate-Limit-Remaining", strconv.Itoa(remaining))
	h.Set("X-Rate-Limit-Reset", strconv.FormatInt(reset.Add(time.Second-1).Unix(), 10))
}

func (o *Org) limit() int {
	switch {
	case o.RateLimit == 0:
		return workforceLimit
	case o.RateLimit < 0:
		return unlimited
	}
	return o.RateLimit
}

// principalLimit is the cap of one token or service app. It is a ceiling, not a reservation: the org's own bucket binds as well.
func (o *Org) principalLimit() int {
	limit := o.limit()
	if o.PrincipalShare <= 0 || o.PrincipalShare >= 1 || limit == unlimited {
		return limit
	}
	return max(int(float64(limit)*o.PrincipalShare), 1)
}

// charge takes one request of a principal from the buckets, and fills h with the headers to show. It returns false when a bucket is empty.
func (o *Org) charge(principal string, h http.Header) bool {
	now := o.now()
	share := o.shares[principal]
	if share == nil {
		share = &bucket{}
		put(&o.shares, principal, share)
	}
	org, own := o.quota.openOrNew(now), share.openOrNew(now)
	allowed := org.Used < o.limit() && own.Used < o.principalLimit()
	org.count(allowed)
	own.count(allowed)
	if o.PrincipalHeaders {
		share.showOn(h, o.principalLimit(), now)
	} else {
		o.quota.showOn(h, o.limit(), now)
	}
	return allowed
}

// concurrencyEstimate is how far ahead the Reset of a concurrency 429 points:
// Okta's documented capture has 116 s, and calls it an estimate.
const concurrencyEstimate = 116 * time.Second

// Windows returns the minutes of the org's bucket in which System Log requests came, oldest first. Requests that a fault answered in the
// org's place are not in it; see [Org.Requests] for those.
func (o *Org) Windows() []Window {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.quota.windows)
}
