package auth

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/require"
)

const (
	orgURL   = "https://acme.okta.com"
	clientID = "0oaCanaryClient1"
	logsURL  = orgURL + "/api/v1/logs?since=2026-01-01T00%3A00%3A00.000Z&limit=1000"
)

var allAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.ES256, jose.ES384, jose.ES512}

// org is a strict Okta org: it refuses what Okta refuses, in Okta's words. It is an http.RoundTripper, so
// that it works inside a synctest bubble. Fields may be changed between requests.
type org struct {
	t    *testing.T
	keys jose.JSONWebKeySet // public

	dpop      bool          // the app requires DPoP
	nonce     string        // what proofs at the token endpoint must carry
	apiNonce  string        // what proofs at the API must carry; "": none
	skew      time.Duration // Okta's clock minus ours
	expiresIn any           // nil: 3600
	life      time.Duration // real lifetime; 0: an hour
	tokenType string        // overrides the honest answer
	wire      func(*http.Request) (*http.Response, error)

	mu       sync.Mutex
	seen     map[string]bool
	issued   map[string]grant
	requests []string // path and outcome of each request
	minted   int
	forms    []url.Values
	secrets  []string // everything secret that passed through
}

type grant struct {
	jkt     string
	expires time.Time
	revoked bool
}

func newOrg(t *testing.T, public ...jose.JSONWebKey) *org {
	return &org{t: t, keys: jose.JSONWebKeySet{Keys: public}, nonce: "canary-nonce-1", seen: map[string]bool{}, issued: map[string]grant{}}
}

func (o *org) now() time.Time { return time.Now().Add(o.skew) }

func (o *org) client() *http.Client { return &http.Client{Transport: o} }

func (o *org) RoundTrip(req *http.Request) (*http.Response, error) {
	if o.wire != nil {
		if resp, err := o.wire(req); resp != nil || err != nil {
			if resp != nil {
				resp.Request = req
			}
			return resp, err
		}
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	rec := httptest.NewRecorder()
	o.ServeHTTP(rec, req)
	resp := rec.Result()
	resp.Request = req
	return resp, nil
}

func (o *org) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w.Header().Set("Date", o.now().UTC().Format(http.TimeFormat))
	w.Header().Set("X-Okta-Request-Id", "reqCanary1")
	w.Header().Set("Content-Type", "application/json")
	status, code, words := http.StatusNotFound, "E0000008", "The requested path was not found"
	switch r.URL.Path {
	case tokenPath:
		status, code, words = o.grant(w, r)
	case "/api/v1/logs":
		status, code, words = o.logs(w, r)
	}
	o.requests = append(o.requests, strings.TrimSpace(fmt.Sprintf("%s %d %s", r.URL.Path, status, code)))
	switch {
	case status == http.StatusOK:
		return
	case strings.HasPrefix(code, "E"):
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"errorCode": code, "errorSummary": words, "errorCauses": []any{}})
	default:
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": words})
	}
}

func (o *org) grant(w http.ResponseWriter, r *http.Request) (int, string, string) {
	body, err := io.ReadAll(r.Body)
	require.NoError(o.t, err)
	form, err := url.ParseQuery(string(body))
	require.NoError(o.t, err)
	require.Equal(o.t, http.MethodPost, r.Method)
	require.Empty(o.t, r.URL.RawQuery, "nothing belongs into the query of the token request")
	require.Equal(o.t, "application/x-www-form-urlencoded", r.Header.Get("Content-Type"))
	require.Equal(o.t, "application/json", r.Header.Get("Accept"))
	require.NotEmpty(o.t, r.Header.Get("User-Agent"))
	o.forms = append(o.forms, form)
	o.secrets = append(o.secrets, form.Get("client_assertion"), r.Header.Get("DPoP"), o.nonce)

	if form.Get("grant_type") != "client_credentials" {
		return 400, "unsupported_grant_type", "The authorization grant type is not supported by the authorization server."
	}
	if form.Get("client_assertion_type") != assertionType {
		return 400, "invalid_request", "The client_assertion_type is invalid."
	}
	if words := o.checkAssertion(form.Get("client_assertion")); words != "" {
		return 401, "invalid_client", words
	}
	if form.Get("scope") == "" {
		return 400, "invalid_scope", "No scopes were requested."
	}
	if form.Get("scope") != DefaultScope {
		return 400, "consent_required", "You are not allowed any of the requested scopes."
	}
	g := grant{expires: o.now().Add(time.Hour)}
	if o.life != 0 {
		g.expires = o.now().Add(o.life)
	}
	tokenType := "Bearer"
	if o.dpop || r.Header.Get("DPoP") != "" {
		tokenType = "DPoP"
		jkt, code, words := o.checkProof(r, orgURL+tokenPath, o.nonce, "")
		if code != "" {
			if code == "use_dpop_nonce" {
				w.Header().Set("DPoP-Nonce", o.nonce)
			}
			return 400, code, words
		}
		g.jkt = jkt
	}
	if o.tokenType != "" {
		tokenType = o.tokenType
	}
	o.minted++
	token := fmt.Sprintf("canary-access-token-%d", o.minted)
	o.issued[token] = g
	o.secrets = append(o.secrets, token)
	answer := map[string]any{"token_type": tokenType, "access_token": token, "scope": DefaultScope, "expires_in": 3600}
	if o.expiresIn != nil {
		answer["expires_in"] = o.expiresIn
	}
	_ = json.NewEncoder(w).Encode(answer)
	return 200, "", ""
}

