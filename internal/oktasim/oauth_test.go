package oktasim

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"
)

const (
	clientID  = "0oaServiceApp"
	publicURL = "https://acme.okta.com"
)

var (
	rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		return k
	})
	ecKey = sync.OnceValue(func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		return k
	})
)

func serviceOrg(change ...func(*OAuthClient)) *Org {
	c := OAuthClient{ID: clientID, Keys: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: rsaKey().Public(), KeyID: "k1", Algorithm: "RS256", Use: "sig"},
		{Key: ecKey().Public(), KeyID: "k2"},
		{Key: rsaKey().Public(), KeyID: "k3", Use: "enc"},
	}}}
	for _, f := range change {
		f(&c)
	}
	return &Org{PublicURL: publicURL, Clients: []OAuthClient{c}}
}

// sign makes a JWT; a claim that is nil is left out.
func sign(t *testing.T, alg jose.SignatureAlgorithm, key any, header, claims map[string]any) string {
	t.Helper()
	opts := &jose.SignerOptions{}
	for name, value := range header {
		opts.WithHeader(jose.HeaderKey(name), value)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, opts)
	require.NoError(t, err)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	require.NoError(t, err)
	return token
}

// assertion is a good client assertion but for what the claims override.
func assertion(t *testing.T, override map[string]any) string {
	t.Helper()
	claims := map[string]any{
		"iss": clientID, "sub": clientID, "aud": publicURL + tokenPath, "jti": requestID(),
		"iat": time.Now().Unix(), "exp": time.Now().Add(5 * time.Minute).Unix(),
	}
	maps.Copy(claims, override)
	return sign(t, jose.RS256, rsaKey(), map[string]any{"kid": "k1"}, claims)
}

func form(assertion string) url.Values {
	return url.Values{
		"grant_type": {"client_credentials"}, "scope": {logsScope}, "client_assertion_type": {assertionType}, "client_assertion": {assertion},
	}
}

// proofOf is a good DPoP proof but for what the claims override.
func proofOf(t *testing.T, method, target, accessToken, nonce string, override map[string]any) string {
	t.Helper()
	claims := map[string]any{"htm": method, "htu": target, "iat": time.Now().Unix(), "jti": requestID()}
	if accessToken != "" {
		sum := sha256.Sum256([]byte(accessToken))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	maps.Copy(claims, override)
	return sign(t, jose.ES256, ecKey(), map[string]any{"typ": "dpop+jwt", "jwk": jose.JSONWebKey{Key: ecKey().Public()}}, claims)
}

func askToken(o *Org, form url.Values, headers ...string) answer {
	r := httptest.NewRequest(http.MethodPost, tokenPath, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	o.ServeHTTP(w, r)
	return answer{status: w.Code, header: w.Header(), body: w.Body.String()}
}

func (a answer) oauth() string {
	return fmt.Sprintf("%d %s: %s", a.status, gjson.Get(a.body, "error").Str, gjson.Get(a.body, "error_description").Str)
}

func (a answer) accessToken() string { return gjson.Get(a.body, "access_token").Str }

func TestAnAssertionIsExchangedForATokenThatReadsTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := serviceOrg()
		a := askToken(o, form(assertion(t, nil)))
		require.Equal(t, http.StatusOK, a.status, a.body)
		require.Equal(t, "Bearer", gjson.Get(a.body, "token_type").Str)
		require.Equal(t, "3600", gjson.Get(a.body, "expires_in").Raw)
		require.Equal(t, logsScope, gjson.Get(a.body, "scope").Str)
		require.NotEmpty(t, a.header.Get("X-Rate-Limit-Remaining"))

		bearer := []string{"Authorization", "Bearer " + a.accessToken()}
		require.Equal(t, http.StatusOK, ask(t, o, logsPath, bearer...).status)
		time.Sleep(time.Hour)
		expired := ask(t, o, logsPath, bearer...)
		require.Equal(t, http.StatusUnauthorized, expired.status)
		require.Equal(t, "E0000011", gjson.Get(expired.body, "errorCode").Str)
		require.NotContains(t, fmt.Sprintf("%+v", o.Requests()), a.accessToken())
	})
}

