package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/grafana/alloy/okta/internal/oktaapi"
)

const (
	tokenPath = "/oauth2/v1/token" // of the org's own authorization server; the only one that grants okta.* scopes
	// tokenTimeout bounds one refresh, with all its attempts, whatever the HTTP client allows.
	tokenTimeout = time.Minute
)

// PrivateKeyJWT authorizes requests as an OAuth 2.0 service app. It is safe for concurrent use.
//
// Source: Okta, "Implement OAuth for Okta with a service app"; RFC 7523; for DPoP RFC 9449.
type PrivateKeyJWT struct {
	opts     Options
	tokenURL *url.URL
	http     *http.Client
	prover   *prover
	file     fileSecret

	mu       sync.Mutex
	refresh  *refresh  // the one under way, nil: none
	keys     keySource // used by the owner of refresh only, without mu
	token    *token    // nil: none
	dropped  *token    // what Okta refused, until it is replaced; nil: nothing
	proofs   bool      // DPoP is on
	nonce    string    // last one of the token endpoint
	apiNonce string    // last one the API asked for; RFC 9449 section 9 keeps the two apart
	clock    clock
}

// token is an access token. Its fields do not change, except for uses.
type token struct {
	value   string
	bound   bool      // to the proof key: scheme DPoP, else Bearer
	renewAt time.Time // monotonic, a margin before it expires
	heir    bool      // it replaces one that Okta refused
	uses    int       // requests it was given to
}

// refresh is one attempt to get a token that others wait for.
type refresh struct {
	done      chan struct{} // closed at the end; the fields below are valid then
	token     *token
	err       error
	abandoned bool // its owner's context ended: the next in line tries again
}

// NewPrivateKeyJWT validates the options and reads the key file, but does no network. A key file that does
// not exist yet is accepted: every Authorize looks again. One that is there and wrong is refused.
func NewPrivateKeyJWT(o Options) (*PrivateKeyJWT, error) {
	a, err := NewWithoutKeyFile(o)
	if err != nil || o.PrivateKeyFile == "" {
		return a, err
	}
	if _, err := a.keys.load(); err != nil && !isMissing(err) {
		return nil, err
	}
	return a, nil
}

// NewWithoutKeyFile is [NewPrivateKeyJWT] for what may have no key: what is wrong with a key file, Authorize says each time.
func NewWithoutKeyFile(o Options) (*PrivateKeyJWT, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	a := &PrivateKeyJWT{
		keys:   keySource{path: o.PrivateKeyFile, keyID: o.KeyID},
		http:   &http.Client{},
		proofs: o.DPoP == DPoPAlways,
	}
	if o.PrivateKeyFile == "" {
		if a.keys.key, err = parseKey([]byte(o.PrivateKey), o.KeyID); err != nil {
			return nil, fmt.Errorf("private_key %w", err)
		}
		o.PrivateKey = "" // not needed any more
	}
	if a.prover, err = newProver(); err != nil {
		return nil, err
	}
	// The very same URL is posted to, signed as audience and proven as htu.
	if a.tokenURL, err = url.Parse(targetURI(&url.URL{Scheme: o.OrgURL.Scheme, Host: o.OrgURL.Host, Path: tokenPath})); err != nil {
		return nil, fmt.Errorf("url has no usable host: %w", err)
	}
	org := *o.OrgURL
	o.OrgURL = &org
	if o.HTTP != nil {
		*a.http = *o.HTTP
	}
	a.http.Jar = nil
	a.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	a.opts = o
	return a, nil
}

// Authorize sets Authorization, and with DPoP a fresh proof for exactly this method and URL, so it must be
// called again for a retry. It asks the token endpoint when there is no usable token, at most one minute.
// Errors: [*Error], an error of ctx, or a network error; each may be wrapped.
func (a *PrivateKeyJWT) Authorize(ctx context.Context, req *http.Request) error {
	t, err := a.current(ctx)
	if err != nil {
		return err
	}
	req.Header.Del("DPoP")
	if !t.bound {
		req.Header.Set("Authorization", "Bearer "+t.value)
		return nil
	}
	a.mu.Lock()
	now, nonce := a.clock.now(), a.apiNonce
	a.mu.Unlock()
	method := req.Method
	if method == "" {
		method = http.MethodGet
	}
	proof, err := a.prover.proof(method, req.URL, now, nonce, t.value)
	if err != nil {
		return fmt.Errorf("signing DPoP proof: %w", err)
	}
	req.Header.Set("Authorization", "DPoP "+t.value)
	req.Header.Set("DPoP", proof)
	return nil
}