// checkAssertion verifies a client assertion and returns what Okta would complain about.
func (o *org) checkAssertion(text string) string {
	token, err := jwt.ParseSigned(text, allAlgorithms)
	if err != nil {
		return "The parsing of the client_assertion failed."
	}
	header := token.Headers[0]
	candidates := o.keys.Keys
	if header.KeyID != "" || len(candidates) > 1 {
		if candidates = o.keys.Key(header.KeyID); len(candidates) == 0 {
			return "The client_assertion JWT kid is invalid."
		}
	}
	var claims struct {
		jwt.Claims
		Aud json.RawMessage `json:"aud"`
	}
	if candidates[0].Algorithm != "" && candidates[0].Algorithm != header.Algorithm {
		return "The client_assertion JWT signature algorithm is invalid."
	}
	if err := token.Claims(candidates[0].Key, &claims); err != nil {
		return "The client_assertion signature is invalid."
	}
	now := o.now()
	switch {
	case claims.Issuer != clientID:
		return "The issuer claim for client_assertion is not a valid client_id."
	case claims.Subject != clientID:
		return "The subject claim for client_assertion is not a valid client_id."
	case string(claims.Aud) != `"`+orgURL+tokenPath+`"`:
		return "The audience claim for client_assertion must be the endpoint invoked for the request."
	case claims.Expiry == nil:
		return "The client_assertion must contain the 'exp' claim as seconds since epoch."
	case claims.Expiry.Time().Before(now):
		return "The client_assertion token is expired."
	case claims.IssuedAt.Time().After(now):
		return "The client_assertion token must be issued before the current time."
	case claims.Expiry.Time().Sub(claims.IssuedAt.Time()) > 5*time.Minute:
		o.t.Error("the assertion lives longer than five minutes")
	case claims.ID == "" || o.seen[claims.ID]:
		return "The client_assertion token has already been used."
	}
	o.seen[claims.ID] = true
	return ""
}

// checkProof verifies a DPoP proof and returns the key's thumbprint, or Okta's complaint.
func (o *org) checkProof(r *http.Request, htu, nonce, token string) (jkt, code, words string) {
	const bad = "invalid_dpop_proof"
	proofs := r.Header.Values("DPoP")
	if len(proofs) == 0 {
		return "", bad, "The DPoP proof JWT header is missing."
	}
	if len(proofs) > 1 {
		return "", bad, "Multiple DPoP proof JWT headers are not allowed."
	}
	parsed, err := jwt.ParseSigned(proofs[0], allAlgorithms)
	if err != nil {
		return "", bad, "The DPoP proof JWT cannot be parsed."
	}
	header := parsed.Headers[0]
	if header.ExtraHeaders[jose.HeaderType] != "dpop+jwt" {
		return "", bad, "'typ' must be 'dpop+jwt' in the DPoP proof JWT."
	}
	require.NotNil(o.t, header.JSONWebKey)
	require.True(o.t, header.JSONWebKey.IsPublic(), "a proof must not hold the private key")
	var claims struct {
		jwt.Claims
		Htm   string `json:"htm"`
		Htu   string `json:"htu"`
		Nonce string `json:"nonce"`
		Ath   string `json:"ath"`
	}
	if err := parsed.Claims(header.JSONWebKey.Key, &claims); err != nil {
		return "", bad, "The DPoP proof JWT signature is invalid."
	}
	now := o.now()
	sum := sha256.Sum256([]byte(token))
	switch {
	case claims.Htm != r.Method:
		return "", bad, "'htm' claim in the DPoP proof JWT is invalid."
	case claims.Htu != htu:
		return "", bad, "'htu' claim in the DPoP proof JWT is invalid."
	case claims.IssuedAt == nil:
		return "", bad, "'iat' claim in the DPoP proof JWT is invalid."
	case claims.IssuedAt.Time().After(now):
		return "", bad, "The DPoP proof JWT is issued in the future."
	case now.Sub(claims.IssuedAt.Time()) > 5*time.Minute:
		return "", bad, "The DPoP proof JWT is issued more than five minutes in the past."
	case claims.ID == "":
		return "", bad, "'jti' claim in the DPoP proof JWT is invalid."
	case o.seen[claims.ID]:
		return "", bad, "The DPoP proof JWT has already been used."
	case token != "" && claims.Ath != base64.RawURLEncoding.EncodeToString(sum[:]):
		return "", bad, "'ath' claim in the DPoP proof does not match the presented access_token."
	case claims.Nonce != nonce:
		return "", "use_dpop_nonce", "Authorization server requires nonce in DPoP proof."
	}
	o.seen[claims.ID] = true
	thumb, err := header.JSONWebKey.Thumbprint(crypto.SHA256)
	require.NoError(o.t, err)
	return base64.RawURLEncoding.EncodeToString(thumb), "", ""
}

