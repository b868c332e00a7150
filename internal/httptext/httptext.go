// Package httptext makes text that came over HTTP fit to be quoted in an error: it removes the credentials that the request carried, which
// a proxy or a gateway may echo, and whatever would break a log line.
package httptext

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
)

const (
	redacted = "[redacted]"
	// shortest is the least length of a value that is looked for: a shorter one is no secret, and would be found in every other word.
	shortest = 4
)

// harmless are the headers, in lower case, whose values hold no secret and are worth
// reading in an error. All others are taken for secrets: people give custom headers any name.
var harmless = []string{
	"accept", "accept-encoding", "accept-language", "cache-control", "connection", "content-encoding", "content-length",
	"content-type", "host", "transfer-encoding", "user-agent", "x-scope-orgid",
}

// jwt finds JWTs and their parts: a JSON object begins with "eyJ" in base64.
var jwt = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*)*`)

// Clean makes text from elsewhere safe for a log line: valid UTF-8, no control or format
// characters, no space around it, and at most n bytes before an ellipsis.
func Clean(text string, n int) string {
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?")))
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "") + "..."
}

// Secrets are values that must not be repeated. The zero value is ready, a nil *Secrets holds none; it is safe for concurrent use.
type Secrets struct {
	mu     sync.Mutex
	values []string // longest first, so that none is cut by one that it contains
}

// Watch returns a context under which the header values of every request sent are collected in Secrets, as they are written to the
// connection: also those that a RoundTripper or a redirect adds below the request at hand, such as basic_auth and http_headers of
// prometheus/common, and Proxy-Authorization.
func Watch(ctx context.Context) (context.Context, *Secrets) {
	s := new(Secrets)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaderField: s.addHeader}), s
}

// addHeader notes the values of a header and what can be taken out of them.
func (s *Secrets) addHeader(name string, values []string) {
	name = strings.ToLower(name)
	if strings.HasPrefix(name, ":") || slices.Contains(harmless, name) { // ":path" and the like are HTTP/2's
		return
	}
	for _, value := range values {
		s.Add(value)
		scheme, credentials, ok := strings.Cut(value, " ")
		if ok {
			s.Add(strings.TrimSpace(credentials))
		}
		if strings.EqualFold(scheme, "Basic") { // RFC 7617
			if pair, err := base64.StdEncoding.DecodeString(strings.TrimSpace(credentials)); err == nil {
				_, password, _ := strings.Cut(string(pair), ":")
				s.Add(string(pair), password)
			}
		}
		if name == "cookie" {
			for pair := range strings.SplitSeq(value, ";") {
				_, v, _ := strings.Cut(pair, "=")
				s.Add(strings.TrimSpace(v))
			}
		}
	}
}

// Add notes more values, each also in the forms that a page of HTML, a URL or JSON gives it.
func (s *Secrets) Add(values ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range values {
		inJSON, _ := json.Marshal(v)
		for _, form := range []string{
			v, html.EscapeString(v), url.QueryEscape(v), url.PathEscape(v), strings.Trim(string(inJSON), `"`), strings.ReplaceAll(v, "/", `\/`),
		} {
			if len(form) >= shortest && !slices.Contains(s.values, form) {
				s.values = append(s.values, form)
			}
		}
	}
	slices.SortStableFunc(s.values, func(a, b string) int { return len(b) - len(a) })
}

// Redact replaces every secret in text, and anything that looks like a JWT. To cut text
// before would leave the half of a secret in it: see [Secrets.Clean].
func (s *Secrets) Redact(text string) string {
	if s != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, v := range s.values {
			text = strings.ReplaceAll(text, v, redacted)
		}
	}
	return jwt.ReplaceAllString(text, redacted)
}

// Clean is [Clean] of what [Secrets.Redact] leaves.
func (s *Secrets) Clean(text string, n int) string { return Clean(s.Redact(text), n) }
