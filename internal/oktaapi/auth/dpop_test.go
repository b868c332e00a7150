package auth

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func requireDPoP(o *Options)   { o.DPoP = DPoPAlways }
func forbidDPoP(o *Options)    { o.DPoP = DPoPNever }
func automaticDPoP(o *Options) { o.DPoP = DPoPAuto }

func TestAutoTurnsDPoPOnWhenTheOrgAsksAndStaysWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, a := newApp(t, automaticDPoP)
		o.dpop = true
		require.Equal(t, "private_key_jwt", a.Method())
		for range 2 {
			status, err := get(t.Context(), o.client(), a)
			require.NoError(t, err)
			require.Equal(t, 200, status)
		}
		require.Equal(t, "private_key_jwt+dpop", a.Method())
		require.Equal(t, []string{
			"/oauth2/v1/token 400 invalid_dpop_proof", "/oauth2/v1/token 400 use_dpop_nonce", "/oauth2/v1/token 200",
			"/api/v1/logs 200", "/api/v1/logs 200",
		}, o.log())

		time.Sleep(time.Hour)
		_, err := get(t.Context(), o.client(), a)
		require.NoError(t, err)
		require.Equal(t, []string{"/oauth2/v1/token 200", "/api/v1/logs 200"}, o.log(), "the nonce is remembered")

		o.nonce = "canary-nonce-2"
		time.Sleep(time.Hour)
		_, err = get(t.Context(), o.client(), a)
		require.NoError(t, err)
		require.Equal(t, []string{"/oauth2/v1/token 400 use_dpop_nonce", "/oauth2/v1/token 200", "/api/v1/logs 200"}, o.log(),
			"the nonce is renewed")
	})
}

func TestAlwaysBeginsWithAProof(t *testing.T) {
	o, a := newApp(t, requireDPoP)
	o.dpop = true
	require.Equal(t, "private_key_jwt+dpop", a.Method())
	_, err := get(t.Context(), o.client(), a)
	require.NoError(t, err)
	require.Equal(t, []string{"/oauth2/v1/token 400 use_dpop_nonce", "/oauth2/v1/token 200", "/api/v1/logs 200"}, o.log())
}

func TestEachProofIsForOneRequestOnly(t *testing.T) {
	o, a := newApp(t, requireDPoP)
	for range 3 { // org refuses a jti that it has seen
		req, err := http.NewRequest(http.MethodGet, logsURL+"#fragment", nil)
		require.NoError(t, err)
		for range 2 {
			require.NoError(t, a.Authorize(t.Context(), req), "again for a retry")
			require.Len(t, req.Header.Values("DPoP"), 1)
			resp, err := o.RoundTrip(req)
			require.NoError(t, err)
			require.Equal(t, 200, resp.StatusCode)
		}
	}
}

func TestAnAPIThatAsksForANonceGetsIt(t *testing.T) {
	o, a := newApp(t, requireDPoP)
	for _, nonce := range []string{"", "api-nonce-1", "api-nonce-2"} {
		o.apiNonce = nonce
		for range 2 {
			status, err := get(t.Context(), o.client(), a)
			require.NoError(t, err)
			require.Equal(t, 200, status)
		}
	}
	require.Equal(t, 1, o.minted, "a nonce is no reason for another token")
	require.Equal(t, "canary-nonce-1", a.nonce, "the token endpoint's nonce is another one")
}

func TestAClockThatGoesWrongLaterIsCorrectedAtTheAPI(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, a := newApp(t, requireDPoP)
		for _, skew := range []time.Duration{0, -10 * time.Minute, 10 * time.Minute, 0} {
			o.skew = skew
			status, err := get(t.Context(), o.client(), a)
			require.NoError(t, err)
			require.Equal(t, 200, status, skew)
		}
		require.Equal(t, 1, o.minted)
	})
}

