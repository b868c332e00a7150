package oktasim

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"
)

func dpopOrg() *Org { return serviceOrg(func(c *OAuthClient) { c.DPoP = true }) }

// nonceOf asks the way a client does that has none.
func nonceOf(t *testing.T, o *Org) string {
	t.Helper()
	a := askToken(o, form(assertion(t, nil)), "DPoP", proofOf(t, "POST", publicURL+tokenPath, "", "", nil))
	require.Equal(t, "400 use_dpop_nonce: Authorization server requires nonce in DPoP proof.", a.oauth())
	require.NotEmpty(t, a.header.Get("DPoP-Nonce"))
	return a.header.Get("DPoP-Nonce")
}

func boundToken(t *testing.T, o *Org) string {
	t.Helper()
	a := askToken(o, form(assertion(t, nil)), "DPoP", proofOf(t, "POST", publicURL+tokenPath, "", nonceOf(t, o), nil))
	require.Equal(t, http.StatusOK, a.status, a.body)
	require.Equal(t, "DPoP", gjson.Get(a.body, "token_type").Str)
	return a.accessToken()
}

func TestTheDpopHandshakeGivesABoundToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := dpopOrg()
		require.Equal(t, "400 invalid_dpop_proof: The DPoP proof JWT header is missing.", askToken(o, form(assertion(t, nil))).oauth())
		token := boundToken(t, o)
		requireThumbprint(t, token)
		for range 2 {
			a := ask(t, o, logsPath+"?limit=5", "Authorization", "DPoP "+token, "DPoP", proofOf(t, "GET", publicURL+logsPath, token, "", nil))
			require.Equal(t, http.StatusOK, a.status, a.body)
		}
	})
}

func TestAClientMayOptIntoDpop(t *testing.T) {
	requireThumbprint(t, boundToken(t, serviceOrg()))
}

func TestANonceIsRenewedDailyAndHoldsThreeDaysMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := dpopOrg()
		first := nonceOf(t, o)
		use := func(nonce string) int {
			return askToken(o, form(assertion(t, nil)), "DPoP", proofOf(t, "POST", publicURL+tokenPath, "", nonce, nil)).status
		}
		time.Sleep(23 * time.Hour)
		require.Equal(t, first, nonceOf(t, o))
		time.Sleep(time.Hour)
		second := nonceOf(t, o)
		require.NotEqual(t, first, second)
		require.Equal(t, http.StatusOK, use(first))
		time.Sleep(72 * time.Hour)
		require.Equal(t, http.StatusOK, use(first))
		time.Sleep(time.Second)
		require.Equal(t, http.StatusBadRequest, use(first))
		require.Equal(t, http.StatusOK, use(second), "renewed when the second was a day old")

		third := nonceOf(t, o)
		o.RotateNonce()
		require.Equal(t, http.StatusBadRequest, use(third))
	})
}

func TestBadProofsAreRefusedInOktasWords(t *testing.T) {
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	public := jose.JSONWebKey{Key: ecKey().Public()}
	claims := func() map[string]any {
		return map[string]any{"htm": "GET", "htu": publicURL + logsPath, "iat": time.Now().Unix(), "jti": requestID()}
	}
	override := func(name string, value any) func(*testing.T, string) string {
		return func(t *testing.T, token string) string {
			return proofOf(t, "GET", publicURL+logsPath, token, "", map[string]any{name: value})
		}
	}
	for name, c := range map[string]struct {
		proof func(t *testing.T, token string) string
		want  string
	}{
		"no JWT":       {func(*testing.T, string) string { return "nonsense" }, "The DPoP proof JWT cannot be parsed."},
		"htm":          {override("htm", "POST"), "'htm' claim in the DPoP proof JWT is invalid."},
		"htu of token": {override("htu", publicURL+tokenPath), "'htu' claim in the DPoP proof JWT is invalid."},
		"htu + query":  {override("htu", publicURL+logsPath+"?limit=5"), "'htu' claim in the DPoP proof JWT is invalid."},
		"htu //":       {override("htu", publicURL+"/"+logsPath), "'htu' claim in the DPoP proof JWT is invalid."},
		"no iat":       {override("iat", nil), "'iat' claim in the DPoP proof JWT is invalid."},
		"iat ahead": {
			func(t *testing.T, token string) string { return override("iat", time.Now().Unix()+1)(t, token) },
			"The DPoP proof JWT is issued in the future.",
		},
		"iat old": {
			func(t *testing.T, token string) string { return override("iat", time.Now().Unix()-301)(t, token) },
			"The DPoP proof JWT is issued more than five minutes in the past.",
		},
		"expired": {
			func(t *testing.T, token string) string { return override("exp", time.Now().Unix()-1)(t, token) }, "The DPoP proof JWT is expired.",
		},
		"no jti": {override("jti", nil), "'jti' claim in the DPoP proof JWT is invalid."},
		"ath":    {override("ath", "AAAA"), "'ath' claim in the DPoP proof does not match the presented access_token."},
		"no ath": {override("ath", nil), "'ath' claim in the DPoP proof does not match the presented access_token."},
		"typ": {func(t *testing.T, _ string) string {
			return sign(t, jose.ES256, ecKey(), map[string]any{"typ": "JWT", "jwk": public}, claims())
		}, "'typ' must be 'dpop+jwt' in the DPoP proof JWT."},
		"no jwk": {func(t *testing.T, _ string) string {
			return sign(t, jose.ES256, ecKey(), map[string]any{"typ": "dpop+jwt"}, claims())
		}, "The DPoP proof JWT is invalid."},
		"PS256": {func(t *testing.T, _ string) string {
			return sign(t, jose.PS256, rsaKey(), map[string]any{"typ": "dpop+jwt", "jwk": jose.JSONWebKey{Key: rsaKey().Public()}}, claims())
		}, "The DPoP proof JWT signature algorithm is invalid."},
		"signature": {func(t *testing.T, _ string) string {
			return sign(t, jose.ES256, other, map[string]any{"typ": "dpop+jwt", "jwk": public}, claims())
		}, "The DPoP proof JWT signature is invalid."},
		"other key": {func(t *testing.T, token string) string {
			sum := proofClaims(t, proofOf(t, "GET", publicURL+logsPath, token, "", nil))
			return sign(t, jose.ES256, other, map[string]any{"typ": "dpop+jwt", "jwk": jose.JSONWebKey{Key: other.Public()}}, sum)
		}, "The access_token is not bound to the provided DPoP proof."},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := dpopOrg()
				token := boundToken(t, o)
				a := ask(t, o, logsPath+"?limit=5", "Authorization", "DPoP "+token, "DPoP", c.proof(t, token))
				require.Equal(t, "400 invalid_dpop_proof: "+c.want, a.oauth())
				require.Contains(t, a.header.Get("WWW-Authenticate"), `DPoP algs="RS256 RS384 RS512 ES256 ES384 ES512", `)
				require.Contains(t, a.header.Get("WWW-Authenticate"), c.want)
			})
		})
	}
}

