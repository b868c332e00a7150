package oktaapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/grafana/alloy/okta/internal/httptext"
)

// Class says what a failure asks of the caller. The HTTP status decides first, then errorCode.
type Class int

const (
	// Transient failures go away by themselves: 408, 5xx, network, TLS, timeouts, bodies that were cut off or cannot be decoded. Retry the
	// same cursor with backoff, for ever.
	Transient Class = iota
	// RateLimited is a 429. The client's Budget knows until when to wait, so the next Fetch waits by itself.
	RateLimited
	// Refused failures last until somebody changes something: 401, 403, 404, a 400 on
	// a start cursor, a redirect elsewhere. Retry slowly, tell the operator.
	Refused
	// CursorRefused is a 400 on a cursor that Okta once issued: expired or of another org. Start again from the last event's time.
	CursorRefused
)

func (c Class) String() string {
	switch c {
	case RateLimited:
		return "rate limited"
	case Refused:
		return "refused"
	case CursorRefused:
		return "cursor refused"
	default:
		return "transient"
	}
}

// Error is any failure of [Client.Fetch] but the end of its context. It never holds a credential.
type Error struct {
	Class     Class
	Status    int    // HTTP status; 0 when there was no answer
	Code      string // Okta's errorCode, such as E0000011, or OAuth's error; the only contractual part of an error body
	Summary   string // Okta's errorSummary and errorCauses, cut to 500 bytes; may change without notice
	RequestID string // X-Okta-Request-Id, what Okta's support asks for
	Err       error  // the cause when it is not an HTTP status
	// Foreign is set when the answer is not Okta's: no error object of Okta's and no
	// X-Okta-Request-Id. A proxy, a gateway, a captive portal or another host answered for Host.
	Foreign bool
	Host    string // of the org's URL, with Foreign and a Status
}

// Error gives Okta's own words: "Okta answered 401 E0000011: Invalid token provided (request id ...)".
func (e *Error) Error() string {
	if e.Status == 0 {
		return fmt.Sprintf("fetching page: %v", e.Err)
	}
	var b strings.Builder
	if e.Foreign {
		fmt.Fprintf(&b, "something between us and Okta answered %d for %s", e.Status, e.Host)
	} else {
		fmt.Fprintf(&b, "Okta answered %d", e.Status)
	}
	if e.Code != "" {
		b.WriteString(" " + e.Code)
	}
	if e.Summary != "" {
		b.WriteString(": " + e.Summary)
	} else if text := http.StatusText(e.Status); text != "" && e.Err == nil {
		b.WriteString(" " + text)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " (request id %s)", e.RequestID)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// ClassOf returns the class of err: that of the [*Error] in its chain, else Transient.
func ClassOf(err error) Class {
	if e, ok := errors.AsType[*Error](err); ok { // errors.As allocates, and this is asked for each event
		return e.Class
	}
	return Transient
}

// ErrBodyTooLarge is the cause of a page that exceeds [Config.MaxBody].
var ErrBodyTooLarge = errors.New("page is too large")

// statusError classifies a response that is not 200. body is what could be read of it, which may be HTML from a proxy on the way.
func statusError(cur Cursor, status int, h http.Header, body []byte) *Error {
	told := ReadRefusal(h, body)
	e := &Error{Status: status, RequestID: requestID(h), Code: httptext.Clean(told.Code, 40),
		Summary: httptext.Clean(told.Description, 500), Foreign: told.Foreign}
	if e.Foreign {
		e.Code, e.Host = "", cur.host() // its "error" is none of Okta's
	}
	switch {
	case status == http.StatusTooManyRequests:
		e.Class = RateLimited
	case passes(status):
		e.Class = Transient
	case status == http.StatusBadRequest && !e.Foreign && !cur.IsStart() && !aboutCredentials(h, told):
		e.Class = CursorRefused
	case status >= 400:
		e.Class = Refused
	default: // 1xx, 2xx other than 200, 3xx that is no redirect
		e.Class = Transient
		e.Err = errors.New("expected 200")
	}
	return e
}

// foreignPage is the error for a 200 that is neither a page nor Okta's.
func (c *Client) foreignPage(cur Cursor, a answer) *Error {
	body := bytes.TrimSpace(a.body)
	if requestID(a.header) != "" || len(body) == 0 || body[0] == '[' || body[0] == '{' && c.cfg.Objects {
		return nil
	}
	return &Error{Class: Transient, Status: a.status, Foreign: true, Host: cur.host(), Err: errors.New("not what was asked for")}
}

// aboutCredentials reports whether a 400 is about the access token or the DPoP proof: then the cursor is as good as before. Okta's API
// errors have an errorCode instead, and no challenge.
func aboutCredentials(h http.Header, told Refusal) bool {
	return told.oauth || h.Get("WWW-Authenticate") != ""
}

// transportError classifies a failure without an answer, or with half of one. Errors
// of the transport do not hold the URL, as those of http.Client do.
func transportError(err error, timeout string, secrets *httptext.Secrets) *Error {
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no complete answer within request_timeout (%s): %w", timeout, err)
	}
	if text := err.Error(); text != secrets.Clean(text, 500) { // it may quote what the other side sent
		err = &quoted{secrets.Clean(text, 500), err}
	}
	return &Error{Class: Transient, Err: err}
}

// quoted is an error whose text was cleaned; the cause stays for errors.Is.
type quoted struct {
	text string
	err  error
}

func (q *quoted) Error() string { return q.text }
func (q *quoted) Unwrap() error { return q.err }

// authorizeError classifies an error of the Authorizer, see [Authorizer].
func authorizeError(err error) *Error {
	e := &Error{Class: Transient, Err: err}
	var refused interface{ Refused() bool }
	if errors.As(err, &refused) && refused.Refused() {
		e.Class = Refused
	}
	var answered interface{ Foreign() bool }
	e.Foreign = errors.As(err, &answered) && answered.Foreign()
	return e
}

// tokenAnswer is the status and the header of an answer of the token endpoint in err's chain that may say when to ask again; 0 without one.
func tokenAnswer(err error) (int, http.Header) {
	var told interface{ AskAgain() (int, http.Header) }
	if errors.As(err, &told) {
		return told.AskAgain()
	}
	return 0, nil
}

func requestID(h http.Header) string { return httptext.Clean(h.Get("X-Okta-Request-Id"), 100) }
