package oktasim

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// Org is one simulated Okta org. The zero value is ready to use; do not copy it after first use.
//
// The exported fields are knobs. Set them before the first request, or later through [Org.Set]: requests read them under the org's mutex.
// All methods are safe for concurrent use.
type Org struct {
	// Who may read.

	Token   string        // the SSWS token that is accepted; empty: any non-empty one is
	Clients []OAuthClient // service apps known to the token endpoint; nil: none
	Refuse  int           // answer every System Log request with this status: 401, 403 or 404; anything else: answer properly

	// Where and when.

	PublicURL string        // scheme and host for links, token audience and DPoP htu, "https://acme.okta.com"; empty: those of the request
	Clock     time.Duration // how far the org's clock is ahead of time.Now (Date, Reset, published, persistence); negative: behind
	Seed      int64         // seed of the generated world; 0 is a seed like any other

	// How much.

	RateLimit        int           // requests per minute to the System Log; 0: 120, as a Workforce org; negative: unlimited
	PrincipalShare   float64       // share of RateLimit that one token may use, (0, 1]; 0: all of it. Okta's own default is 0.5
	PrincipalHeaders bool          // show a principal its own cap in the X-Rate-Limit headers; false: show the org's bucket
	PageCap          int           // never put more events than this on a page, whatever limit says; 0: no cap
	VisibleEvery     time.Duration // show events in bulk: what was persisted since the last multiple of this is not seen yet; 0: at once
	Retention        time.Duration // age by published at which events leave the log; 0: 90 days

	// How badly. More in fault_answers.go.

	Delay         time.Duration // wait before each System Log answer; 0: none
	LinkStyle     LinkStyle     // how the Link header is written; zero: LinkSeparate, two header lines
	AdvanceEmpty  bool          // give a fresh cursor on an empty polling page; false: next equals self
	CursorTTL     time.Duration // refuse a cursor that was not handed out for this long; 0: cursors live for ever
	RefuseCursors int           // refuse the next so many requests that carry a cursor; counts down
	LateShare     float64       // share of generated transactions that reach the log late, [0, 1]
	LateBy        time.Duration // how long before its persistence such a transaction was published, at most; 0: 10 minutes
	Quiet         bool          // generate everyday events only, none that a detection of high severity looks for

	// Intercept chooses another answer for the n-th System Log request, counted from 1. A nil handler means the normal answer, as does a nil
	// func. It is called without the org's mutex held. The methods of Org that return an http.Handler are made for it, and so is one's own
	// handler; [Org.Normal] is the normal answer, to wrap.
	Intercept func(n int, r *http.Request) http.Handler

	// OAuth.

	ResourceNonce bool // demand a DPoP nonce on System Log requests too (401 use_dpop_nonce); Okta does not today

	// InterceptToken is Intercept for the token endpoint. The handlers of fault_answers.go that do not spoil a page fit it.
	InterceptToken func(n int, r *http.Request) http.Handler

	Hooks Hooks // event hooks; they are sent while SendHooks runs

	Roles Roles // who holds administrators' roles

	mu        sync.Mutex // guards the knobs and everything below
	hooks     []*eventHook
	delivered []Delivery
	log       store
	world     *world
	roles     roleState
	played    map[string]uint64    // scenario -> how often
	issued    map[string]time.Time // polling cursor -> when it was last handed out
	bounded   map[string]place     // bounded cursor -> where it points
	quota     bucket               // of the org
	shares    map[string]*bucket   // principal -> its own bucket
	logCalls  int
	injected  []http.Handler // faults that wait for their turn
	requests  []*Request
	responses map[int]int // status -> count
	oauth     oauthState
}

// Set changes knobs while the org is serving. Change must only touch fields: calling a method of the org inside would deadlock.
func (o *Org) Set(change func(*Org)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change(o)
}

// Now is the org's own time: time.Now plus Clock, in UTC.
func (o *Org) Now() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.now()
}

func (o *Org) now() time.Time { return time.Now().Add(o.Clock).UTC() }

// shown is the time up to which persisted events are visible, in epoch milliseconds.
func (o *Org) shown() int64 {
	now := o.now().UnixMilli()
	if every := o.VisibleEvery.Milliseconds(); every > 0 {
		return now - now%every
	}
	return now
}

const (
	logsPath  = "/api/v1/logs"
	tokenPath = "/oauth2/v1/token"
	keysPath  = "/oauth2/v1/keys"
)

// ServeHTTP serves the System Log, the token endpoint, the org's keys, event hooks and roles, and records the request. Any other path is
// Okta's 404.
func (o *Org) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	record := o.arrive(r)
	seen := &statusWriter{ResponseWriter: w}
	defer func() { o.leave(record, seen.status) }()

	var chosen, normal http.Handler
	switch asked, _ := inquiryOf(r); {
	case r.URL.Path == logsPath:
		if !o.delayed(r) {
			return
		}
		chosen, normal = o.intercepted(r, &o.Intercept, &o.logCalls), o.Normal()
		if chosen == nil {
			chosen = o.nextInjected()
		}
	case r.URL.Path == tokenPath:
		_ = r.ParseForm() // body and query; what cannot be read is missing below
		chosen, normal = o.intercepted(r, &o.InterceptToken, &o.oauth.calls), o.answer(o.token)
	case r.URL.Path == keysPath:
		normal = o.answer(o.keys)
	case r.URL.Path == hooksPath || strings.HasPrefix(r.URL.Path, hooksPath+"/"):
		normal = http.HandlerFunc(o.eventHooks)
	case asked != nil:
		chosen, normal = o.intercepted(r, &o.Roles.Intercept, &o.roles.calls), o.NormalRoles()
	default:
		normal = o.refuse(errNotFound(r.URL.Path))
	}
	if chosen == nil {
		chosen = normal
	}
	chosen.ServeHTTP(seen, r)
}

// Normal answers a System Log request as a healthy org does, past Intercept and injected faults: for handlers that wrap the normal answer.
func (o *Org) Normal() http.Handler { return o.answer(o.logs) }

// delayed waits for Delay and reports whether the client did.
func (o *Org) delayed(r *http.Request) bool {
	o.mu.Lock()
	delay := o.Delay
	o.mu.Unlock()
	return wait(r.Context(), delay)
}

// intercepted is what a knob chooses for the next request of its kind; nil: the normal answer.
func (o *Org) intercepted(r *http.Request, knob *func(n int, r *http.Request) http.Handler, calls *int) http.Handler {
	o.mu.Lock()
	*calls++
	n, choose := *calls, *knob
	o.mu.Unlock()
	if choose == nil {
		return nil
	}
	return choose(n, r)
}

// serve computes an answer under the mutex and writes it without.
func (o *Org) serve(w http.ResponseWriter, r *http.Request, answer func(*http.Request) reply) {
	o.compute(r, answer).writeTo(w, r)
}

func (o *Org) compute(r *http.Request, answer func(*http.Request) reply) reply {
	o.mu.Lock()
	defer o.mu.Unlock()
	a := answer(r)
	a.header = o.edgeHeaders(a.header)
	return a
}

// base is the scheme and host that the org believes to have. Okta echoes the
// host of the request (captures show -admin hosts in next links).
func (o *Org) base(r *http.Request) string {
	if o.PublicURL != "" {
		return strings.TrimRight(o.PublicURL, "/")
	}
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
