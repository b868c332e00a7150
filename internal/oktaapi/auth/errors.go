package auth

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"

	"github.com/grafana/alloy/okta/internal/httptext"
	"github.com/grafana/alloy/okta/internal/oktaapi"
)

// Error is a refusal: by the token endpoint, or by a local setting that keeps credentials from being made,
// such as a key file that is not there.
type Error struct {
	Status      int         // HTTP status; 0 when the cause is local
	Code        string      // OAuth error ("invalid_client"), Okta errorCode ("E0000006") or, if local, the setting's name; may be ""
	Description string      // Okta's own words, at most a few hundred bytes, without secrets; may be ""
	RequestID   string      // X-Okta-Request-Id, for Okta support; may be ""
	Remedy      string      // what to look at, one sentence; may be ""
	Host        string      // of the org's URL when the answer is not Okta's; else ""
	Header      http.Header // on 429 or with Retry-After: X-Rate-Limit-*, Retry-After and Date, as received; else nil

	err error
}

// Error reads "requesting access token: 401 invalid_client: <Okta's words> (request <id>): <remedy>".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("requesting access token:")
	switch {
	case e.Foreign():
		fmt.Fprintf(&b, " something between us and Okta answered %d for %s", e.Status, e.Host)
		if e.Description != "" {
			b.WriteByte(':')
		}
	case e.Status != 0:
		fmt.Fprintf(&b, " %d", e.Status)
		if e.Code != "" {
			b.WriteString(" " + e.Code)
		} else {
			b.WriteString(" " + http.StatusText(e.Status))
		}
		if e.Description != "" {
			b.WriteByte(':')
		}
	}
	switch {
	case e.Description != "":
		b.WriteString(" " + e.Description)
	case e.Status == 0:
		b.WriteString(" " + e.Code)
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " (request %s)", e.RequestID)
	}
	if e.Remedy != "" {
		b.WriteString(": " + e.Remedy)
	}
	return b.String()
}

// Foreign reports whether something else than Okta answered, such as a proxy.
func (e *Error) Foreign() bool { return e.Host != "" }

// AskAgain is what tells [oktaapi.Client] how long to wait.
func (e *Error) AskAgain() (status int, h http.Header) { return e.Status, e.Header }

// Unwrap gives the cause of a local refusal, such as an fs.PathError; nil otherwise.
func (e *Error) Unwrap() error { return e.err }

// Refused is true when trying again cannot help until somebody changes a setting, here or in Okta, and
// false for what passes by itself: 408, 425, 429, 5xx and a nonce that keeps changing.
func (e *Error) Refused() bool {
	switch e.Status {
	case 0, http.StatusOK:
		return e.Code != ""
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return e.Status < 500 && e.Code != useNonce
}

// explain builds an Error from an answer of the token endpoint on host. secrets are removed wherever they stand.
func explain(method, host string, status int, header http.Header, body []byte, secrets *httptext.Secrets) *Error {
	r := oktaapi.ReadRefusal(header, body)
	e := &Error{
		Status:      status,
		Code:        secrets.Clean(r.Code, 64),
		Description: secrets.Clean(r.Description, 400),
		RequestID:   secrets.Clean(cmp.Or(header.Get("X-Okta-Request-Id"), r.ID), 64),
		Remedy:      findRemedy(tokenRemedies, method, status, r),
	}
	if r.Foreign {
		e.Code, e.Description, e.Host, e.Remedy = "", "", host, adviceForeign
		if status == http.StatusProxyAuthRequired {
			e.Remedy = adviceProxy
		}
	}
	if status == http.StatusTooManyRequests || header.Get("Retry-After") != "" {
		e.Header = http.Header{}
		for name, values := range header {
			switch name = http.CanonicalHeaderKey(name); name {
			case "X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset", "Retry-After", "Date":
				for _, v := range values {
					e.Header.Add(name, secrets.Clean(v, 64))
				}
			}
		}
	}
	return e
}

// scrubbed is an error of the HTTP client whose text was cleaned; the cause stays for errors.Is.
type scrubbed struct {
	text string
	err  error
}

func (e *scrubbed) Error() string { return e.text }
func (e *scrubbed) Unwrap() error { return e.err }
