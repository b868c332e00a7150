package oktaapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"time"

	"github.com/grafana/alloy/okta/internal/httptext"
)

// Defaults and limits of [Config].
const (
	MaxPageSize    = 1000             // Okta's own limit
	DefaultTimeout = 60 * time.Second // Okta gives up a query after 30s by itself
	DefaultMaxBody = 32 << 20         // a page of 1000 ordinary events is 1.5 to 2.5 MB
	maxRedirects   = 3
	errorBodyLimit = 64 << 10
)

// Authorizer puts credentials on requests. Package auth has the implementations.
// It must be safe for concurrent use.
type Authorizer interface {
	// Authorize sets the credential headers of req. It may ask a token endpoint,
	// under ctx. An error whose chain holds interface{ Refused() bool } returning true
	// is a configuration error, any other is transient.
	Authorize(ctx context.Context, req *http.Request) error
	// Challenge is shown each 400 and 401 answer to a request that Authorize
	// prepared. It returns true when credentials were dropped or renewed so that one
	// more try may succeed.
	Challenge(resp *http.Response) (retry bool)
	// Method names the way of authorizing for people: "ssws", "private_key_jwt", ...
	Method() string
}

// Config is all a Client needs to know. Org and Auth are required.
type Config struct {
	Org       *url.URL      // from ParseOrg
	Auth      Authorizer    //
	HTTP      *http.Client  // whose Transport is used, and nothing else; nil: http.DefaultTransport
	PageSize  int           // events per page, 1 to 1000; 0: 1000
	Filter    string        // Okta filter expression; "": none
	Query     string        // Okta q keywords; "": none
	Until     time.Time     // exclusive end of what Start reads; zero: none, the log goes on
	Timeout   time.Duration // headers and body together; 0: 60s
	MaxBody   int64         // bytes of a decoded body; 0: 32 MiB
	UserAgent string        // product/version
	Budget    *Budget       // the org's; nil: one of its own
	Share     float64       // of the org's limit, (0, 1]; 0: 0.5
	Slots     *Slots        // for the pages in memory; nil: no bound
	// Waiting, if not nil, is called when a Fetch begins to wait for the budget, with
	// the time the wait is expected to end and the reason in words; and with the zero
	// time when it goes on.
	Waiting func(until time.Time, reason string)
	// Observe, if not nil, is called after each HTTP exchange with Okta's System Log:
	// status (0: no answer), time from sending to the last byte, decoded bytes read.
	Observe func(status int, took time.Duration, bytes int)
}

// Page is one page of the log.
type Page struct {
	Body    []byte    // the decoded body, claimed to be a JSON array; owned by the caller
	Next    Cursor    // Okta's next link; "" when it was missing or refused, see NextErr
	NextErr error     // why Next is "" although Okta named one; never a credential in it
	Date    time.Time // the server's clock when it answered; ours if it sent no Date
	// Skew is how far our clock is ahead of the server's, negative when behind, to about a
	// second: its Date has whole seconds. 0 if it sent no Date.
	Skew      time.Duration
	RequestID string // X-Okta-Request-Id

	memory *bytes.Buffer // behind Body
	slot   *slot
}

// Release gives the body's memory back, for a later page, and its slot. Neither Body nor
// anything that shares its memory may be used afterwards. It may be called again; without
// [Config].Slots, calling it is optional.
func (p *Page) Release() {
	if p.memory != nil {
		bodies.Put(p.memory)
	}
	if p.slot != nil {
		p.slot.release()
	}
	p.Body, p.memory, p.slot = nil, nil, nil
}

// Wanted reports whether somebody waits for the page's slot.
func (p *Page) Wanted() bool {
	return p.slot != nil && p.slot.of != nil && p.slot.of.waiting.Load() > 0
}

// Client fetches pages of one org. It is safe for concurrent use.
type Client struct {
	cfg       Config
	transport http.RoundTripper

	mu       sync.Mutex
	tokenAt  time.Time // no token request before, after a 429 of the token endpoint
	reason   string    // why, in words
	refusals int       // of those 429s, in a row
}

// New returns a client. It does no network.
func New(cfg Config) *Client {
	if cfg.PageSize == 0 {
		cfg.PageSize = MaxPageSize
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = DefaultMaxBody
	}
	if cfg.Budget == nil {
		cfg.Budget = NewBudget()
	}
	if cfg.Share == 0 {
		cfg.Share = DefaultShare
	}
	// The transport is used without http.Client around it, so redirects are seen here:
	// net/http would copy Authorization to a host that shares a parent domain, and a
	// DPoP proof is valid for one URL only.
	c := &Client{cfg: cfg, transport: http.DefaultTransport}
	if cfg.HTTP != nil && cfg.HTTP.Transport != nil {
		c.transport = cfg.HTTP.Transport
	}
	return c
}