func proofClaims(t *testing.T, proof string) map[string]any {
	t.Helper()
	parsed, err := jose.ParseSignedCompact(proof, algorithms)
	require.NoError(t, err)
	return gjson.ParseBytes(parsed.UnsafePayloadWithoutVerification()).Value().(map[string]any)
}

func TestAProofWithThePrivateKeyIsRefused(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	o := dpopOrg()
	leaky := sign(t, jose.RS256, key, map[string]any{"typ": "dpop+jwt", "jwk": jose.JSONWebKey{Key: key}}, map[string]any{"htm": "POST"})
	require.Equal(t, http.StatusBadRequest, askToken(o, form(assertion(t, nil)), "DPoP", leaky).status)
}

func TestAProofIsGoodOnceAndAlone(t *testing.T) {
	o := dpopOrg()
	token := boundToken(t, o)
	proof := proofOf(t, "GET", publicURL+logsPath, token, "", nil)
	with := []string{"Authorization", "DPoP " + token, "DPoP", proof}
	require.Equal(t, http.StatusOK, ask(t, o, logsPath, with...).status)
	require.Equal(t, "400 invalid_dpop_proof: The DPoP proof JWT has already been used.", ask(t, o, logsPath, with...).oauth())
	a := askToken(o, form(assertion(t, nil)), "DPoP", proof, "DPoP", proof)
	require.Equal(t, "400 invalid_dpop_proof: Multiple DPoP proof JWT headers are not allowed.", a.oauth())
}

func TestSchemeAndTokenMustMatch(t *testing.T) {
	o := serviceOrg()
	bound, plain := boundToken(t, o), askToken(o, form(assertion(t, nil))).accessToken()
	require.Equal(t, "400 invalid_request: The resource request must use the DPoP authentication scheme when the access token is bound.",
		ask(t, o, logsPath, "Authorization", "Bearer "+bound).oauth())
	require.Equal(t, "400 invalid_request: The resource request requires a DPoP proof.",
		ask(t, o, logsPath, "Authorization", "DPoP "+bound).oauth())
	require.Equal(t, "400 invalid_dpop_proof: The access_token is not bound to the provided DPoP proof.",
		ask(t, o, logsPath, "Authorization", "DPoP "+plain, "DPoP", proofOf(t, "GET", publicURL+logsPath, plain, "", nil)).oauth())
}

func TestTheLogMayDemandANonceToo(t *testing.T) {
	o := dpopOrg()
	o.ResourceNonce = true
	token := boundToken(t, o)
	with := func(nonce string) answer {
		return ask(t, o, logsPath, "Authorization", "DPoP "+token, "DPoP", proofOf(t, "GET", publicURL+logsPath, token, nonce, nil))
	}
	a := with("")
	require.Equal(t, "401 use_dpop_nonce: Resource server requires nonce in DPoP proof.", a.oauth())
	require.Equal(t, http.StatusOK, with(a.header.Get("DPoP-Nonce")).status)
}
