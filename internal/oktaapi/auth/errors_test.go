package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"
)

func TestTokenRefusalsNameTheSettingToLookAt(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(o *org, opts *Options)
		want  string // begins with Okta's own words
	}{
		"wrong key": {
			func(_ *org, opts *Options) { opts.PrivateKey = pkcs8(t, generateRSA(2048)) },
			"401 invalid_client: The client_assertion signature is invalid. (request reqCanary1): private_key is not the key registered in Okta",
		},
		"wrong kid": {
			func(_ *org, opts *Options) { opts.KeyID = "kid-0" },
			"401 invalid_client: The client_assertion JWT kid is invalid. (request reqCanary1): set key_id",
		},
		"several keys, no kid": {
			func(o *org, opts *Options) {
				opts.KeyID = ""
				o.keys.Keys = append(o.keys.Keys, jose.JSONWebKey{Key: &generateRSA(2048).PublicKey, KeyID: "kid-2"})
			},
			"The client_assertion JWT kid is invalid. (request reqCanary1): set key_id",
		},
		"wrong client id": {
			func(_ *org, opts *Options) { opts.ClientID = "0oaOther" },
			"The issuer claim for client_assertion is not a valid client_id. (request reqCanary1): client_id must be",
		},
		"another org's host": {
			func(_ *org, opts *Options) { opts.OrgURL = mustURL(t, "https://acme-admin.okta.com") },
			"The audience claim for client_assertion must be the endpoint invoked for the request. (request reqCanary1): url must be the org's " +
				"own URL",
		},
		"key registered for another algorithm": {
			func(o *org, _ *Options) { o.keys.Keys[0].Algorithm = "RS512" },
			"The client_assertion JWT signature algorithm is invalid. (request reqCanary1): register the public key with the algorithm",
		},
		"scope not granted": {
			func(_ *org, opts *Options) { opts.Scopes = []string{"okta.users.read"} },
			"400 consent_required: You are not allowed any of the requested scopes. (request reqCanary1): grant the app every scope named in scopes",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var org *org
			_, _ = newApp(t, func(opts *Options) {
				org = newOrg(t, jose.JSONWebKey{Key: &testRSA().PublicKey, KeyID: "kid-1"})
				c.spoil(org, opts)
				opts.HTTP = org.client()
				a, err := NewPrivateKeyJWT(*opts)
				require.NoError(t, err)
				_, err = get(t.Context(), org.client(), a)
				require.ErrorContains(t, err, c.want)
				var refused *Error
				require.ErrorAs(t, err, &refused)
				require.True(t, refused.Refused())
				require.Equal(t, "reqCanary1", refused.RequestID)
				require.Len(t, org.log(), 1, "a refusal is not hammered")
			})
		})
	}
}

