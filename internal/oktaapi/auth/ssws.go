package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"go.uber.org/atomic"
)

// SSWS authorizes requests with an Okta API token ("Authorization: SSWS <token>"), or with one of several that is not refused. The
// zero value is not usable; see [NewSSWS]. It is safe for concurrent use.
//
// Source: Okta, "Create an API token".
type SSWS struct {
	tokens  []string
	current atomic.Int64 // index of the one in use
}

// NewSSWS takes the token as the Admin Console shows it, and others that are tried in turn when Okta refuses it. Space around them, such
// as the newline at the end of a file, is removed. The error says what is wrong without showing a token.
func NewSSWS(token string, more ...string) (*SSWS, error) {
	s := &SSWS{}
	for _, t := range append([]string{token}, more...) {
		t = strings.TrimSpace(t)
		if err := checkToken(t); err != nil {
			return nil, err
		}
		if !slices.Contains(s.tokens, t) { // Challenge knows a token by its value
			s.tokens = append(s.tokens, t)
		}
	}
	return s, nil
}

func checkToken(token string) error {
	if token == "" {
		return errors.New("api_token is empty: it must be the token value that Okta showed when the token was created")
	}
	for _, scheme := range []string{"SSWS", "Bearer", "DPoP", "Authorization:"} {
		if len(token) >= len(scheme) && strings.EqualFold(token[:len(scheme)], scheme) && !isTokenByte(token, len(scheme)) {
			return fmt.Errorf("api_token begins with %q: write the token value alone, the component adds the scheme itself", scheme)
		}
	}
	if name := assignment.FindStringSubmatch(token); name != nil {
		return fmt.Errorf("api_token reads %s=...: write the token value alone, without a name before it", name[1])
	}
	if strings.ContainsAny(token, `"'`) {
		return errors.New("api_token contains quotation marks: write the token value alone, without quotes inside the value")
	}
	for i := range len(token) {
		if !isTokenByte(token, i) {
			return fmt.Errorf("api_token has a space, control or non-ASCII character at byte %d: it must be one word of visible ASCII "+
				"characters", i)
		}
	}
	return nil
}

// assignment finds NAME=value, as in a file for a shell, but not the padding at the end of a value in base64.
var assignment = regexp.MustCompile(`^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*[^=\s]`)

// isTokenByte reports whether s has a visible ASCII character at i, all that a header value needs here.
func isTokenByte(s string, i int) bool {
	return i < len(s) && s[i] > ' ' && s[i] < 0x7f
}

// Authorize sets the Authorization header. It does no I/O and returns no error.
func (s *SSWS) Authorize(_ context.Context, req *http.Request) error {
	req.Header.Set("Authorization", "SSWS "+s.tokens[s.current.Load()])
	return nil
}

// Challenge goes on to the next token when the one in use was refused, and behind the last one to the first. It returns true while there is
// a token with which the request was not tried: a refused API token stays refused.
func (s *SSWS) Challenge(resp *http.Response) bool {
	if resp.StatusCode != http.StatusUnauthorized && resp.StatusCode != http.StatusForbidden || resp.Request == nil {
		return false
	}
	refused := slices.Index(s.tokens, strings.TrimPrefix(resp.Request.Header.Get("Authorization"), "SSWS "))
	if refused < 0 {
		return false
	}
	next := (refused + 1) % len(s.tokens)
	s.current.CompareAndSwap(int64(refused), int64(next)) // unless another request has done so
	return next > 0
}

const methodSSWS = "ssws"

// Method is "ssws".
func (s *SSWS) Method() string { return methodSSWS }

// String shows no secret.
func (s *SSWS) String() string { return "ssws(api_token redacted)" }

// Format prints [SSWS.String] for every verb, %#v included.
func (s *SSWS) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText keeps the token out of JSON and structured logs.
func (s *SSWS) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
