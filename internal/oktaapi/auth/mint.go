package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/grafana/alloy/okta/internal/httptext"
	"github.com/grafana/alloy/okta/internal/oktaapi"
)

const (
	maxBody = 256 << 10 // of a token answer or an error; Okta's are a few kilobytes
	// maxAttempts bounds one refresh. The longest chain that makes sense has four: no proof, no nonce, nonce
	// rotated meanwhile or clock wrong, success.
	maxAttempts = 5

	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

// attempt is what one token request was made with.
type attempt struct {
	proofs bool
	nonce  string
	clock  clock
}

// answer is a token response, bounded and read.
type answer struct {
	status  int
	header  http.Header
	body    []byte
	secrets *httptext.Secrets // that the request and the answer hold
}

// mint gets a new access token. Refusals that teach something (a nonce, that proofs are wanted, the right
// time) are answered with another attempt, each with a new assertion and a new proof.
func (a *PrivateKeyJWT) mint(ctx context.Context) (*token, error) {
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()

	key, err := a.keys.load() // without mu: a disk may hang
	if err != nil {
		return nil, &Error{Code: "private_key_file", Description: err.Error(), Remedy: "it is looked for again at every try", err: err}
	}
	refused := errors.New("requesting access token: every attempt was answered with another demand")
	for range maxAttempts {
		a.mu.Lock()
		try := attempt{proofs: a.proofs, nonce: a.nonce, clock: a.clock}
		a.mu.Unlock()

		sent := time.Now()
		ans, err := a.post(ctx, key, try)
		if err != nil {
			return nil, err
		}
		if ans.status == http.StatusOK {
			t, err := a.accept(try, ans, sent)
			if t != nil || err != nil {
				return t, err
			}
			continue // a bound token without a proof: try again with one
		}
		refused = a.refusal(ans)
		if !a.learn(try, ans) {
			break
		}
	}
	return nil, refused
}

// post sends one token request. Everything secret travels in body and headers, never in the URL.
func (a *PrivateKeyJWT) post(ctx context.Context, key *signingKey, try attempt) (*answer, error) {
	endpoint := a.tokenURL.String()
	assertion, err := key.assertion(a.opts.ClientID, endpoint, try.clock.now())
	if err != nil {
		return nil, fmt.Errorf("signing client assertion: %w", err)
	}
	form := url.Values{
		"grant_type":            {"client_credentials"},
		"scope":                 {strings.Join(a.opts.Scopes, " ")},
		"client_assertion_type": {assertionType},
		"client_assertion":      {assertion},
	}
	// The reader is hidden on purpose: net/http repeats a request with GetBody on some connection errors,
	// and an assertion can be used only once.
	body := form.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, struct{ io.Reader }{strings.NewReader(body)})
	if err != nil {
		return nil, fmt.Errorf("requesting access token: %w", err)
	}
	req.ContentLength = int64(len(body))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", a.opts.UserAgent)
	secrets := new(httptext.Secrets)
	secrets.Add(assertion, try.nonce)
	if try.proofs {
		proof, err := a.prover.proof(http.MethodPost, a.tokenURL, try.clock.now(), try.nonce, "")
		if err != nil {
			return nil, fmt.Errorf("signing DPoP proof: %w", err)
		}
		req.Header.Set("DPoP", proof)
		secrets.Add(proof)
	}

	network := func(err error) error {
		return &scrubbed{"requesting access token: " + secrets.Clean(err.Error(), 400), err}
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return nil, network(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, network(fmt.Errorf("reading answer: %w", err))
	case len(text) > maxBody:
		return nil, network(fmt.Errorf("answer of status %d is larger than %d bytes: not an Okta token endpoint", resp.StatusCode, maxBody))
	}
	secrets.Add(resp.Header.Get("DPoP-Nonce"))
	return &answer{resp.StatusCode, resp.Header, text, secrets}, nil
}

// learn notes what a refusal teaches, and reports whether another attempt would differ from the last.
func (a *PrivateKeyJWT) learn(try attempt, ans *answer) bool {
	r := oktaapi.ReadRefusal(ans.header, ans.body)
	nonce := ans.header.Get("DPoP-Nonce")
	a.mu.Lock()
	defer a.mu.Unlock()
	if nonce != "" {
		a.nonce = nonce
	}
	dpop := a.opts.DPoP != DPoPNever
	switch {
	case r.Code == useNonce && dpop:
		a.proofs = true
		return nonce != "" && nonce != try.nonce
	case r.Code == invalidProof && dpop && !try.proofs:
		a.proofs = true
		return true
	case blamesClock(r):
		return a.clock.correct(ans.header)
	case r.Code == invalidClient, r.Code == invalidProof:
		return strings.Contains(r.Description, "already been used")
	}
	return false
}

// accept reads a success. Neither token nor error means: once more, with a proof.
func (a *PrivateKeyJWT) accept(try attempt, ans *answer, sent time.Time) (*token, error) {
	var doc struct {
		AccessToken string   `json:"access_token"`
		TokenType   string   `json:"token_type"`
		ExpiresIn   lifetime `json:"expires_in"`
	}
	if err := json.Unmarshal(ans.body, &doc); err != nil || doc.AccessToken == "" {
		// A captive portal or a broken proxy. What it says is not repeated: it may hold a token.
		const problem = "the answer is not JSON with an access_token"
		if ans.header.Get("X-Okta-Request-Id") == "" {
			return nil, &Error{Status: ans.status, Host: a.tokenURL.Host, Description: problem, Remedy: adviceForeign}
		}
		return nil, errors.New("requesting access token: status 200, but " + problem + ": check url, and proxies on the way")
	}
	if !isWord(doc.AccessToken) {
		return nil, errors.New("requesting access token: the access_token is not one word of visible ASCII characters")
	}

	a.mu.Lock()
	defer a.mu.Unlock()
	if nonce := ans.header.Get("DPoP-Nonce"); nonce != "" {
		a.nonce = nonce // RFC 9449 section 8.2: a success may bring the next one
	}
	mismatch := func(remedy string) error {
		ans.secrets.Add(doc.AccessToken)
		return &Error{
			Status: ans.status, Code: "token_type", RequestID: ans.secrets.Clean(ans.header.Get("X-Okta-Request-Id"), 64),
			Description: fmt.Sprintf("Okta issued a token of type %q", ans.secrets.Clean(doc.TokenType, 32)), Remedy: remedy,
		}
	}
	t := &token{value: doc.AccessToken, renewAt: sent.Add(doc.ExpiresIn.usable())}
	switch {
	case strings.EqualFold(doc.TokenType, "DPoP") && try.proofs:
		t.bound = true
	case strings.EqualFold(doc.TokenType, "DPoP") && a.opts.DPoP == DPoPNever:
		return nil, mismatch(`the app requires DPoP: set dpop to "auto" or "always"`)
	case strings.EqualFold(doc.TokenType, "DPoP"):
		a.proofs = true
		return nil, nil
	case strings.EqualFold(doc.TokenType, "Bearer") && a.opts.DPoP == DPoPAlways:
		return nil, mismatch(`dpop is "always", but the app does not require DPoP: ` +
			`select "Require Demonstrating Proof of Possession (DPoP)" in the app, or set dpop to "auto"`)
	case strings.EqualFold(doc.TokenType, "Bearer"):
		a.proofs = false // DPoP was switched off in the app
	default:
		return nil, mismatch("allowed are Bearer and DPoP: url must lead to an Okta org")
	}
	return t, nil
}

// refusal turns an answer that is not a success into an Error.
func (a *PrivateKeyJWT) refusal(ans *answer) *Error {
	e := explain(a.Method(), a.tokenURL.Host, ans.status, ans.header, ans.body, ans.secrets)
	if location := ans.header.Get("Location"); ans.status/100 == 3 {
		e.Host = "" // the address is wrong, whoever answered
		e.Description = "redirected, which is not followed with credentials"
		if u, err := url.Parse(location); err == nil && u.Host != "" {
			e.Description = fmt.Sprintf("redirected to %s://%s, which is not followed with credentials",
				ans.secrets.Clean(u.Scheme, 16), ans.secrets.Clean(u.Host, 128))
		}
		e.Remedy = "url must be the org's own URL, with https"
	}
	if a.keys.err != nil {
		e.Remedy += "; note that an older key is in use, since " + a.keys.err.Error()
	}
	return e
}

// lifetime is expires_in: seconds, as a number or, by some servers, a string. 0 if absent or unreadable.
type lifetime float64

func (l *lifetime) UnmarshalJSON(text []byte) error {
	seconds, err := strconv.ParseFloat(string(bytes.Trim(text, `"`)), 64)
	if err == nil && !math.IsNaN(seconds) {
		*l = lifetime(seconds)
	}
	return nil
}

// usable is how long a token is used: its lifetime less a margin of a minute, or a quarter if it is short.
// A lifetime that makes no sense counts as five minutes, and none is under a second, so that no server
// makes every request a refresh; a token that dies earlier is replaced when the API refuses it.
func (l lifetime) usable() time.Duration {
	if l <= 0 {
		l = 300
	}
	d := time.Duration(min(float64(l), 86400) * float64(time.Second))
	return max(d-min(time.Minute, d/4), time.Second)
}

// peek reads the start of a body and puts it back.
func peek(resp *http.Response) []byte {
	if resp.Body == nil {
		return nil
	}
	start, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	rest := io.Reader(resp.Body)
	if err != nil {
		rest = failing{err}
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(start), rest), resp.Body}
	return start
}

// failing returns the error that peek had.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
