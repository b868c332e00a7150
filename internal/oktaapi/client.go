package oktaapi

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Defaults and limits of [Config].
const (
	MaxPageSize    = 1000             // Okta's own limit
	DefaultTimeout = 60 * time.Second // Okta gives up a query after 30s by itself
	DefaultMaxBody = 32 << 20         // a page of 1000 ordinary events is 1.5 to 2.5 MB
	maxRedirects   = 3
	errorBodyLimit = 64 << 10
)

// Authorizer puts credentials on requests. Package auth has the implementations. It must be safe for concurrent use.
type Authorizer interface {
	// Authorize sets the credential headers of req. It may ask a token endpoint, under ctx. An error whose chain holds interface{ Refused()
	// bool } returning true is a configuration error, any other is transient.
	Authorize(ctx context.Context, req *http.Request) error
	// Challenge is called with each 400, 401 and 403 answer to a request that Authorize prepared. It returns true when it dropped or
	// renewed credentials, so that one more try may succeed.
	Challenge(resp *http.Response) (retry bool)
	// Method names the way of authorizing, for people: "ssws", "private_key_jwt", ...
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
	Until     time.Time     // exclusive end of the range that Start reads, behind live clients in the budget; zero: none, the log goes on
	Timeout   time.Duration // headers and body together; 0: 60s
	MaxBody   int64         // bytes of a decoded body; 0: 32 MiB
	UserAgent string        // product/version
	Budget    *Budget       // the org's; nil: one of its own
	Share     float64       // of the org's limit, (0, 1]; 0: 0.5
	Slots     *Slots        // for the pages in memory; nil: no bound
	Objects   bool          // an answer may be an object, too, of which the caller sees whether it is Okta's
	// Waiting, if not nil, is called when a Fetch begins to wait for the budget, with the time the wait is expected to end and the reason in
	// words; and with the zero time when it goes on.
	Waiting func(until time.Time, reason string)
	// Observe, if not nil, is called after each HTTP exchange with Okta's System Log:
	// status (0: no answer), time from sending to the last byte, decoded bytes read.
	Observe func(status int, took time.Duration, bytes int)
}

// Page is one page of the log.
type Page struct {
	Body    []byte // the decoded body, claimed to be a JSON array, or an object with Config.Objects; owned by the caller
	Next    Cursor // Okta's next link; "" when it was missing or refused, see NextErr
	NextErr error  // why Next is "" although Okta named one; never a credential in it
	// Elsewhere is the scheme and host that the next link named, if they are not the org's. Next has the org's all the same.
	Elsewhere string
	Date      time.Time // the server's clock when it answered; ours if it sent no Date
	// Skew is how far our clock is ahead of the server's, negative when behind, to about a
	// second: its Date has whole seconds. 0 if it sent no Date.
	Skew      time.Duration
	RequestID string // X-Okta-Request-Id
	// Light is set when twice as many events would come well within MaxBody and Timeout.
	Light bool

	memory *bytes.Buffer // behind Body
	slot   *slot
}

// Release gives the body's memory back, for a later page, and its slot. Neither Body nor anything that shares its memory may be used
// afterwards. It may be called twice; without [Config].Slots, calling it is optional.
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
	tokenAt  time.Time // no token request before, after the token endpoint asked for that
	reason   string    // why, in words
	refusals int       // 429s of the token endpoint in a row
}

// New returns a client. It uses no network.
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
	// The transport is used without http.Client around it, so redirects are seen here: net/http would copy Authorization to a host that shares
	// a parent domain, and a DPoP proof is valid for one URL only.
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
		if ans.stale && !resent { // closed while it was idle, most likely: once more, at the budget's cost and with a proof of its own
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
			if err := c.foreignPage(cur, ans); err != nil {
				ans.slot.release()
				return Page{}, err
			}
			return c.page(target, ans), nil
		}
	}
}

// page takes body and next link out of a good answer.
func (c *Client) page(target string, ans answer) Page {
	p := Page{Body: ans.body, memory: ans.memory, slot: ans.slot, Date: ans.date, Skew: ans.skew, RequestID: requestID(ans.header),
		Light: 4*int64(len(ans.body)) <= c.cfg.MaxBody && 4*ans.took <= c.cfg.Timeout}
	link, ok := nextLink(ans.header)
	if !ok {
		return p
	}
	from, err := url.Parse(target)
	if err == nil {
		p.Next, p.Elsewhere, err = c.onOrg(from, link)
	}
	if err != nil {
		p.NextErr = fmt.Errorf("refusing the next link: %w", err)
	}
	return p
}
