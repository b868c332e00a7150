package oktasim

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// DPoP: RFC 9449, and Okta's guide to it.

const (
	badProof = "invalid_dpop_proof"
	useNonce = "use_dpop_nonce"

	oldestProof   = 5 * time.Minute
	nonceRenewal  = 24 * time.Hour
	nonceSurvival = 3 * 24 * time.Hour // of a nonce after its renewal
)

// proof is a DPoP proof that was verified, but for ath and nonce.
type proof struct {
	Nonce      string
	Hash       string // ath
	thumbprint string // of the key, RFC 7638
}

// verifyProof checks the DPoP header of a request to a URL without query.
func (o *Org) verifyProof(r *http.Request, target string, now time.Time) (proof, *oauthError) {
	bad := func(words string) (proof, *oauthError) { return proof{}, badRequest(badProof, words) }
	token, key, words := signedProof(r)
	if words != "" {
		return bad(words)
	}
	var claims struct {
		Method   string          `json:"htm"`
		URL      string          `json:"htu"`
		IssuedAt json.RawMessage `json:"iat"`
		Expiry   json.RawMessage `json:"exp"`
		ID       string          `json:"jti"`
		Nonce    string          `json:"nonce"`
		Hash     string          `json:"ath"`
	}
	if err := token.Claims(key.Key, &claims); err != nil {
		return bad("The DPoP proof JWT signature is invalid.")
	}
	issued, ok := numericDate(claims.IssuedAt)
	expiry, expires := numericDate(claims.Expiry)
	switch {
	case claims.Method != r.Method:
		return bad("'htm' claim in the DPoP proof JWT is invalid.")
	case claims.URL != target:
		return bad("'htu' claim in the DPoP proof JWT is invalid.")
	case !ok:
		return bad("'iat' claim in the DPoP proof JWT is invalid.")
	case issued.After(now):
		return bad("The DPoP proof JWT is issued in the future.")
	case now.Sub(issued) > oldestProof:
		return bad("The DPoP proof JWT is issued more than five minutes in the past.")
	case expires && !expiry.After(now):
		return bad("The DPoP proof JWT is expired.")
	case claims.ID == "":
		return bad("'jti' claim in the DPoP proof JWT is invalid.")
	}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return bad("The DPoP proof JWT is invalid.")
	}
	thumbprint := base64.RawURLEncoding.EncodeToString(sum)
	if !use(&o.oauth.proofs, thumbprint+" "+claims.ID, now, issued.Add(oldestProof)) {
		return bad("The DPoP proof JWT has already been used.")
	}
	return proof{Nonce: claims.Nonce, Hash: claims.Hash, thumbprint: thumbprint}, nil
}

// verifyBinding checks the proof of a System Log request against its access token.
func (o *Org) verifyBinding(r *http.Request, token, thumbprint string, now time.Time) *oauthError {
	if len(r.Header.Values("DPoP")) == 0 {
		return badRequest("invalid_request", "The resource request requires a DPoP proof.")
	}
	p, e := o.verifyProof(r, o.base(r)+(&url.URL{Path: r.URL.Path}).EscapedPath(), now)
	if e != nil {
		return e
	}
	sum := sha256.Sum256([]byte(token))
	switch {
	case p.Hash != base64.RawURLEncoding.EncodeToString(sum[:]):
		return badRequest(badProof, "'ath' claim in the DPoP proof does not match the presented access_token.")
	case p.thumbprint != thumbprint:
		return badRequest(badProof, "The access_token is not bound to the provided DPoP proof.")
	case o.ResourceNonce && !o.knownNonce(p.Nonce, now):
		return &oauthError{http.StatusUnauthorized, useNonce, "Resource server requires nonce in DPoP proof."}
	}
	return nil
}

// nonce is what proofs at the token endpoint must carry. It is renewed after nonceRenewal.
type nonce struct {
	value string
	born  time.Time
}

// currentNonce renews the nonce when it is a day old.
func (o *Org) currentNonce(now time.Time) string {
	s := &o.oauth
	if len(s.nonces) == 0 {
		s.nonces = []nonce{{rand.Text(), now}}
	}
	for now.Sub(s.nonces[0].born) >= nonceRenewal {
		s.nonces = slices.Insert(s.nonces, 0, nonce{rand.Text(), s.nonces[0].born.Add(nonceRenewal)})
	}
	s.nonces = slices.DeleteFunc(s.nonces, func(n nonce) bool { return now.Sub(n.born) > nonceRenewal+nonceSurvival })
	return s.nonces[0].value
}

func (o *Org) knownNonce(value string, now time.Time) bool {
	o.currentNonce(now)
	return slices.ContainsFunc(o.oauth.nonces, func(n nonce) bool { return n.value == value })
}

// RotateNonce makes every DPoP nonce handed out so far invalid, at once. By itself a nonce is renewed after 24 hours, and the old one holds
// for three days more.
func (o *Org) RotateNonce() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.oauth.nonces = nil
}

// signedProof is the proof of a request and the key that it names, or why there is none. Its signature is not checked.
func signedProof(r *http.Request) (token *jwt.JSONWebToken, key *jose.JSONWebKey, refused string) {
	headers := r.Header.Values("DPoP")
	switch {
	case len(headers) == 0 || headers[0] == "":
		return nil, nil, "The DPoP proof JWT header is missing."
	case len(headers) > 1:
		return nil, nil, "Multiple DPoP proof JWT headers are not allowed."
	}
	token, err := jwt.ParseSigned(headers[0], readable)
	if err != nil {
		return nil, nil, "The DPoP proof JWT cannot be parsed."
	}
	header := token.Headers[0]
	key = header.JSONWebKey
	switch {
	case header.ExtraHeaders[jose.HeaderType] != "dpop+jwt":
		return nil, nil, "'typ' must be 'dpop+jwt' in the DPoP proof JWT."
	case !slices.Contains(algorithms, jose.SignatureAlgorithm(header.Algorithm)):
		return nil, nil, "The DPoP proof JWT signature algorithm is invalid."
	case key == nil || !key.Valid() || !key.IsPublic():
		return nil, nil, "The DPoP proof JWT is invalid."
	}
	return token, key, ""
}