func TestAnswersOfTheTokenEndpointAreClassified(t *testing.T) {
	oauth := func(code, words string) string {
		text, err := json.Marshal(map[string]string{"error": code, "error_description": words})
		require.NoError(t, err)
		return string(text)
	}
	for name, c := range map[string]struct {
		status  int
		body    string
		refused bool
		want    string
	}{
		"no service app": {
			401,
			oauth("invalid_client", "Only clients with 'application_type' of 'service' may use the client_credentials 'grant_type' with the Org "+
				"Authorization Server."),
			true, "create the app as API Services",
		},
		"client secret app": {
			401,
			oauth("invalid_client", "Client Credentials requests to the Org Authorization Server must use the private_key_jwt "+
				"token_endpoint_auth_method."),
			true, "set the app's client authentication to Public key / Private key",
		},
		"no public key": {
			401, oauth("invalid_client", "The client does not have a JWKSet configured, but the client_assertion requires one."), true,
			"register the public key in the app",
		},
		"unknown client": {401, oauth("invalid_client", "Invalid value for 'client_id' parameter."), true, "client_id must be"},
		"inactive app": {
			401, oauth("invalid_client", "Client authentication failed. Either the client or the client credentials are invalid."), true,
			"that the app is active",
		},
		"clock, no Date": {
			401, oauth("invalid_client", "The client_assertion token must be issued before the current time."), true, "synchronize it (NTP)",
		},
		"key for encryption": {
			401, oauth("invalid_client", "The client_assertion JWT needs to be signed using a signing key."), true, "for signing (use: sig)",
		},
		"custom server's URL": {
			400, oauth("invalid_scope", "One or more scopes are not configured for the authorization server resource."), true,
			"scopes must name Okta API scopes",
		},
		"network zone": {
			403, oauth("access_denied", "The request is made from outside the client's permitted network zones."), true,
			"allow this machine's public IP address",
		},
		"policy": {
			400, oauth("access_denied", "Policy evaluation failed for this request, please check the policy configurations."), true,
			"the org's policies deny",
		},
		"grant type not on": {
			400, oauth("unauthorized_client", "The client is not authorized to use the provided grant type."), true, "Client Credentials",
		},
		"proxy rewrites": {
			400, oauth("invalid_dpop_proof", "'htu' claim in the DPoP proof JWT is invalid."), true,
			"a proxy that rewrites host or path breaks DPoP",
		},
		"proxy drops DPoP": {
			400, oauth("invalid_dpop_proof", "The DPoP proof JWT header is missing."), true, "removes the DPoP header: look at the proxy",
		},
		"new code":          {400, oauth("brand_new", "Something new."), true, "400 brand_new: Something new. (request r)"},
		"not Okta":          {404, "<html>not here</html>", true, "404 Not Found (request r): url does not lead to an Okta org"},
		"edge without JSON": {403, "<html>", true, "403 Forbidden (request r)"},
		"rate limit": {
			429, `{"errorCode":"E0000047","errorSummary":"API call exceeded rate limit due to too many requests."}`, false,
			"429 E0000047: API call exceeded rate limit due to too many requests. (request r): the org's rate limit",
		},
		"timeout": {408, "", false, "408 Request Timeout (request r)"},
		"internal error": {
			500, `{"errorCode":"E0000009","errorSummary":"Internal Server Error"}`, false, "500 E0000009: Internal Server Error",
		},
		"gateway": {502, "<html>", false, "502 Bad Gateway"},
		"maintenance": {
			503, `{"errorCode":"E0000010","errorSummary":"Service is in read only mode","errorCauses":[{"errorSummary":"until noon"}]}`, false,
			"Service is in read only mode; until noon",
		},
		"broken error":         {500, `{"error":`, false, "500 Internal Server Error"},
		"control characters":   {400, oauth("x\n", "a\r\nb\x1b[31m"), true, "400 x: a  b [31m"},
		"very long words":      {400, oauth("x", strings.Repeat("ü", 1000)), true, "ü... (request r)"},
		"success without JSON": {200, "<html>sign in</html>", false, "the answer is not JSON with an access_token"},
		"success, no token":    {200, `{"token_type":"Bearer"}`, false, "the answer is not JSON with an access_token"},
		"success, odd token":   {200, `{"token_type":"Bearer","access_token":"a b\n"}`, false, "not one word"},
		"success, no type":     {200, `{"access_token":"canary"}`, true, `a token of type ""`},
		"too large":            {200, strings.Repeat(" ", maxBody+1), false, "larger than 262144 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			o, a := newApp(t)
			o.wire = func(*http.Request) (*http.Response, error) {
				return reply(c.status, map[string]string{"X-Okta-Request-Id": "r"}, c.body), nil
			}
			_, err := get(t.Context(), o.client(), a)
			require.ErrorContains(t, err, c.want)
			var refused interface{ Refused() bool }
			require.Equal(t, c.refused, errors.As(err, &refused) && refused.Refused())
			require.Less(t, len(err.Error()), 1000)
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestARateLimitedTokenEndpointTellsWhenToComeBack(t *testing.T) {
	o, a := newApp(t)
	o.wire = func(*http.Request) (*http.Response, error) {
		return reply(429, map[string]string{
			"X-Rate-Limit-Limit": "10", "X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": "1790000060",
			"Date": "Mon, 21 Sep 2026 14:13:20 GMT", "Set-Cookie": "sid=canary", "DPoP-Nonce": "canary",
		}, `{"errorCode":"E0000047"}`), nil
	}
	_, err := get(t.Context(), o.client(), a)
	var limited *Error
	require.ErrorAs(t, err, &limited)
	require.False(t, limited.Refused())
	require.False(t, limited.Foreign())
	require.Equal(t, http.Header{
		"X-Rate-Limit-Limit": {"10"}, "X-Rate-Limit-Remaining": {"0"}, "X-Rate-Limit-Reset": {"1790000060"},
		"Date": {"Mon, 21 Sep 2026 14:13:20 GMT"},
	}, limited.Header)
}

func TestAnAnswerThatIsNotOktasIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		body    string
		refused bool
		want    string // "": it is Okta's
	}{
		"proxy wants credentials": {407, "<html>", true, "answered 407 for acme.okta.com: the proxy wants credentials: check proxy_url"},
		"gateway":                 {403, "<html>", true, "answered 403 for acme.okta.com: check url, proxy_url"},
		"another API":             {404, `{"error":"not found"}`, true, "answered 404 for acme.okta.com: check url, proxy_url"},
		"bad gateway":             {502, "<html>", false, "answered 502 for acme.okta.com: check url, proxy_url"},
		"a proxy's rate limit":    {429, "<html>", false, "answered 429 for acme.okta.com: check url, proxy_url"},
		"captive portal": {
			200, "<html>", false, "answered 200 for acme.okta.com: the answer is not JSON with an access_token: check url",
		},
		"Okta's, by its code": {401, `{"error":"invalid_client"}`, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o, a := newApp(t)
			o.wire = func(*http.Request) (*http.Response, error) { return reply(c.status, nil, c.body), nil }
			_, err := get(t.Context(), o.client(), a)
			var refused *Error
			require.ErrorAs(t, err, &refused)
			require.Equal(t, c.refused, refused.Refused())
			require.Equal(t, c.want != "", refused.Foreign())
			status, header := refused.AskAgain()
			require.Equal(t, c.status, status)
			require.Equal(t, c.status == 429, header != nil)
			if c.want != "" {
				require.ErrorContains(t, err, "requesting access token: something between us and Okta "+c.want)
			}
		})
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	o, a := newApp(t)
	calls := 0
	o.wire = func(*http.Request) (*http.Response, error) {
		calls++
		return reply(307, map[string]string{"Location": "https://user:pw@evil.example/steal?x=canary"}, ""), nil
	}
	_, err := get(t.Context(), o.client(), a)
	require.EqualError(t, err, "requesting access token: 307 Temporary Redirect: redirected to https://evil.example, which is not followed "+
		"with credentials: url must be the org's own URL, with https")
	require.Equal(t, 1, calls)
	var refused *Error
	require.ErrorAs(t, err, &refused)
	require.True(t, refused.Refused())
}

func TestNetworkErrorsAreNotRefusals(t *testing.T) {
	o, a := newApp(t)
	broken := errors.New("connection reset by peer")
	o.wire = func(*http.Request) (*http.Response, error) { return nil, broken }
	_, err := get(t.Context(), o.client(), a)
	require.ErrorIs(t, err, broken)
	require.NotErrorAs(t, err, new(*Error))

	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = get(canceled, o.client(), a)
	require.ErrorIs(t, err, context.Canceled)
}

// TestNoSecretIsEverPrinted echoes every secret wherever a server can write, and searches everything that
// can be printed.
func TestNoSecretIsEverPrinted(t *testing.T) {
	var printed []string
	see := func(v any) {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
			printed = append(printed, fmt.Sprintf(verb, v))
		}
		text, err := json.Marshal(v)
		require.NoError(t, err)
		printed = append(printed, string(text))
		for err, ok := v.(error); ok && err != nil; err = errors.Unwrap(err) {
			printed = append(printed, err.Error())
		}
	}

	const apiToken = "00canaryApiToken"
	ssws, err := NewSSWS(apiToken)
	require.NoError(t, err)
	see(ssws)
	see(struct{ A *SSWS }{ssws})
	for _, bad := range []string{"SSWS " + apiToken, "Bearer " + apiToken, `"` + apiToken + `"`, apiToken + " " + apiToken,
		apiToken + "\x00"} {
		_, err := NewSSWS(bad)
		require.Error(t, err)
		see(err)
	}

	o, a := newApp(t, func(opts *Options) { see(*opts); see(opts); see(struct{ O Options }{*opts}) })
	o.dpop, o.apiNonce = true, "canary-api-nonce"
	see(a)
	see(struct{ A *PrivateKeyJWT }{a})
	_, err = get(t.Context(), o.client(), a)
	require.NoError(t, err)
	see(a)

	echo := func(secrets ...string) map[string]string {
		all := strings.Join(secrets, ` `)
		return map[string]string{
			"X-Okta-Request-Id": all, "X-Rate-Limit-Reset": all, "Date": all,
			"Location": "https://" + strings.Join(secrets, ".") + "/", "DPoP-Nonce": "canary-nonce-9",
		}
	}
	for _, status := range []int{200, 307, 400, 401, 403, 429, 500} {
		for _, form := range []string{`{"error":"%s","error_description":"%s"}`, `{"errorCode":"%s","errorSummary":"%s"}`,
			`{"token_type":"%s","access_token":"canary-access-token-99%.0s"}`, `%s %s`} {
			o.wire = func(r *http.Request) (*http.Response, error) {
				if r.URL.Path != tokenPath {
					return nil, nil
				}
				require.NoError(t, r.ParseForm())
				assertion, proof := r.PostForm.Get("client_assertion"), r.Header.Get("DPoP")
				parts := strings.Split(assertion, ".")
				o.secrets = append(o.secrets, assertion, proof, parts[1], parts[2], "canary-nonce-9", "canary-access-token-99")
				nonce := proofNonce(proof)
				require.Contains(t, nonce, "canary-nonce-")
				all := strings.Join([]string{assertion, proof, nonce, "canary-nonce-9"}, " ")
				return reply(status, echo(assertion, proof, nonce), fmt.Sprintf(form, all, all)), nil
			}
			a.mu.Lock()
			a.token = nil
			a.mu.Unlock()
			_, err := get(t.Context(), o.client(), a)
			require.Error(t, err)
			see(err)
		}
	}
	o.wire = func(r *http.Request) (*http.Response, error) {
		require.NoError(t, r.ParseForm())
		return nil, fmt.Errorf("malformed HTTP response %q", r.PostForm.Encode()+r.Header.Get("DPoP"))
	}
	_, err = get(t.Context(), o.client(), a)
	require.Error(t, err)
	printed = append(printed, err.Error(), fmt.Sprintf("%+v", err))

	o.wire = nil
	req, err := http.NewRequest(http.MethodGet, logsURL, nil)
	require.NoError(t, err)
	a.mu.Lock()
	a.token = nil
	a.mu.Unlock()
	require.NoError(t, a.Authorize(t.Context(), req))
	see(a)
	require.True(t, a.Challenge(reply(401, nil, "")))
	see(a)

	keys := []string{pkcs8(t, testRSA())}
	keys = append(keys, strings.Split(keys[0], "\n")[1:3]...)
	secrets := append(append(o.secrets, keys...), apiToken, testRSA().D.String())
	require.Greater(t, len(secrets), 100)
	for _, text := range printed {
		for _, secret := range secrets {
			if secret != "" && strings.Contains(text, secret) {
				t.Fatalf("%q is printed in %q", secret, text)
			}
		}
	}
}
