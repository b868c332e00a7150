package oktaapi

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	// DefaultShare is the part of the org's limit that is used by default. It equals Okta's own default cap for one API token or app.
	DefaultShare = 0.5
	// assumedLimit counts while Okta sends no headers: requests per minute of a Workforce org. The very first request goes alone, to learn
	// the real limit.
	assumedLimit = 120
	// window is the length of Okta's buckets, plus a second for the difference between when we send and when Okta counts.
	window = 61 * time.Second
	// rangeEvery is how long live polling may keep a range waiting. That is so seldom that live polling can spare the request, even where
	// the limit is one a minute.
	rangeEvery = 3 * time.Minute
	// maxRemembered bounds the memory for sent requests, far above any org's limit.
	maxRemembered = 10_000
)

// Budget rations the System Log requests of one org, for all clients that share it.
//
// Two rules hold at once. In any minute, a client sends no more than its share of the limit, and all clients together no more than the
// largest share among those that sent; so a backlog uses the share and no window ever sees more. And when the bucket, which all programs
// that use the org drain, is down to the part that is left to the others ((1-share) x limit), nothing is sent until it resets. The second
// rule keeps a busy org below its warning threshold. As the bucket is full after a reset, at least one page a minute is fetched, however
// busy the org is.
//
// A 429, or a 503 with Retry-After, stops all clients of the budget until the time it names, bounded both ways and growing while 429s
// repeat. All times are taken relative to the server's own Date, so a wrong clock on either side does no harm.
//
// Live clients go first. A client that reads a range (see [Config].Until) sends only what leaves room for as many requests of live clients
// as they sent in the minute before, and one more; but all ranges together get a request every [rangeEvery], whatever live clients want.
//
// A Budget is safe for concurrent use. Of clients of one kind that may send, the one that has
// waited longest goes first; one whose own share is spent holds up nobody.
type Budget struct {
	mu      sync.Mutex
	queue   []*claim      // waiting, in order of arrival
	changed chan struct{} // closed and replaced whenever waiting claims must look again

	probed    bool      // a request was answered, or failed
	live      time.Time // first request of a live client
	ranged    time.Time // last request of a range
	sent      []*claim  // sent, of the last window, by time
	past      []*claim  // sent by live clients, of the window before, by time
	limit     int       // X-Rate-Limit-Limit; 0: not told yet
	remaining int       // X-Rate-Limit-Remaining, valid until reset
	reset     time.Time // on our clock
	resetAt   int64     // the X-Rate-Limit-Reset that reset was made of
	blocked   time.Time // no request before, as an answer asked for
	reason    string    // why blocked, in words
	refusals  int       // 429s in a row
}

// claim is one client's wish for a request, and later the request itself.
type claim struct {
	by    any // the client, to tell its requests from others'
	share float64
	live  bool // it is not of a range
	// Okta counts the request at some moment between sending and answering. While it
	// is under way it fills its place; afterwards the later end counts.
	pending bool
	at      time.Time
}

// NewBudget returns the budget of an org of which nothing is known yet.
func NewBudget() *Budget {
	return &Budget{changed: make(chan struct{})}
}

// BudgetStatus is what a Budget knows, for people and metrics.
type BudgetStatus struct {
	Known     bool      // whether Okta has sent rate limit headers
	Limit     int       // requests per minute of the whole org
	Remaining int       // of them, left until Reset, for all clients of the org
	Reset     time.Time // on our clock
	Used      int       // requests sent by this process in the last minute
}

// Status returns a snapshot.
func (b *Budget) Status() BudgetStatus {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forget(time.Now())
	return BudgetStatus{Known: b.limit > 0, Limit: b.limit, Remaining: b.remaining, Reset: b.reset, Used: len(b.sent)}
}

