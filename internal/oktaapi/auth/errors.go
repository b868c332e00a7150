package auth

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
)

// Error is a refusal: by the token endpoint, or by a local setting that keeps credentials from being made,
// such as a key file that is not there.
type Error struct {
	Status      int         // HTTP status; 0 when the cause is local
	Code        string      // OAuth error ("invalid_client"), Okta errorCode ("E0000006") or, if local, the setting's name; may be ""
	Description string      // Okta's own words, at most a few hundred bytes, without secrets; may be ""
	RequestID   string      // X-Okta-Request-Id, for Okta support; may be ""
	Remedy      string      // what to look at, one sentence; may be ""
	Header      http.Header // on 429: X-Rate-Limit-*, Retry-After and Date, as received; else nil

	err error
}

// Error reads "requesting access token: 401 invalid_client: <Okta's words> (request <id>): <remedy>".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("requesting access token:")
	if e.Status != 0 {
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

// RateLimit is Header, from which [oktaapi.Client] takes how long to wait.
func (e *Error) RateLimit() http.Header { return e.Header }

// Unwrap gives the cause of a local refusal, such as an fs.PathError; nil otherwise.
func (e *Error) Unwrap() error { return e.err }

// Refused is true when trying again cannot help until somebody changes a setting, here or in Okta, and
// false for what passes by itself: 408, 425, 429, 5xx and a nonce that keeps changing.
func (e *Error) Refused() bool {
	switch {
	case e.Status == 0, e.Status == http.StatusOK:
		return e.Code != ""
	case e.Status == http.StatusRequestTimeout, e.Status == http.StatusTooEarly, e.Status == http.StatusTooManyRequests:
		return false
	}
	return e.Status < 500 && e.Code != "use_dpop_nonce"
}

// refusal is the part of an answer that says why, in either of Okta's two shapes.
type refusal struct {
	code, description, id string
}

// readRefusal understands {"error","error_description"} (OAuth), {"errorCode","errorSummary",
// "errorCauses"} (API) and a WWW-Authenticate challenge (RFC 6750 section 3, RFC 9449 section 7.1).
func readRefusal(header http.Header, body []byte) refusal {
	if header.Get("Content-Encoding") == "gzip" {
		if plain := gunzip(body); plain != nil {
			body = plain
		}
	}
	var doc struct {
		Error            string `json:"error"`
		ErrorDescription string `json:"error_description"`
		ErrorCode        string `json:"errorCode"`
		ErrorSummary     string `json:"errorSummary"`
		ErrorID          string `json:"errorId"`
		ErrorCauses      []struct {
			ErrorSummary string `json:"errorSummary"`
		} `json:"errorCauses"`
	}
	if json.Unmarshal(body, &doc) == nil {
		switch {
		case doc.Error != "":
			return refusal{doc.Error, doc.ErrorDescription, doc.ErrorID}
		case doc.ErrorCode != "":
			words := doc.ErrorSummary
			for _, cause := range doc.ErrorCauses {
				if cause.ErrorSummary != "" {
					words += "; " + cause.ErrorSummary
				}
			}
			return refusal{doc.ErrorCode, words, doc.ErrorID}
		}
	}
	for _, challenge := range header.Values("WWW-Authenticate") {
		if code := challengeCode.FindStringSubmatch(challenge); code != nil {
			r := refusal{code: code[1]}
			if words := challengeWords.FindStringSubmatch(challenge); words != nil {
				r.description = words[1]
			}
			return r
		}
	}
	return refusal{}
}

var (
	challengeCode  = regexp.MustCompile(`\berror="([^"]*)"`)
	challengeWords = regexp.MustCompile(`\berror_description="([^"]*)"`)
)

func gunzip(body []byte) []byte {
	r, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil
	}
	plain, _ := io.ReadAll(io.LimitReader(r, maxBody))
	return plain
}

// explain builds an Error from an answer of the token endpoint. secrets are removed wherever they stand.
func explain(method string, status int, header http.Header, body []byte, secrets ...string) *Error {
	r := readRefusal(header, body)
	e := &Error{
		Status:      status,
		Code:        clip(scrub(r.code, secrets...), 64),
		Description: clip(scrub(r.description, secrets...), 400),
		RequestID:   clip(scrub(header.Get("X-Okta-Request-Id"), secrets...), 64),
	}
	if e.RequestID == "" {
		e.RequestID = clip(scrub(r.id, secrets...), 64)
	}
	e.Remedy = findRemedy(tokenRemedies, method, status, r)
	if status == http.StatusTooManyRequests {
		e.Header = http.Header{}
		for name, values := range header {
			switch name = http.CanonicalHeaderKey(name); name {
			case "X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset", "Retry-After", "Date":
				for _, v := range values {
					e.Header.Add(name, clip(scrub(v, secrets...), 64))
				}
			}
		}
	}
	return e
}

// jwtText finds JWTs and their parts: a JSON object begins with "eyJ" in base64.
var jwtText = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*)*`)

// scrub removes secrets from text that came from elsewhere, and whatever would break a log line.
func scrub(text string, secrets ...string) string {
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "[redacted]")
		}
	}
	text = jwtText.ReplaceAllString(text, "[redacted]")
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
}

// clip bounds text to n bytes at a rune's edge.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "") + "..."
}

// scrubbed is an error of the HTTP client whose text was cleaned; the cause stays for errors.Is.
type scrubbed struct {
	text string
	err  error
}

func (e *scrubbed) Error() string { return e.text }
func (e *scrubbed) Unwrap() error { return e.err }