// Method is the Authorizer's, for [github.com/grafana/alloy/okta/internal/oktaapi/auth.Remedy].
func (c *Client) Method() string { return c.cfg.Auth.Method() }

// Fetch gets the page behind cur. It waits for the budget first; the timeout does
// not run meanwhile. The error is ctx's when ctx ended, else an [*Error].
func (c *Client) Fetch(ctx context.Context, cur Cursor) (Page, error) {
	target, err := c.resolve(c.cfg.Org, string(cur))
	if err != nil {
		return Page{}, &Error{Class: CursorRefused, Err: fmt.Errorf("the cursor is not usable: %w", err)}
	}
	challenged, resent := false, false
	for hops := 0; ; {
		ans, err := c.exchange(ctx, target)
		if ctx.Err() != nil {
			ans.slot.release()
			return Page{}, ctx.Err()
		}
		if ans.stale && !resent { // closed while it was idle, most likely: once more, on the budget and with a proof of its own
			resent = true
			continue
		}
		if err != nil {
			return Page{}, err
		}
		switch {
		case ans.redirect != "":
			if hops++; hops > maxRedirects {
				return Page{}, &Error{
					Class: Refused, Status: ans.status, RequestID: requestID(ans.header), Err: fmt.Errorf("redirected more than %d times", maxRedirects),
				}
			}
			from, _ := url.Parse(target)
			if target, err = c.resolve(from, ans.redirect); err != nil {
				return Page{}, &Error{Class: Refused, Status: ans.status, RequestID: requestID(ans.header),
					Err: fmt.Errorf("refusing a redirect: %w; set url to the org's own address", err)}
			}
		case ans.retry && !challenged:
			challenged = true
		case ans.status != http.StatusOK:
			return Page{}, statusError(cur, ans.status, ans.header, ans.body)
		default:
			if err := foreignPage(cur, ans); err != nil {
				ans.slot.release()
				return Page{}, err
			}
			return c.page(target, ans), nil
		}
	}
}

// page takes body and next link out of a good answer.
func (c *Client) page(target string, ans answer) Page {
	p := Page{Body: ans.body, memory: ans.memory, slot: ans.slot, Date: ans.date, Skew: ans.skew, RequestID: requestID(ans.header)}
	next, ok := nextLink(ans.header)
	if !ok {
		return p
	}
	from, err := url.Parse(target)
	if err == nil {
		next, err = c.resolve(from, next)
	}
	if u, e := url.Parse(next); err == nil && (e != nil || u.Path != from.Path) {
		err = errors.New("it leads to another path")
	}
	if err != nil {
		p.NextErr = fmt.Errorf("refusing the next link: %w", err)
		return p
	}
	p.Next = Cursor(next)
	return p
}

// answer is a complete HTTP response.
type answer struct {
	status   int
	header   http.Header
	date     time.Time
	skew     time.Duration // see Page
	body     []byte
	memory   *bytes.Buffer // behind body
	slot     *slot         // for memory, of a page
	redirect string        // Location of a 3xx
	retry    bool          // the Authorizer wants one more try
	stale    bool          // no answer, on a connection that was used before
}