func TestParametersMayComeInTheQuery(t *testing.T) {
	o := serviceOrg()
	r := httptest.NewRequest(http.MethodPost, tokenPath+"?"+form(assertion(t, nil)).Encode(), nil)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	o.ServeHTTP(w, r)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.Equal(t, tokenPath, o.Requests()[0].URL, "the assertion is not remembered")
}

func TestTheOrgsKeysVerifyItsTokens(t *testing.T) {
	o := serviceOrg()
	token, err := jwt.ParseSigned(askToken(o, form(assertion(t, nil))).accessToken(), []jose.SignatureAlgorithm{jose.RS256})
	require.NoError(t, err)
	var set jose.JSONWebKeySet
	require.NoError(t, json.Unmarshal([]byte(ask(t, o, keysPath).body), &set))
	var claims accessClaims
	require.NoError(t, token.Claims(set.Key(token.Headers[0].KeyID)[0].Key, &claims))
	require.Equal(t, clientID, claims.Client)
	require.Equal(t, []string{logsScope}, claims.Scopes)
	require.Nil(t, claims.Confirmed)
}

func TestBadAssertionsAreRefusedInOktasWords(t *testing.T) {
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	good := func() map[string]any {
		return map[string]any{
			"iss": clientID, "sub": clientID, "aud": publicURL + tokenPath, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
		}
	}
	kid := func(k string) map[string]any { return map[string]any{"kid": k} }
	for name, c := range map[string]struct {
		assertion func(t *testing.T) string
		want      string
	}{
		"not a JWT": {func(*testing.T) string { return "nonsense" }, "The parsing of the client_assertion failed."},
		"issuer": {
			func(t *testing.T) string { return assertion(t, map[string]any{"iss": "0oaOther"}) },
			"The issuer claim for client_assertion is not a valid client_id.",
		},
		"subject": {
			func(t *testing.T) string { return assertion(t, map[string]any{"sub": "0oaOther"}) },
			"The subject claim for client_assertion is not a valid client_id.",
		},
		"audience": {
			func(t *testing.T) string { return assertion(t, map[string]any{"aud": publicURL + "/" + tokenPath}) },
			"The audience claim for client_assertion must be the endpoint invoked for the request.",
		},
		"audience org": {
			func(t *testing.T) string { return assertion(t, map[string]any{"aud": publicURL}) },
			"The audience claim for client_assertion must be the endpoint invoked for the request.",
		},
		"no exp": {
			func(t *testing.T) string { return assertion(t, map[string]any{"exp": nil}) },
			"The client_assertion must contain the 'exp' claim as seconds since epoch.",
		},
		"exp a string": {
			func(t *testing.T) string { return assertion(t, map[string]any{"exp": "4102444800"}) },
			"The client_assertion must contain the 'exp' claim as seconds since epoch.",
		},
		"expired": {
			func(t *testing.T) string { return assertion(t, map[string]any{"exp": time.Now().Unix()}) }, "The client_assertion token is expired.",
		},
		"far exp": {
			func(t *testing.T) string { return assertion(t, map[string]any{"exp": time.Now().Unix() + 3601}) },
			"The client_assertion token has an expiration too far into the future.",
		},
		"iat ahead": {
			func(t *testing.T) string { return assertion(t, map[string]any{"iat": time.Now().Unix() + 1}) },
			"The client_assertion token must be issued before the current time.",
		},
		"unknown kid": {
			func(t *testing.T) string { return sign(t, jose.RS256, rsaKey(), kid("k9"), good()) }, "The client_assertion JWT kid is invalid.",
		},
		"no kid of three": {
			func(t *testing.T) string { return sign(t, jose.RS256, rsaKey(), nil, good()) }, "The client_assertion JWT kid is invalid.",
		},
		"other key": {
			func(t *testing.T) string { return sign(t, jose.RS256, other, kid("k1"), good()) }, "The client_assertion signature is invalid.",
		},
		"other alg": {
			func(t *testing.T) string { return sign(t, jose.RS384, rsaKey(), kid("k1"), good()) },
			"The client_assertion JWT signature algorithm is invalid.",
		},
		"PS256": {
			func(t *testing.T) string { return sign(t, jose.PS256, rsaKey(), kid("k1"), good()) },
			"The client_assertion JWT signature algorithm is invalid.",
		},
		"encryption key": {
			func(t *testing.T) string { return sign(t, jose.RS256, rsaKey(), kid("k3"), good()) },
			"The client_assertion JWT needs to be signed using a signing key.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				require.Equal(t, "401 invalid_client: "+c.want, askToken(serviceOrg(), form(c.assertion(t))).oauth())
			})
		})
	}
}

