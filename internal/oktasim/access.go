package oktasim

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// signingKey signs the access tokens of all orgs in this process: an RSA key
// takes too long to make for each. A token of another org fails on its issuer.
var signingKey = sync.OnceValue(func() *jose.JSONWebKey {
	return &jose.JSONWebKey{Key: must(rsa.GenerateKey(rand.Reader, 2048)), KeyID: rand.Text(), Algorithm: string(jose.RS256), Use: "sig"}
})

// accessClaims are those of Okta's access tokens for its own APIs.
type accessClaims struct {
	Version   int               `json:"ver"`
	ID        string            `json:"jti"`
	Issuer    string            `json:"iss"`
	Audience  string            `json:"aud"`
	Subject   string            `json:"sub"`
	IssuedAt  int64             `json:"iat"`
	Expiry    int64             `json:"exp"`
	Client    string            `json:"cid"`
	Scopes    []string          `json:"scp"`
	Confirmed map[string]string `json:"cnf,omitempty"` // jkt: the thumbprint of the key that it is bound to
}

// mint issues an access token, bound to a key if thumbprint is not empty.
func (o *Org) mint(issuer, clientID string, scopes []string, thumbprint string, now time.Time) string {
	claims := accessClaims{
		Version: 1, ID: "AT." + rand.Text(), Issuer: issuer, Audience: issuer, Subject: clientID, Client: clientID,
		IssuedAt: now.Unix(), Expiry: now.Add(accessTokenTTL).Unix(), Scopes: scopes,
	}
	if thumbprint != "" {
		claims.Confirmed = map[string]string{"jkt": thumbprint}
	}
	signer := must(jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: signingKey()}, nil))
	put(&o.oauth.tokens, claims.ID, struct{}{})
	return must(jwt.Signed(signer).Claims(claims).Serialize())
}

// RevokeAccessTokens makes every access token issued so far invalid.
func (o *Org) RevokeAccessTokens() {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.oauth.tokens)
}

// keys answers GET /oauth2/v1/keys.
func (o *Org) keys(*http.Request) reply {
	return reply{http.StatusOK, http.Header{}, must(json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{signingKey().Public()}}))}
}

// authenticate finds out on whose behalf a request comes that needs a scope. It returns the principal, which is a key for buckets and never
// shown, or the answer that turns the request away.
func (o *Org) authenticate(r *http.Request, scope string) (principal string, refused *reply) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return turnAway(o.refusal(errSession))
	}
	by, credential, _ := strings.Cut(header, " ")
	credential = strings.TrimSpace(credential)
	switch {
	case credential == "":
		return turnAway(o.refusal(errToken))
	case strings.EqualFold(by, "SSWS"):
		if o.Token != "" && credential != o.Token {
			return turnAway(o.refusal(errToken))
		}
		return "ssws:" + credential, nil
	}
	return o.authenticateOAuth(r, by, credential, scope)
}

func turnAway(with reply) (principal string, refused *reply) { return "", &with }

// authenticateOAuth verifies the access token of a request, and its DPoP proof. Order: is it a token of this org, is it
// presented the right way, has its app the scope and a role.
func (o *Org) authenticateOAuth(r *http.Request, scheme, credential, scope string) (principal string, refused *reply) {
	now := o.now()
	bearer, dpop := strings.EqualFold(scheme, "Bearer"), strings.EqualFold(scheme, "DPoP")
	claims, ok := o.readAccess(credential)
	at := slices.IndexFunc(o.Clients, func(c OAuthClient) bool { return c.ID == claims.Client })
	if !ok || at < 0 || claims.Issuer != o.base(r) || now.Unix() >= claims.Expiry || !bearer && !dpop {
		return turnAway(o.refusal(errToken))
	}

	var e *oauthError
	switch {
	case bearer && claims.Confirmed != nil:
		e = badRequest("invalid_request", "The resource request must use the DPoP authentication scheme when the access token is bound.")
	case dpop && claims.Confirmed == nil:
		e = badRequest(badProof, "The access_token is not bound to the provided DPoP proof.")
	case dpop:
		e = o.verifyBinding(r, credential, claims.Confirmed["jkt"], now)
	}
	if e != nil {
		return turnAway(o.resourceRefusal(r, e))
	}

	if !slices.Contains(claims.Scopes, scope) {
		a := o.refusal(errPermission)
		a.header.Set("WWW-Authenticate", o.challenge(r, "Bearer", scope, "insufficient_scope",
			"The access token provided does not contain the required scopes."))
		return turnAway(a)
	}
	if o.Clients[at].NoRole {
		return turnAway(o.refusal(errPermission))
	}
	return "app:" + claims.Client, nil
}

func (o *Org) readAccess(credential string) (claims accessClaims, ok bool) {
	token, err := jwt.ParseSigned(credential, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return claims, false
	}
	if err := token.Claims(signingKey().Public().Key, &claims); err != nil {
		return accessClaims{}, false
	}
	_, alive := o.oauth.tokens[claims.ID]
	return claims, alive
}

// resourceRefusal turns a DPoP error into the API's answer, which repeats it in WWW-Authenticate.
func (o *Org) resourceRefusal(r *http.Request, e *oauthError) reply {
	a := e.reply()
	o.quota.showOn(a.header, o.limit(), o.now())
	a.header.Set("WWW-Authenticate", o.challenge(r, `DPoP algs="RS256 RS384 RS512 ES256 ES384 ES512",`, logsScope, e.code, e.words))
	if e.code == useNonce {
		a.header.Set("DPoP-Nonce", o.currentNonce(o.now()))
	}
	return a
}

// challenge is Okta's WWW-Authenticate value.
func (o *Org) challenge(r *http.Request, scheme, scope, code, words string) string {
	base := o.base(r)
	return fmt.Sprintf(`%s authorization_uri="%s/oauth2/v1/authorize", realm="%s", scope="%s", error="%s", error_description="%s", `+
		`resource="%s"`,
		scheme, base, base, scope, code, words, r.URL.Path)
}