func (o *org) logs(w http.ResponseWriter, r *http.Request) (int, string, string) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	g, known := o.issued[token]
	if !known || g.revoked || o.now().After(g.expires) {
		return 401, "E0000011", "Invalid token provided"
	}
	if g.jkt == "" {
		require.Equal(o.t, "Bearer", scheme)
		require.Empty(o.t, r.Header.Values("DPoP"))
	} else {
		if scheme != "DPoP" {
			return 400, "invalid_request", "The resource request must use the DPoP authentication scheme when the access token is bound."
		}
		o.secrets = append(o.secrets, r.Header.Get("DPoP"), o.apiNonce)
		jkt, code, words := o.checkProof(r, orgURL+"/api/v1/logs", o.apiNonce, token)
		switch {
		case code == "use_dpop_nonce":
			w.Header().Set("DPoP-Nonce", o.apiNonce)
			w.Header().Set("WWW-Authenticate", `DPoP error="use_dpop_nonce", error_description="Resource server requires nonce in DPoP proof"`)
			return 401, code, words
		case code != "":
			return 400, code, words
		case jkt != g.jkt:
			return 400, "invalid_dpop_proof", "The access_token is not bound to the provided DPoP proof."
		}
	}
	_, _ = w.Write([]byte("[]"))
	return 200, "", ""
}

func (o *org) revokeAll() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for token, g := range o.issued {
		g.revoked = true
		o.issued[token] = g
	}
}

// log returns the requests so far and forgets them.
func (o *org) log() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer func() { o.requests = nil }()
	return slices.Clone(o.requests)
}

// authorizer is the contract of internal/oktaapi.
type authorizer interface {
	Authorize(ctx context.Context, req *http.Request) error
	Challenge(resp *http.Response) bool
	Method() string
}

var (
	_ authorizer = (*SSWS)(nil)
	_ authorizer = (*PrivateKeyJWT)(nil)
)

// get does what the API client does: authorize, send, and retry once if a challenge says so.
func get(ctx context.Context, client *http.Client, a authorizer) (int, error) {
	for retry := false; ; retry = true {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, logsURL, nil)
		if err != nil {
			return 0, err
		}
		if err := a.Authorize(ctx, req); err != nil {
			return 0, err
		}
		resp, err := client.Do(req)
		if err != nil {
			return 0, err
		}
		again := (resp.StatusCode == 400 || resp.StatusCode == 401) && a.Challenge(resp)
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if !again || retry {
			return resp.StatusCode, nil
		}
	}
}

func reply(status int, header map[string]string, body string) *http.Response {
	resp := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
	for name, value := range header {
		resp.Header.Set(name, value)
	}
	return resp
}

func mustURL(t *testing.T, s string) *url.URL {
	u, err := url.Parse(s)
	require.NoError(t, err)
	return u
}

// newApp returns an org that knows the test key, and an authorizer for it.
func newApp(t *testing.T, change ...func(*Options)) (*org, *PrivateKeyJWT) {
	key := testRSA()
	o := newOrg(t, jose.JSONWebKey{Key: &key.PublicKey, KeyID: "kid-1", Algorithm: "RS256", Use: "sig"})
	opts := Options{OrgURL: mustURL(t, orgURL), ClientID: clientID, PrivateKey: pkcs8(t, key), KeyID: "kid-1", HTTP: o.client()}
	for _, f := range change {
		f(&opts)
	}
	a, err := NewPrivateKeyJWT(opts)
	require.NoError(t, err)
	return o, a
}

var testRSA = sync.OnceValue(func() *rsa.PrivateKey { return generateRSA(2048) })