func TestAnAssertionWithAJtiIsGoodOnce(t *testing.T) {
	o := serviceOrg()
	once, again := assertion(t, nil), assertion(t, map[string]any{"jti": nil})
	require.Equal(t, http.StatusOK, askToken(o, form(once)).status)
	require.Equal(t, "401 invalid_client: The client_assertion token has already been used.", askToken(o, form(once)).oauth())
	for range 2 {
		require.Equal(t, http.StatusOK, askToken(o, form(again)).status)
	}
}

func TestAllKeysAndAlgorithmsOfOktaAreTaken(t *testing.T) {
	claims := func() map[string]any {
		return map[string]any{
			"iss": clientID, "sub": clientID, "aud": publicURL + tokenPath, "exp": time.Now().Add(time.Hour - time.Second).Unix(),
		}
	}
	for _, alg := range []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512} {
		o := serviceOrg(func(c *OAuthClient) { c.Keys.Keys = []jose.JSONWebKey{{Key: rsaKey().Public()}} })
		require.Equal(t, http.StatusOK, askToken(o, form(sign(t, alg, rsaKey(), nil, claims()))).status, alg)
	}
	require.Equal(t, http.StatusOK, askToken(serviceOrg(), form(sign(t, jose.ES256, ecKey(), map[string]any{"kid": "k2"}, claims()))).status)
}

func TestBadTokenRequestsAreRefusedInOktasWords(t *testing.T) {
	for name, c := range map[string]struct {
		change func(url.Values)
		want   string
	}{
		"no grant": {
			func(f url.Values) { f.Del("grant_type") },
			"400 unsupported_grant_type: The authorization grant type is not supported by the authorization server.",
		},
		"password grant": {
			func(f url.Values) { f.Set("grant_type", "password") },
			"400 unsupported_grant_type: The authorization grant type is not supported by the authorization server.",
		},
		"assertion type": {
			func(f url.Values) { f.Set("client_assertion_type", "jwt") }, "400 invalid_request: The client_assertion_type is invalid.",
		},
		"no credentials": {func(f url.Values) { f.Del("client_assertion") }, "401 invalid_client: No client credentials found."},
		"a secret": {
			func(f url.Values) { f.Del("client_assertion"); f.Set("client_secret", "x") },
			"401 invalid_client: Client Credentials requests to the Org Authorization Server must use the private_key_jwt " +
				"token_endpoint_auth_method.",
		},
		"no scope": {func(f url.Values) { f.Del("scope") }, "400 invalid_scope: No scopes were requested."},
		"unknown scope": {
			func(f url.Values) { f.Set("scope", "openid") },
			"400 invalid_scope: One or more scopes are not configured for the authorization server resource.",
		},
		"not granted": {
			func(f url.Values) { f.Set("scope", "okta.users.read") }, "400 consent_required: You are not allowed any of the requested scopes.",
		},
		"two credentials": {
			func(f url.Values) { f.Set("client_id", clientID) },
			"401 invalid_request: Cannot supply multiple client credentials. Use one of the following: credentials in the Authorization header, " +
				"credentials in the post body, or a client_assertion in the post body.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := form(assertion(t, nil))
			c.change(f)
			require.Equal(t, c.want, askToken(serviceOrg(), f).oauth())
		})
	}
	require.Equal(t, http.StatusMethodNotAllowed, ask(t, serviceOrg(), tokenPath).status)
	f := form(assertion(t, nil))
	f.Set("scope", "okta.users.read okta.logs.read")
	require.Equal(t, logsScope, gjson.Get(askToken(serviceOrg(), f).body, "scope").Str, "what is granted of what was asked for")
}