// exchange makes one request and reads its whole answer.
func (c *Client) exchange(ctx context.Context, target string) (answer, error) {
	if err := c.awaitToken(ctx); err != nil {
		return answer{}, err
	}
	claim, err := c.cfg.Budget.acquire(ctx, c, c.cfg.Share, c.cfg.Waiting)
	if err != nil {
		return answer{}, err
	}
	ctx, secrets := httptext.Watch(ctx)
	ctx, timeout := withDeadline(ctx, c.cfg.Timeout)
	defer timeout.stop()
	reused := false
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { reused = info.Reused }})

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, onlyOnce{})
	if err != nil {
		c.cfg.Budget.released(claim)
		return answer{}, transportError(err, "", secrets)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json") // Okta's core API asks for both on every call
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("User-Agent", c.cfg.UserAgent)
	if err := c.cfg.Auth.Authorize(ctx, req); err != nil {
		c.cfg.Budget.released(claim)
		return answer{}, c.tokenRefused(authorizeError(overdue(ctx, "getting an access token", err)))
	}
	c.mu.Lock()
	c.refusals = 0
	c.mu.Unlock()

	begin := time.Now()
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		c.cfg.Budget.answered(claim, 0, nil)
		c.observe(0, begin, 0)
		stale := reused && ctx.Err() == nil
		return answer{stale: stale}, transportError(overdue(ctx, "waiting for the answer", err), c.cfg.Timeout.String(), secrets)
	}
	defer resp.Body.Close()
	c.cfg.Budget.answered(claim, resp.StatusCode, resp.Header)

	ans := answer{status: resp.StatusCode, header: resp.Header, date: serverTime(resp.Header)}
	ans.skew = skew(resp.Header, begin, time.Now())
	if ans.status >= 300 && ans.status < 400 {
		ans.redirect = resp.Header.Get("Location")
	}
	if ans.status == http.StatusOK {
		ans.memory, ans.slot, err = c.readPage(ctx, resp, timeout)
	} else {
		ans.memory, err = readBody(resp, errorBodyLimit, always)
	}
	ans.body = ans.memory.Bytes()
	c.observe(ans.status, begin, len(ans.body))
	switch {
	case ans.status != http.StatusOK:
		// The status says more than a cut error body.
		if ans.status == http.StatusBadRequest || ans.status == http.StatusUnauthorized {
			resp.Body = io.NopCloser(bytes.NewReader(ans.body)) // read and decoded above
			resp.Header.Del("Content-Encoding")
			ans.retry = c.cfg.Auth.Challenge(resp)
		}
		ans.redact(secrets)
	case errors.Is(err, ErrBodyTooLarge):
		return answer{}, &Error{Class: Transient, RequestID: requestID(ans.header),
			Err: fmt.Errorf("%w: more than %d bytes; lower page_size", ErrBodyTooLarge, c.cfg.MaxBody)}
	case err != nil:
		e := transportError(overdue(ctx, "reading body", fmt.Errorf("reading body: %w", err)), c.cfg.Timeout.String(), secrets)
		e.RequestID = requestID(ans.header)
		return answer{}, e
	}
	return ans, nil
}

// readPage reads the body of a page, which needs a slot. The timeout does not run while one is waited for.
func (c *Client) readPage(ctx context.Context, resp *http.Response, timeout *deadline) (*bytes.Buffer, *slot, error) {
	s := &slot{of: c.cfg.Slots}
	take := func() error { return timeout.pause(func() error { return s.take(ctx) }) }
	if err := take(); err != nil {
		return new(bytes.Buffer), s, err
	}
	stop := s.lend(slowBody)
	body, err := readBody(resp, c.cfg.MaxBody, take)
	stop()
	if err != nil {
		s.release()
	}
	return body, s, err
}

// tokenRefused learns from a 429 of the token endpoint, whose limit is apart from the
// log's, until when to wait: the next Fetch does.
func (c *Client) tokenRefused(e *Error) *Error {
	h := rateLimit(e)
	if h == nil {
		return e
	}
	e.Class = RateLimited
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refusals++
	wait, reason := readRates(h).refusalWait(c.refusals)
	c.tokenAt, c.reason = time.Now().Add(wait), "no access token: "+reason
	return e
}

// awaitToken waits until the token endpoint may be asked again.
func (c *Client) awaitToken(ctx context.Context) error {
	c.mu.Lock()
	until, reason := c.tokenAt, c.reason
	c.mu.Unlock()
	wait := time.Until(until)
	if wait <= 0 {
		return nil
	}
	if c.cfg.Waiting != nil {
		c.cfg.Waiting(until, reason)
		defer c.cfg.Waiting(time.Time{}, "")
	}
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// redact takes the credentials of the request out of an answer that will be quoted
// in an error: something on the way may echo what it was sent.
func (a *answer) redact(secrets *httptext.Secrets) {
	a.body = []byte(secrets.Redact(string(a.body)))
	for _, told := range []string{"X-Okta-Request-Id", "WWW-Authenticate"} {
		if v := a.header.Get(told); v != "" {
			a.header.Set(told, secrets.Redact(v))
		}
	}
}

// onlyOnce is an empty body that cannot be had again. Without it, http.Transport sends a
// GET a second time by itself when a reused connection closes before an answer
// (net/http, Request.isReplayable): with the same DPoP proof, which Okta takes once,
// and past the budget. HTTP/1.1 sends no trace of an empty body (transferWriter.probeRequestBody).
type onlyOnce struct{}

func (onlyOnce) Read([]byte) (int, error) { return 0, io.EOF }

func (c *Client) observe(status int, begin time.Time, bytes int) {
	if c.cfg.Observe != nil {
		c.cfg.Observe(status, time.Since(begin), bytes)
	}
}

// serverTime is the Date of an answer, or our own clock without one.
func serverTime(h http.Header) time.Time {
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		return t
	}
	return time.Now()
}

// skew is our clock less that of a server that answered between sent and received.
func skew(h http.Header, sent, received time.Time) time.Duration {
	t, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	earliest, latest := t, t.Add(time.Second) // Date is cut to seconds
	switch {
	case sent.After(latest):
		return sent.Sub(latest)
	case received.Before(earliest):
		return received.Sub(earliest)
	}
	return 0
}