// current returns the cached token, or waits for a refresh: its own, or the one that is under way.
func (a *PrivateKeyJWT) current(ctx context.Context) (*token, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("requesting access token: %w", err)
		}
		a.mu.Lock()
		if t := a.token; t != nil && time.Now().Before(t.renewAt) {
			t.uses++
			a.mu.Unlock()
			return t, nil
		}
		r, mine := a.refresh, false
		if r == nil {
			r, mine = &refresh{done: make(chan struct{})}, true
			a.refresh = r
		}
		a.mu.Unlock()

		if mine {
			a.renew(ctx, r)
		}
		select {
		case <-r.done:
			switch {
			case r.err == nil:
				// Even if it should be old already: an org that grants a second must not keep us here.
				a.mu.Lock()
				r.token.uses++
				a.mu.Unlock()
				return r.token, nil
			case mine || !r.abandoned:
				return nil, r.err
			}
		case <-ctx.Done():
		}
	}
}

// renew gets a token and ends r, also when it panics.
func (a *PrivateKeyJWT) renew(ctx context.Context, r *refresh) {
	r.err = errors.New("requesting access token: interrupted")
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if r.err == nil {
			r.token.heir, a.dropped = a.dropped != nil, nil
			a.token = r.token
		}
		a.refresh = nil
		close(r.done)
	}()
	r.token, r.err = a.mint(ctx)
	r.abandoned = r.err != nil && ctx.Err() != nil
}

// Challenge looks at an answer of 400 or 401 and reports whether the same request may succeed if it is
// authorized and sent once more. It may read the body, and leaves it as it found it.
func (a *PrivateKeyJWT) Challenge(resp *http.Response) bool {
	if resp.StatusCode != http.StatusBadRequest && resp.StatusCode != http.StatusUnauthorized {
		return false
	}
	r := oktaapi.ReadRefusal(resp.Header, peek(resp))
	var used, usedNonce string
	if resp.Request != nil {
		_, used, _ = strings.Cut(resp.Request.Header.Get("Authorization"), " ")
		usedNonce = proofNonce(resp.Request.Header.Get("DPoP"))
	}

	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case r.Code == useNonce:
		nonce := resp.Header.Get("DPoP-Nonce")
		if nonce == "" || nonce == usedNonce {
			return false
		}
		a.apiNonce = nonce
		return true
	case r.Code == invalidProof && blamesClock(r):
		return a.clock.correct(resp.Header)
	case r.Code == invalidProof && strings.Contains(r.Description, "already been used"):
		return true
	case r.Code == invalidProof && strings.Contains(r.Description, "not bound"):
		return a.drop(used)
	case r.Code == "invalid_request" && strings.Contains(r.Description, "DPoP"):
		// The app was switched to DPoP, and the token is still a plain one.
		if a.opts.DPoP == DPoPNever {
			return false
		}
		a.proofs = true
		return a.drop(used)
	case resp.StatusCode == http.StatusUnauthorized:
		return a.drop(used)
	}
	return false
}

// drop forgets the token that Okta refused and reports whether another one is worth a try. The caller holds mu.
func (a *PrivateKeyJWT) drop(used string) bool {
	t := a.token
	switch {
	case t == nil:
		return false // dropped before
	case used != "" && used != t.value:
		return true // renewed since this request was sent
	case t.heir && t.uses <= 1:
		return false // a new token was refused at once, as the one before: tokens are not the cause
	}
	a.token, a.dropped = nil, t
	return true
}

const methodJWT = "private_key_jwt"

// Method is "private_key_jwt", or "private_key_jwt+dpop" once requests carry proofs.
func (a *PrivateKeyJWT) Method() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.proofs {
		return "private_key_jwt+dpop"
	}
	return methodJWT
}

// String shows no secret.
func (a *PrivateKeyJWT) String() string { return a.opts.String() }

// Format prints [PrivateKeyJWT.String] for every verb, %#v included.
func (a *PrivateKeyJWT) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, a.String()) }

// MarshalText keeps secrets out of JSON and structured logs.
func (a *PrivateKeyJWT) MarshalText() ([]byte, error) { return []byte(a.String()), nil }
