package auth

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/grafana/alloy/okta/internal/oktaapi"
)

// remedy tells what to look at for one refusal. The first entry whose fields all match wins.
type remedy struct {
	method string // prefix of Method(); "" matches any
	status int    // 0 matches any
	code   string // "" matches any
	words  string // part of the description, in any case; "" matches any
	advice string
}

func findRemedy(table []remedy, method string, status int, r oktaapi.Refusal) string {
	description := strings.ToLower(r.Description)
	for _, m := range table {
		if strings.HasPrefix(method, m.method) && (m.status == 0 || m.status == status) &&
			(m.code == "" || m.code == r.Code) && strings.Contains(description, strings.ToLower(m.words)) {

			return m.advice
		}
	}
	return ""
}

// OAuth's errors of the token endpoint (RFC 6749 section 5.2) and of DPoP (RFC 9449 sections 5 and 8), and words of Okta's descriptions.
const (
	invalidClient = "invalid_client"
	invalidProof  = "invalid_dpop_proof"
	useNonce      = "use_dpop_nonce"
	accessDenied  = "access_denied"

	inTheFuture = "the future"
)

const (
	adviceClient  = "client_id must be the client ID of the service app, in the org that url names"
	adviceForeign = "check url, proxy_url, and proxies or gateways on the way: the answer is not Okta's"
	adviceProxy   = "the proxy wants credentials: check proxy_url"
	adviceClock   = "the clock of this machine and Okta's differ: synchronize it (NTP)"
	adviceRole    = "assign an admin role that may view the System Log to the service app, under its Admin roles tab; the scope alone is " +
		"not enough"
	adviceZone = "the service app, or its tokens, may be used from certain network zones only: allow this machine's public IP address " +
		"under Security > Networks, or use the proxy that is allowed"
)

// proofRemedies are for a DPoP proof, which both want.
var proofRemedies = []remedy{
	{
		code: invalidProof, words: "'htu'",
		advice: "url must be the org's own URL, exactly as Okta knows it; a proxy that rewrites host or path breaks DPoP",
	},
	{code: invalidProof, words: inTheFuture, advice: adviceClock},
	{code: invalidProof, words: "in the past", advice: adviceClock},
	{code: invalidProof, words: "'iat'", advice: adviceClock},
	{code: invalidProof, advice: "Okta does not accept the DPoP proof: look for a proxy that changes or repeats requests"},
}

// tokenRemedies are for the token endpoint. Codes and words: Okta's OAuth error catalog.
var tokenRemedies = slices.Concat([]remedy{
	{
		code: invalidClient, words: "signature is invalid",
		advice: "private_key is not the key registered in Okta under that key_id: compare with the app's public keys, and set key_id if it has " +
			"several",
	},
	{
		code: invalidClient, words: "kid is invalid",
		advice: "set key_id to the KID of the app's public key that belongs to private_key; a key that is inactive in Okta counts as missing",
	},
	{
		code: invalidClient, words: "audience claim",
		advice: "url must be the org's own URL, exactly as Okta knows it: not the -admin host, not a proxy's name",
	},
	{code: invalidClient, words: "current time", advice: adviceClock},
	{code: invalidClient, words: "is expired", advice: adviceClock},
	{code: invalidClient, words: inTheFuture, advice: adviceClock},
	{
		code: invalidClient, words: "already been used",
		advice: "something between this machine and Okta sends requests twice: look at the proxy",
	},
	{
		code: invalidClient, words: "JWKSet",
		advice: "register the public key in the app: Client Credentials > Public key / Private key > Add key, saved in Okta and active",
	},
	{code: invalidClient, words: "jwks_uri", advice: "the app reads its public keys from a URL: check that URL, or save the key in Okta"},
	{code: invalidClient, words: "issuer claim", advice: adviceClient},
	{code: invalidClient, words: "subject claim", advice: adviceClient},
	{code: invalidClient, words: "'client_id'", advice: adviceClient},
	{
		code: invalidClient, words: "signature algorithm",
		advice: "register the public key with the algorithm that the private key uses: RS256 or ES256, or the JWK's own alg",
	},
	{code: invalidClient, words: "'use' parameter", advice: "register the public key for signing (use: sig)"},
	{code: invalidClient, words: "signing key", advice: "register the public key for signing (use: sig)"},
	{code: invalidClient, words: methodJWT, advice: "set the app's client authentication to Public key / Private key"},
	{code: invalidClient, words: "'application_type'", advice: "create the app as API Services: other types get no client credentials"},
	{
		code: invalidClient, advice: "check client_id, that the app is active, and that its client authentication is Public key / Private key",
	},
	{
		code:   "invalid_scope",
		advice: "scopes must name Okta API scopes, such as okta.logs.read, and url must be the org itself, without an authorization server",
	},
	{code: "consent_required", advice: "grant the app every scope named in scopes, under its Okta API Scopes tab; okta.logs.read is enough"},
	{code: accessDenied, words: "network zone", advice: adviceZone},
	{code: accessDenied, advice: "the org's policies deny this app: look for the denial in the System Log, under the app's name"},
	{code: "unauthorized_client", advice: "allow the grant type Client Credentials in the app's general settings"},
	{code: "unsupported_grant_type", advice: "url must be the org itself: its token endpoint does not know the grant type client_credentials"},
	{code: useNonce, advice: "Okta keeps asking for another DPoP nonce: look for a proxy that drops the DPoP or DPoP-Nonce header"},
	{
		method: "private_key_jwt+dpop", code: invalidProof, words: "header is missing",
		advice: "something between this machine and Okta removes the DPoP header: look at the proxy",
	},
	{
		code: invalidProof, words: "header is missing",
		advice: `the app requires DPoP: set dpop to "auto" or "always", or clear "Require Demonstrating Proof of Possession (DPoP)" in the app`,
	},
}, proofRemedies, []remedy{
	{status: 404, advice: "url does not lead to an Okta org: check the spelling, and that the org exists"},
	{status: 405, advice: "url does not lead to an Okta org: check the spelling, and that the org exists"},
	{status: 429, advice: "the org's rate limit for token requests is used up: it passes by itself"},
})

