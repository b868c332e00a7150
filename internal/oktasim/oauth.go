package oktasim

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// OAuthClient is a service app: an API Services integration that authenticates with a key of its own (private_key_jwt).
type OAuthClient struct {
	ID     string             // client_id, "0oa..."
	Keys   jose.JSONWebKeySet // registered public keys; a JWK's alg and use bind if they are set
	Scopes []string           // granted; nil: okta.logs.read
	DPoP   bool               // whether access tokens must be bound (dpop_bound_access_tokens), as for apps made since 2024
	NoRole bool               // the app has no admin role: tokens are issued, and every API call is 403 E0000006
}

const (
	logsScope      = "okta.logs.read"
	assertionType  = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	accessTokenTTL = time.Hour
	tokenRateLimit = 2000 // requests per minute: the token endpoint has a bucket of its own
)

// oauthState is what the token endpoint remembers. The org's mutex guards it.
type oauthState struct {
	quota      bucket
	calls      int
	assertions map[string]time.Time // jti of client assertions, and when to forget them
	proofs     map[string]time.Time // the same of DPoP proofs
	tokens     map[string]struct{}  // jti of access tokens that are not revoked
	nonces     []nonce              // newest first
}

// use reports whether an identifier is new among those that were used, and remembers it until it cannot be presented any more.
func use(used *map[string]time.Time, id string, now, until time.Time) (first bool) {
	maps.DeleteFunc(*used, func(_ string, forget time.Time) bool { return forget.Before(now) })
	_, known := (*used)[id]
	put(used, id, until)
	return !known
}

// oauthError is an error in the shape of RFC 6749, section 5.2. Codes and words are those of Okta's OAuth error catalog.
type oauthError struct {
	status int
	code   string
	words  string
}

func badClient(words string) *oauthError {
	return &oauthError{http.StatusUnauthorized, "invalid_client", words}
}

func badRequest(code, words string) *oauthError {
	return &oauthError{http.StatusBadRequest, code, words}
}

func (e *oauthError) reply() reply {
	return reply{e.status, http.Header{}, encodePlain(map[string]string{"error": e.code, "error_description": e.words})}
}

// token answers POST /oauth2/v1/token, the org authorization server's. It runs under the mutex.
func (o *Org) token(r *http.Request) reply {
	now := o.now()
	if r.Method != http.MethodPost {
		return o.refusal(errMethod)
	}
	rate := http.Header{}
	if !o.oauth.quota.charge(tokenRateLimit, now, rate) {
		return o.refusal(errRate).with(rate)
	}
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") || !acceptsJSON(r) {
		return o.refusal(errAccept).with(rate)
	}
	a, e := o.grant(r, now)
	if e != nil {
		a = e.reply()
		if e.code == useNonce {
			a.header.Set("DPoP-Nonce", o.currentNonce(now))
		}
	}
	return a.with(rate)
}

// grant serves the client_credentials grant.
func (o *Org) grant(r *http.Request, now time.Time) (reply, *oauthError) {
	if r.Form.Get("grant_type") != "client_credentials" {
		return reply{}, badRequest("unsupported_grant_type", "The authorization grant type is not supported by the authorization server.")
	}
	client, e := o.authenticateClient(r, now)
	if e != nil {
		return reply{}, e
	}
	scopes, e := grantScopes(client, r.Form.Get("scope"))
	if e != nil {
		return reply{}, e
	}
	tokenType, thumbprint := "Bearer", ""
	if client.DPoP || len(r.Header.Values("DPoP")) > 0 {
		proof, e := o.verifyProof(r, o.base(r)+tokenPath, now)
		if e != nil {
			return reply{}, e
		}
		if !o.knownNonce(proof.Nonce, now) {
			return reply{}, badRequest(useNonce, "Authorization server requires nonce in DPoP proof.")
		}
		tokenType, thumbprint = "DPoP", proof.thumbprint
	}

	body := encodePlain(struct {
		Type    string `json:"token_type"`
		Expires int    `json:"expires_in"`
		Token   string `json:"access_token"`
		Scope   string `json:"scope"`
	}{tokenType, int(accessTokenTTL.Seconds()), o.mint(o.base(r), client.ID, scopes, thumbprint, now), strings.Join(scopes, " ")})
	return reply{http.StatusOK, http.Header{}, body}, nil
}

// grantScopes returns the requested scopes that the client has.
func grantScopes(client OAuthClient, requested string) ([]string, *oauthError) {
	scopes := strings.Fields(requested)
	if len(scopes) == 0 {
		return nil, badRequest("invalid_scope", "No scopes were requested.")
	}
	var granted []string
	has := client.Scopes
	if has == nil {
		has = []string{logsScope}
	}
	for _, scope := range scopes {
		if !strings.HasPrefix(scope, "okta.") {
			return nil, badRequest("invalid_scope", "One or more scopes are not configured for the authorization server resource.")
		}
		if slices.Contains(has, scope) {
			granted = append(granted, scope)
		}
	}
	if len(granted) == 0 {
		return nil, badRequest("consent_required", "You are not allowed any of the requested scopes.")
	}
	return granted, nil
}
