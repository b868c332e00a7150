package oktaapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"time"

	"github.com/grafana/alloy/okta/internal/httptext"
)

// answer is a complete HTTP response.
type answer struct {
	status   int
	header   http.Header
	date     time.Time
	skew     time.Duration // see Page
	took     time.Duration // from sending to the last byte
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
	claim, err := c.cfg.Budget.acquire(ctx, c, c.cfg.Share, c.cfg.Until.IsZero(), c.cfg.Waiting)
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

	ans := answer{status: resp.StatusCode, header: resp.Header, date: httptext.ServerTime(resp.Header)}
	ans.skew = skew(resp.Header, begin, time.Now())
	if ans.status >= 300 && ans.status < 400 {
		ans.redirect = resp.Header.Get("Location")
	}
	if ans.status == http.StatusOK {
		ans.memory, ans.slot, err = c.readPage(ctx, resp, timeout)
	} else {
		ans.memory, err = readBody(resp, errorBodyLimit, always)
	}
	ans.body, ans.took = ans.memory.Bytes(), time.Since(begin)
	c.observe(ans.status, begin, len(ans.body))
	switch {
	case ans.status != http.StatusOK:
		// The status says more than an error's body that was cut off.
		switch ans.status {
		case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
			resp.Body = io.NopCloser(bytes.NewReader(ans.body)) // read and decoded above
			resp.Header.Del("Content-Encoding")
			ans.retry = c.cfg.Auth.Challenge(resp)
		}
		ans.redact(secrets)
	case errors.Is(err, ErrBodyTooLarge):
		return answer{}, &Error{Class: Transient, RequestID: requestID(ans.header),
			Err: fmt.Errorf("%w: more than %d bytes", ErrBodyTooLarge, c.cfg.MaxBody)}
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

// tokenRefused learns from the token endpoint, which has a limit of its own, until when the next Fetch has to wait.
func (c *Client) tokenRefused(e *Error) *Error {
	status, h := tokenAnswer(e)
	c.mu.Lock()
	defer c.mu.Unlock()
	if status == http.StatusTooManyRequests {
		e.Class = RateLimited
		c.refusals++
	}
	if wait, reason := askedToWait(status, h, c.refusals); wait > 0 {
		c.tokenAt, c.reason = time.Now().Add(wait), "no access token: "+reason
	}
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

// redact takes the request's credentials out of an answer that will be quoted in an error: something on the way may echo what it was sent.
func (a *answer) redact(secrets *httptext.Secrets) {
	a.body = []byte(secrets.Redact(string(a.body)))
	for _, told := range []string{"X-Okta-Request-Id", "WWW-Authenticate"} {
		if v := a.header.Get(told); v != "" {
			a.header.Set(told, secrets.Redact(v))
		}
	}
}

// onlyOnce is an empty body that cannot be sent twice. Without it, http.Transport sends a GET a second time by itself when a reused
// connection closes before an answer (net/http, Request.isReplayable): with the same DPoP proof, which Okta takes once, and past the
// budget. HTTP/1.1 sends no trace of an empty body (transferWriter.probeRequestBody).
type onlyOnce struct{}

func (onlyOnce) Read([]byte) (int, error) { return 0, io.EOF }

func (c *Client) observe(status int, begin time.Time, bytes int) {
	if c.cfg.Observe != nil {
		c.cfg.Observe(status, time.Since(begin), bytes)
	}
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