func TestAppsMaySwitchDPoPWhileWeRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, a := newApp(t)
		for _, on := range []bool{false, true, false, true} {
			o.dpop = on
			o.tokenType = map[bool]string{false: "Bearer"}[on]
			o.wire = func(r *http.Request) (*http.Response, error) {
				if !on { // an app without DPoP ignores the header
					r.Header.Del("DPoP")
				}
				return nil, nil
			}
			o.revokeAll()
			for range 2 {
				status, err := get(t.Context(), o.client(), a)
				require.NoError(t, err)
				require.Equal(t, 200, status)
			}
			require.Equal(t, on, strings.HasSuffix(a.Method(), "+dpop"))
		}
	})
}

func TestABoundTokenThatCameWithoutAskingTurnsProofsOn(t *testing.T) {
	o, a := newApp(t)
	o.wire = func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == tokenPath && r.Header.Get("DPoP") == "" {
			return reply(200, nil, `{"token_type":"DPoP","access_token":"unusable","expires_in":3600}`), nil
		}
		return nil, nil
	}
	status, err := get(t.Context(), o.client(), a)
	require.NoError(t, err)
	require.Equal(t, 200, status)
	require.Equal(t, "private_key_jwt+dpop", a.Method())
}

func TestABearerTokenThatTheAPIWantsBoundIsReplaced(t *testing.T) {
	o, a := newApp(t)
	_, err := get(t.Context(), o.client(), a)
	require.NoError(t, err)
	o.dpop = true
	o.wire = func(r *http.Request) (*http.Response, error) {
		if r.URL.Path != tokenPath && r.Header.Get("DPoP") == "" {
			return reply(400, nil, `{"error":"invalid_request","error_description":"The resource request requires a DPoP proof."}`), nil
		}
		return nil, nil
	}
	status, err := get(t.Context(), o.client(), a)
	require.NoError(t, err)
	require.Equal(t, 200, status)
}

func TestATokenTypeThatDoesNotMatchIsAClearError(t *testing.T) {
	for name, c := range map[string]struct {
		dpop            DPoP
		tokenType, want string
	}{
		"always, but Bearer": {
			DPoPAlways, "Bearer",
			`200 token_type: Okta issued a token of type "Bearer" (request reqCanary1): dpop is "always", but the app does not require DPoP`,
		},
		"never, but DPoP": {
			DPoPNever, "DPoP",
			`200 token_type: Okta issued a token of type "DPoP" (request reqCanary1): the app requires DPoP: set dpop to "auto" or "always"`,
		},
		"unknown": {DPoPAuto, "mac", `Okta issued a token of type "mac" (request reqCanary1): allowed are Bearer and DPoP`},
	} {
		t.Run(name, func(t *testing.T) {
			o, a := newApp(t, func(opts *Options) { opts.DPoP = c.dpop })
			o.tokenType = c.tokenType
			_, err := get(t.Context(), o.client(), a)
			require.ErrorContains(t, err, c.want)
			var refused *Error
			require.ErrorAs(t, err, &refused)
			require.True(t, refused.Refused())
		})
	}
}

func TestNeverSendsNoProofAndSaysWhatToDo(t *testing.T) {
	o, a := newApp(t, forbidDPoP)
	o.dpop = true
	_, err := get(t.Context(), o.client(), a)
	require.EqualError(t, err, `requesting access token: 400 invalid_dpop_proof: The DPoP proof JWT header is missing. (request reqCanary1): `+
		`the app requires DPoP: set dpop to "auto" or "always", or clear "Require Demonstrating Proof of Possession (DPoP)" in the app`)
	require.Equal(t, []string{"/oauth2/v1/token 400 invalid_dpop_proof"}, o.log())
	require.Equal(t, "private_key_jwt", a.Method())
}