func TestAClientWithoutKeysIsToldSo(t *testing.T) {
	o := serviceOrg(func(c *OAuthClient) { c.Keys.Keys = nil })
	require.Equal(t, "401 invalid_client: The client does not have a JWKSet configured, but the client_assertion requires one.",
		askToken(o, form(assertion(t, nil))).oauth())
}

func TestTokensDoNotReadTheLogWithoutScopeOrRole(t *testing.T) {
	o := serviceOrg(func(c *OAuthClient) { c.Scopes = []string{"okta.users.read"} })
	f := form(assertion(t, nil))
	f.Set("scope", "okta.users.read")
	a := ask(t, o, logsPath, "Authorization", "Bearer "+askToken(o, f).accessToken())
	require.Equal(t, http.StatusForbidden, a.status)
	require.Equal(t, `Bearer authorization_uri="https://acme.okta.com/oauth2/v1/authorize", realm="https://acme.okta.com", `+
		`scope="okta.logs.read", error="insufficient_scope", `+
		`error_description="The access token provided does not contain the required scopes.", resource="/api/v1/logs"`,
		a.header.Get("WWW-Authenticate"))

	o = serviceOrg(func(c *OAuthClient) { c.NoRole = true })
	a = ask(t, o, logsPath, "Authorization", "Bearer "+askToken(o, form(assertion(t, nil))).accessToken())
	require.Equal(t, http.StatusForbidden, a.status)
	require.Equal(t, "E0000006", gjson.Get(a.body, "errorCode").Str)
}

func TestForeignAndRevokedTokensAreRefused(t *testing.T) {
	o, foreign := serviceOrg(), serviceOrg()
	token := askToken(o, form(assertion(t, nil))).accessToken()
	for name, credential := range map[string]string{
		"of another org": askToken(foreign, form(assertion(t, nil))).accessToken(),
		"no JWT":         "nonsense",
		"altered":        token[:len(token)-4] + "AAAA",
		"self-made": sign(t, jose.RS256, rsaKey(), nil,
			map[string]any{"iss": publicURL, "cid": clientID, "scp": []string{logsScope}, "exp": time.Now().Unix() + 60}),
	} {
		require.Equal(t, http.StatusUnauthorized, ask(t, o, logsPath, "Authorization", "Bearer "+credential).status, name)
	}
	require.Equal(t, http.StatusOK, ask(t, o, logsPath, "Authorization", "Bearer "+token).status)
	o.RevokeAccessTokens()
	require.Equal(t, http.StatusUnauthorized, ask(t, o, logsPath, "Authorization", "Bearer "+token).status)
}

func TestTheTokenEndpointHasItsOwnBucket(t *testing.T) {
	o := serviceOrg()
	o.RateLimit = 1
	for range 3 {
		require.Equal(t, http.StatusOK, askToken(o, form(assertion(t, nil))).status)
	}
	require.Empty(t, o.Windows())
}

func requireThumbprint(t *testing.T, token string) {
	t.Helper()
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	require.NoError(t, err)
	var claims accessClaims
	require.NoError(t, parsed.UnsafeClaimsWithoutVerification(&claims))
	sum, err := (&jose.JSONWebKey{Key: ecKey().Public()}).Thumbprint(crypto.SHA256)
	require.NoError(t, err)
	require.Equal(t, base64.RawURLEncoding.EncodeToString(sum), claims.Confirmed["jkt"])
}
