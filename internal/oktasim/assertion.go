package oktasim

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// algorithms are the ones Okta accepts for assertions and proofs.
var algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.ES256, jose.ES384, jose.ES512}

// readable also holds those that get an answer of their own for being wrong.
var readable = append([]jose.SignatureAlgorithm{jose.PS256, jose.PS384, jose.PS512, jose.HS256, jose.HS384, jose.HS512, jose.EdDSA},
	algorithms...)

// longestAssertion is how far ahead exp may lie.
const longestAssertion = time.Hour

// authenticateClient verifies the client assertion of a token request. The parameters may come in the body or in the query, where Okta's Go
// SDK puts them.
func (o *Org) authenticateClient(r *http.Request, now time.Time) (OAuthClient, *oauthError) {
	assertion, refused := clientAssertion(r)
	if refused != nil {
		return OAuthClient{}, refused
	}
	refuse := func(words string) (OAuthClient, *oauthError) { return OAuthClient{}, badClient(words) }
	var claims struct {
		Issuer   string          `json:"iss"`
		Subject  string          `json:"sub"`
		Audience jwt.Audience    `json:"aud"`
		Expiry   json.RawMessage `json:"exp"`
		IssuedAt json.RawMessage `json:"iat"`
		ID       string          `json:"jti"`
	}
	token, err := jwt.ParseSigned(assertion, readable)
	if err != nil || token.UnsafeClaimsWithoutVerification(&claims) != nil {
		return refuse("The parsing of the client_assertion failed.")
	}
	at := slices.IndexFunc(o.Clients, func(c OAuthClient) bool { return c.ID != "" && c.ID == claims.Issuer })
	if at < 0 {
		return refuse("The issuer claim for client_assertion is not a valid client_id.")
	}
	client := o.Clients[at]
	if claims.Subject != client.ID {
		return refuse("The subject claim for client_assertion is not a valid client_id.")
	}
	if e := verifySignature(token, client.Keys); e != nil {
		return OAuthClient{}, e
	}
	expiry, expires := numericDate(claims.Expiry)
	issued, dated := numericDate(claims.IssuedAt)
	switch {
	case len(claims.Audience) != 1 || claims.Audience[0] != o.base(r)+tokenPath:
		return refuse("The audience claim for client_assertion must be the endpoint invoked for the request.")
	case !expires:
		return refuse("The client_assertion must contain the 'exp' claim as seconds since epoch.")
	case !expiry.After(now):
		return refuse("The client_assertion token is expired.")
	case expiry.Sub(now) > longestAssertion:
		return refuse("The client_assertion token has an expiration too far into the future.")
	case claims.IssuedAt != nil && (!dated || issued.After(now)):
		return refuse("The client_assertion token must be issued before the current time.")
	case claims.ID != "" && !use(&o.oauth.assertions, client.ID+" "+claims.ID, now, expiry):
		return refuse("The client_assertion token has already been used.")
	}
	return client, nil
}

// verifySignature finds the registered key that an assertion names, which may stay unnamed if there is but one.
func verifySignature(token *jwt.JSONWebToken, keys jose.JSONWebKeySet) *oauthError {
	header := token.Headers[0]
	if len(keys.Keys) == 0 {
		return badClient("The client does not have a JWKSet configured, but the client_assertion requires one.")
	}
	key := keys.Keys[0]
	if header.KeyID != "" || len(keys.Keys) > 1 {
		named := keys.Key(header.KeyID)
		if header.KeyID == "" || len(named) == 0 {
			return badClient("The client_assertion JWT kid is invalid.")
		}
		key = named[0]
	}
	switch {
	case key.Use != "" && key.Use != "sig":
		return badClient("The client_assertion JWT needs to be signed using a signing key.")
	case !slices.Contains(algorithms, jose.SignatureAlgorithm(header.Algorithm)), key.Algorithm != "" && key.Algorithm != header.Algorithm:
		return badClient("The client_assertion JWT signature algorithm is invalid.")
	}
	if err := token.Claims(key.Key, &struct{}{}); err != nil {
		return badClient("The client_assertion signature is invalid.")
	}
	return nil
}

// numericDate reads seconds since the epoch, which must be a JSON number.
func numericDate(raw json.RawMessage) (time.Time, bool) {
	var seconds float64
	if len(raw) == 0 || string(raw) == "null" || json.Unmarshal(raw, &seconds) != nil {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(seconds * 1000)), true
}

// clientAssertion is the assertion of a request that has no other credentials.
func clientAssertion(r *http.Request) (string, *oauthError) {
	assertion := r.Form.Get("client_assertion")
	_, _, basic := r.BasicAuth()
	secret := basic || r.Form.Has("client_secret")
	switch {
	case assertion != "" && (secret || r.Form.Has("client_id")):
		return "", &oauthError{http.StatusUnauthorized, "invalid_request", "Cannot supply multiple client credentials. " +
			"Use one of the following: credentials in the Authorization header, credentials in the post body, or a client_assertion in the post " +
			"body."}
	case secret:
		return "", badClient("Client Credentials requests to the Org Authorization Server must use the private_key_jwt " +
			"token_endpoint_auth_method.")
	case assertion == "":
		return "", badClient("No client credentials found.")
	case r.Form.Get("client_assertion_type") != assertionType:
		return "", badRequest("invalid_request", "The client_assertion_type is invalid.")
	}
	return assertion, nil
}