// apiRemedies are for the API. Codes: Okta's API error catalog; words of OAuth errors as above.
var apiRemedies = slices.Concat([]remedy{
	{
		method: methodSSWS, code: "E0000011",
		advice: "api_token is not known to Okta: wrong org, revoked, unused for 30 days, or its creator was deactivated; create a new one",
	},
	{
		method: methodJWT, code: "E0000011",
		advice: "Okta refuses a new access token: check in the System Log whether the app or its tokens were revoked",
	},
	{
		method: methodJWT, status: 401, code: "invalid_token",
		advice: "Okta refuses a new access token: check in the System Log whether the app or its tokens were revoked",
	},
	{code: "insufficient_scope", advice: "grant okta.logs.read to the app, under its Okta API Scopes tab, and name it in scopes"},
	{
		method: methodSSWS, code: "E0000006",
		advice: "the admin who created api_token may not view the System Log: create the token as an admin whose role may",
	},
	{method: methodJWT, code: "E0000006", advice: adviceRole},
	{code: accessDenied, words: "network zone", advice: adviceZone},
	{method: methodJWT, code: "invalid_request", words: "DPoP", advice: `the app requires DPoP: set dpop to "auto" or "always"`},
}, proofRemedies, []remedy{
	{method: methodSSWS, status: 401, advice: "check api_token, and that it belongs to the org that url names"},
	{
		method: methodSSWS, status: 403,
		advice: "check the role of the admin who created api_token, and the network zones the token may be used from",
	},
	{method: methodJWT, status: 401, advice: "check the service app"},
	{method: methodJWT, status: 403, advice: "check the app's scopes, admin roles and network zones"},
	{status: 404, advice: "check url: there is no System Log at it"},
	{status: 400, advice: "check filter and query"},
})

// Refused names what an answer with status refuses, for people.
func Refused(method string, status int) string {
	switch {
	case status < 400, status == http.StatusNotFound:
		return "the address"
	case status == http.StatusUnauthorized && method == methodSSWS:
		return "the API token"
	case status == http.StatusUnauthorized:
		return "the access token"
	case status == http.StatusForbidden:
		return "access to the System Log"
	}
	return "the request"
}

// Remedy says what to look at after a failed [oktaapi.Client.Fetch], in a sentence without a capital or a full stop. method is the
// authorizer's. "" means that nothing is known, as for most transient failures, or that the error's own text has it.
func Remedy(method string, err error) string {
	var own *Error
	var dns *net.DNSError
	var e *oktaapi.Error
	switch {
	case errors.As(err, &own):
		return ""
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Sprintf("check url: there is no host %q, or DNS does not know it (a proxy_url may be wrong, too)", dns.Name)
	case !errors.As(err, &e):
		return ""
	case e.Status == http.StatusProxyAuthRequired:
		return adviceProxy
	case e.Foreign:
		return adviceForeign
	case e.Class != oktaapi.Refused || e.Status == 0:
		return ""
	}
	if e.Status < 400 {
		return "set url to the org's own address"
	}
	if known := findRemedy(apiRemedies, method, e.Status, oktaapi.Refusal{Code: e.Code, Description: e.Summary}); known != "" {
		return known
	}
	return "check url, filter and query" // no status is known to mean anything else
}
