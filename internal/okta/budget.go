package okta

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

const (
	// DefaultShare is the part of the org's limit that is used when nothing is
	// configured. It equals Okta's own default cap for one API token or app.
	DefaultShare = 0.5
	// assumedLimit counts until Okta tells the real limit, and while it sends no
	// headers: requests per minute of a Workforce org.
	assumedLimit = 120
	// window is the length of Okta's buckets, plus a second for the difference
	// between when we send and when Okta counts.
	window = 61 * time.Second
	// maxRemembered bounds the memory for sent requests; no org's limit is near.
	maxRemembered = 10_000
)

// Budget rations the System Log requests of one org, for all clients that share it.
//
// Two rules hold at once. In any minute, no more than share x limit requests are
// sent; so a backlog uses the share and no window ever sees more. And when the
// bucket, which all clients of the org drain, is down to the part left to the others
// ((1-share) x limit), nothing is sent until it resets. The second rule keeps a busy
// org below its warning threshold; since the bucket is full after a reset, at least
// one page a minute gets through however busy the org is.
//
// A 429 stops all clients of the budget until the time Okta names, bounded both ways
// and growing while 429s repeat. All times are taken relative to the server's own
// Date, so a wrong clock on either side does no harm.
//
// A Budget is safe for concurrent use. Waiting clients are served in order.
type Budget struct {
	turn chan struct{} // holds one token; a client keeps it while it waits and sends

	mu        sync.Mutex
	sent      []time.Time // of the last window, oldest first
	limit     int         // X-Rate-Limit-Limit; 0: not told yet
	remaining int         // X-Rate-Limit-Remaining, valid until reset
	reset     time.Time   // on our clock
	blocked   time.Time   // no request before, after a 429
	reason    string      // why blocked, in words
	refusals  int         // 429s in a row
}

// NewBudget returns the budget of an org of which nothing is known yet.
func NewBudget() *Budget {
	b := &Budget{turn: make(chan struct{}, 1)}
	b.turn <- struct{}{}
	return b
}

// BudgetStatus is what a Budget knows, for people and metrics.
type BudgetStatus struct {
	Known     bool      // whether Okta has sent rate limit headers
	Limit     int       // requests per minute of the whole org
	Remaining int       // of them, left until Reset, for all clients of the org
	Reset     time.Time // on our clock
	Used      int       // requests sent by this process in the last minute
	Blocked   time.Time // nothing is sent before; zero or past: not blocked
}

// Status returns a snapshot.
func (b *Budget) Status() BudgetStatus {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forget(time.Now())
	return BudgetStatus{Known: b.limit > 0, Limit: b.limit, Remaining: b.remaining, Reset: b.reset, Used: len(b.sent), Blocked: b.blocked}
}

// acquire returns when one request may be sent, or with ctx's error. The first
// wait and the end of waiting are told to waiting.
func (b *Budget) acquire(ctx context.Context, share float64, waiting func(time.Time, string)) error {
	told := false
	tell := func(until time.Time, reason string) {
		if waiting != nil && (told || !until.IsZero()) {
			told = !until.IsZero()
			waiting(until, reason)
		}
	}
	select {
	case <-b.turn:
	default: // another client of this org is waiting for the same budget
		b.mu.Lock()
		until, reason := b.ready(time.Now(), share)
		b.mu.Unlock()
		tell(until, reason)
		select {
		case <-b.turn:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	defer func() { b.turn <- struct{}{} }()
	for {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		b.mu.Lock()
		now := time.Now()
		until, reason := b.ready(now, share)
		if until.IsZero() {
			b.sent = append(b.sent, now)
			if b.remaining > 0 {
				b.remaining--
			}
			b.mu.Unlock()
			tell(time.Time{}, "")
			return nil
		}
		b.mu.Unlock()
		tell(until, reason)
		timer := time.NewTimer(until.Sub(now))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// ready returns the zero time when a request may go now, else when to look again
// and why. The caller holds mu.
func (b *Budget) ready(now time.Time, share float64) (time.Time, string) {
	b.forget(now)
	if now.Before(b.blocked) {
		return b.blocked, b.reason
	}
	limit := b.limit
	if limit == 0 {
		limit = assumedLimit
	}
	allowed := min(max(1, int(share*float64(limit)+1e-9)), maxRemembered)
	if len(b.sent) >= allowed {
		return b.sent[len(b.sent)-allowed].Add(window), fmt.Sprintf("%d of the %d requests a minute are spent (rate_limit_share of the org's %d)", allowed, allowed, limit)
	}
	if b.limit > 0 && now.Before(b.reset) && b.remaining <= b.limit-allowed {
		return b.reset, fmt.Sprintf("the org's clients together have used the share: %d of %d requests left", b.remaining, b.limit)
	}
	return time.Time{}, ""
}

// forget drops what is older than a window.
func (b *Budget) forget(now time.Time) {
	i := 0
	for i < len(b.sent) && now.Sub(b.sent[i]) >= window {
		i++
	}
	b.sent = b.sent[i:]
	if len(b.sent) == 0 {
		b.sent = nil // let the array go
	}
}

// observe learns from a response.
func (b *Budget) observe(status int, h http.Header) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	r := readRates(h)
	if status != http.StatusTooManyRequests {
		b.refusals = 0
		if r.limit > 0 {
			b.limit, b.remaining = r.limit, r.remaining
			b.reset = now.Add(r.untilReset)
		}
		return
	}
	b.refusals++
	var wait time.Duration
	wait, b.reason = r.refusalWait(b.refusals)
	b.blocked = now.Add(wait)
	if r.limit > 0 {
		b.limit, b.remaining, b.reset = r.limit, r.remaining, b.blocked
	}
}

// Budgets holds one Budget for each org of a process, so that components on the
// same org share it. The zero value is ready; it is safe for concurrent use.
type Budgets struct {
	mu    sync.Mutex
	byOrg map[string]*Budget
}

// For returns the budget of the org with the given host. It lives as long as b:
// a few hundred bytes for each org ever configured.
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