// acquire returns when the client, a live one or one that reads a range, may send one request, or with ctx's error. What it
// returns must be given to answered or released. Waiting is called with each new expectation of a wait, and with its end.
func (b *Budget) acquire(ctx context.Context, by any, share float64, live bool, waiting func(time.Time, string)) (*claim, error) {
	var told time.Time
	tell := func(until time.Time, reason string) {
		if waiting != nil && !until.Equal(told) {
			told = until
			waiting(until, reason)
		}
	}
	defer tell(time.Time{}, "")

	c := &claim{by: by, share: share, live: live}
	b.mu.Lock()
	if live && b.live.IsZero() {
		b.live = time.Now()
	}
	b.queue = append(b.queue, c)
	b.mu.Unlock()
	for {
		b.mu.Lock()
		now := time.Now()
		until, reason := b.turn(c, now)
		if until.IsZero() || ctx.Err() != nil {
			b.leave(c)
			if ctx.Err() == nil {
				c.pending, c.at = true, now
				b.sent = append(b.sent, c)
				b.remaining = max(0, b.remaining-1)
				if !live {
					b.ranged = now
				}
			}
			b.mu.Unlock()
			return c, ctx.Err()
		}
		changed := b.changed
		b.mu.Unlock()

		tell(until, reason)
		timer := time.NewTimer(until.Sub(now))
		select {
		case <-timer.C:
		case <-changed:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// turn is like ready, and lets claims of the queue go first that come before this one. The caller holds mu.
func (b *Budget) turn(c *claim, now time.Time) (time.Time, string) {
	b.forget(now)
	until, reason := b.ready(c, now)
	if !until.IsZero() {
		return until, reason
	}
	waits := false // longer than the other
	for _, other := range b.queue {
		if other == c {
			waits = true
			continue
		}
		if theirs, ours := b.rank(other, now), b.rank(c, now); theirs > ours || theirs == ours && waits {
			continue
		}
		if t, _ := b.ready(other, now); t.IsZero() {
			// That claim looks again, too, and makes this one look again when it has its request.
			return now.Add(window), "another component reads the same org"
		}
	}
	return time.Time{}, ""
}

// rank is 0 for a range that is due, 1 for live clients, 2 for ranges. The caller holds mu.
func (b *Budget) rank(c *claim, now time.Time) int {
	switch {
	case c.live:
		return 1
	case b.due(now):
		return 0
	}
	return 2
}

// due reports whether ranges have waited long enough to go before live clients. The caller holds mu.
func (b *Budget) due(now time.Time) bool { return now.Sub(b.ranged) >= rangeEvery }

// ready returns the zero time when a request may go now, else when to look again and why. The caller holds mu.
func (b *Budget) ready(c *claim, now time.Time) (time.Time, string) {
	if now.Before(b.blocked) {
		return b.blocked, b.reason
	}
	if !b.probed && len(b.sent) > 0 {
		return now.Add(window), "the first request has yet to tell the org's limit"
	}
	limit := b.limit
	if limit == 0 {
		limit = assumedLimit
	}
	largest, live := c.share, 0
	var own []*claim
	for _, s := range b.sent {
		largest = max(largest, s.share)
		if s.by == c.by {
			own = append(own, s)
		}
		if s.live {
			live++
		}
	}
	if mine := allowance(limit, c.share); len(own) >= mine {
		return own[len(own)-mine].expires(now), spent(mine, limit)
	}
	all := allowance(limit, largest)
	if len(b.sent) >= all {
		return b.sent[len(b.sent)-all].expires(now), spent(all, limit)
	}
	known := b.limit > 0 && now.Before(b.reset)
	if known && b.remaining <= b.limit-all {
		return b.reset, fmt.Sprintf("the org's clients together have used the share: %d of %d requests left", b.remaining, b.limit)
	}
	if c.live || b.live.IsZero() || b.due(now) {
		return time.Time{}, ""
	}
	return b.leftOver(all, live, known, now)
}

// leftOver is like ready, for a range whose own share is not spent. All clients together may send all requests a minute, and live clients
// sent live of them in the last minute; known tells whether it is known what is left in Okta's bucket. The caller holds mu.
func (b *Budget) leftOver(all, live int, known bool, now time.Time) (time.Time, string) {
	wanted := max(live, len(b.past)+len(b.past)/4) // a quarter more, for live clients that had to wait and want more
	if now.Sub(b.live) < 2*window {
		wanted = max(wanted, all/2) // it is not known yet
	}
	untilReset := float64(b.reset.Sub(now)) / float64(window)
	switch {
	case len(b.sent)+wanted-live+1 >= all:
		at := []time.Time{b.ranged.Add(rangeEvery)}
		if len(b.sent) > 0 {
			at = append(at, b.sent[0].expires(now))
		}
		if len(b.past) > 0 {
			at = append(at, b.past[0].at.Add(2*window))
		}
		return slices.MinFunc(at, time.Time.Compare), behind
	case known && b.remaining <= b.limit-all+1+int(float64(wanted)*untilReset):
		return slices.MinFunc([]time.Time{b.ranged.Add(rangeEvery), b.reset}, time.Time.Compare), behind
	}
	return time.Time{}, ""
}

// behind is why a range waits.
const behind = "live polling of the org goes first"

// allowance is how many requests a minute a share amounts to: at least one, or nothing would ever be read.
func allowance(limit int, share float64) int {
	return min(max(1, int(share*float64(limit)+1e-9)), maxRemembered)
}

func spent(n, limit int) string {
	return fmt.Sprintf("%d of the %d requests a minute are spent (rate_limit_share of the org's %d)", n, n, limit)
}

// expires is when the request counts no longer.
func (c *claim) expires(now time.Time) time.Time {
	if c.pending {
		return now.Add(window) // or when it is answered, when all look again
	}
	return c.at.Add(window)
}

// forget drops what is older than a window. The caller holds mu.
func (b *Budget) forget(now time.Time) {
	b.sent = slices.DeleteFunc(b.sent, func(c *claim) bool {
		over := !now.Before(c.expires(now))
		if over && c.live {
			b.past = append(b.past, c)
		}
		return over
	})
	b.past = slices.DeleteFunc(b.past, func(c *claim) bool { return !now.Before(c.at.Add(2 * window)) })
	if len(b.sent) == 0 {
		b.sent = nil // let the array go
	}
}

// leave takes a claim out of the queue. The caller holds mu.
func (b *Budget) leave(c *claim) {
	b.queue = slices.DeleteFunc(b.queue, func(q *claim) bool { return q == c })
	b.lookAgain()
}

// lookAgain makes all claims in the queue look again. The caller holds mu.
func (b *Budget) lookAgain() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// released takes back a claim with which no request was sent.
func (b *Budget) released(c *claim) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent = slices.DeleteFunc(b.sent, func(s *claim) bool { return s == c })
	b.lookAgain()
}

// answered notes the end of a request and learns from the response. h is nil when there was none.
func (b *Budget) answered(c *claim, status int, h http.Header) {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.lookAgain()
	now := time.Now()
	c.pending, c.at, b.probed = false, now, true
	slices.SortStableFunc(b.sent, func(x, y *claim) int { return x.expires(now).Compare(y.expires(now)) })
	if h == nil {
		return
	}
	r := readRates(h)
	if status != http.StatusTooManyRequests {
		b.refusals = 0
		if r.limit > 0 {
			reset := now.Add(r.untilReset)
			if r.resetAt == b.resetAt && b.reset.Before(reset) {
				// The same moment, named once more. Date is cut to seconds, so each answer gives an upper bound, and the lowest is the
				// best.
				reset = b.reset
			}
			b.limit, b.remaining, b.reset, b.resetAt = r.limit, r.remaining, reset, r.resetAt
		}
	} else {
		b.refusals++
	}
	wait, reason := askedToWait(status, h, b.refusals)
	if until := now.Add(wait); wait > 0 && until.After(b.blocked) { // never shorten a wait that another client was told
		b.blocked, b.reason = until, reason
	}
	if status == http.StatusTooManyRequests && r.limit > 0 {
		b.limit, b.remaining, b.reset, b.resetAt = r.limit, r.remaining, b.blocked, 0
	}
}

// Budgets holds one Budget for each org of a process, so that components on the
// same org share it. The zero value is ready; it is safe for concurrent use.
type Budgets struct {
	mu    sync.Mutex
	byOrg map[string]*Budget
}

// For returns the budget of the org with the given host. It lives as long as b: a few hundred bytes for each org ever configured.
func (b *Budgets) For(host string) *Budget {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.byOrg == nil {
		b.byOrg = make(map[string]*Budget)
	}
	if b.byOrg[host] == nil {
		b.byOrg[host] = NewBudget()
	}
	return b.byOrg[host]
}