func TestAServerThatAsksForEverNewNoncesIsLeftAlone(t *testing.T) {
	o, a := newApp(t)
	calls := 0
	o.wire = func(*http.Request) (*http.Response, error) {
		calls++
		return reply(400, map[string]string{"DPoP-Nonce": fmt.Sprint("n", calls)},
			`{"error":"use_dpop_nonce","error_description":"Authorization server requires nonce in DPoP proof."}`), nil
	}
	_, err := get(t.Context(), o.client(), a)
	require.ErrorContains(t, err, "400 use_dpop_nonce")
	require.Equal(t, maxAttempts, calls)
	var refused *Error
	require.ErrorAs(t, err, &refused)
	require.False(t, refused.Refused())

	for name, header := range map[string]map[string]string{"none at all": nil, "always the same": {"DPoP-Nonce": "same"}} {
		o, a := newApp(t)
		o.wire = func(*http.Request) (*http.Response, error) {
			calls++
			return reply(400, header, `{"error":"use_dpop_nonce"}`), nil
		}
		calls = 0
		_, err := get(t.Context(), o.client(), a)
		require.Error(t, err)
		require.LessOrEqual(t, calls, 2, name)
	}
}

func TestChallengesAreUnderstoodFromHeadersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a := newApp(t, requireDPoP)
		req, err := http.NewRequest(http.MethodGet, logsURL, nil)
		require.NoError(t, err)
		require.NoError(t, a.Authorize(t.Context(), req))
		challenge := func(status int, header map[string]string) bool {
			resp := reply(status, header, "")
			resp.Request = req
			return a.Challenge(resp)
		}
		nonce := map[string]string{"WWW-Authenticate": `DPoP algs="ES256", error="use_dpop_nonce"`, "DPoP-Nonce": "api-nonce"}
		require.True(t, challenge(401, nonce))
		require.True(t, challenge(401, nonce), "this request did not carry it yet")
		require.NoError(t, a.Authorize(t.Context(), req))
		require.False(t, challenge(401, nonce), "now it did")

		late := `DPoP algs="RS256 ES256", error="invalid_dpop_proof", error_description="The DPoP proof JWT is issued more than five minutes ` +
			`in the past.", resource="/api/v1/logs"`
		date := time.Now().Add(10 * time.Minute).UTC().Format(http.TimeFormat)
		require.True(t, challenge(400, map[string]string{"WWW-Authenticate": late, "Date": date}))
		require.False(t, challenge(400, map[string]string{"WWW-Authenticate": late, "Date": date}), "corrected before")
		require.False(t, challenge(400, map[string]string{"WWW-Authenticate": late}))
		require.False(t, challenge(400, map[string]string{
			"WWW-Authenticate": `DPoP error="invalid_dpop_proof", error_description="'htu' claim in the DPoP proof JWT is invalid."`}))
	})
}

func TestTargetURIHasNoQueryAndOneSpelling(t *testing.T) {
	for given, want := range map[string]string{
		"https://acme.okta.com/api/v1/logs?after=1_1#x":  "https://acme.okta.com/api/v1/logs",
		"HTTPS://ACME.Okta.com:443/api/v1/logs":          "https://acme.okta.com/api/v1/logs",
		"https://acme.okta.com:8443":                     "https://acme.okta.com:8443/",
		"http://127.0.0.1:80/a%2Fb":                      "http://127.0.0.1/a%2Fb",
		"https://user:secret@acme.okta.com/api/v1/logs?": "https://acme.okta.com/api/v1/logs",
	} {
		require.Equal(t, want, targetURI(mustURL(t, given)), given)
	}
}

func TestAssertionsAndProofsAreNeverRepeated(t *testing.T) {
	key, err := parseKey([]byte(pkcs8(t, testRSA())), "")
	require.NoError(t, err)
	prover, err := newProver()
	require.NoError(t, err)
	now := time.Now()
	seen := map[string]bool{}
	for range 10 {
		assertion, err := key.assertion(clientID, orgURL, now)
		require.NoError(t, err)
		proof, err := prover.proof("GET", mustURL(t, logsURL), now, "", "")
		require.NoError(t, err)
		seen[assertion], seen[proof] = true, true
	}
	require.Len(t, seen, 20)
}
