package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"
)

// proofBackdate keeps a proof from being "issued in the future" for a clock that runs a little ahead.
// Okta takes proofs up to five minutes old.
const proofBackdate = 30 * time.Second

// prover signs DPoP proofs with a key that exists in memory only, for as long as the authorizer does. It is immutable.
type prover struct {
	signer jose.Signer
}

// proofClaims are the payload of a proof, RFC 9449 section 4.2.
type proofClaims struct {
	ID       string           `json:"jti"`
	Method   string           `json:"htm"`
	URL      string           `json:"htu"`
	IssuedAt *jwt.NumericDate `json:"iat"`
	Nonce    string           `json:"nonce,omitempty"`
	Hash     string           `json:"ath,omitempty"`
}

func newProver() (*prover, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generating the DPoP key: %w", err)
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.ES256, Key: key},
		(&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt")) // embeds the public half
	if err != nil {
		return nil, fmt.Errorf("preparing the DPoP key: %w", err)
	}
	return &prover{signer: signer}, nil
}

// proof signs a proof for one request. token and nonce may be empty. No two proofs share a jti.
func (p *prover) proof(method string, u *url.URL, now time.Time, nonce, token string) (string, error) {
	claims := proofClaims{
		ID:       uuid.NewString(),
		Method:   method,
		URL:      targetURI(u),
		IssuedAt: jwt.NewNumericDate(now.Add(-proofBackdate)),
		Nonce:    nonce,
	}
	if token != "" {
		sum := sha256.Sum256([]byte(token))
		claims.Hash = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return jwt.Signed(p.signer).Claims(claims).Serialize()
}

// targetURI is the URL as a server sees it, without query and fragment, normalized as RFC 9449 section
// 4.3 asks: lower-case scheme and host, no default port, never an empty path.
func targetURI(u *url.URL) string {
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	switch scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	return scheme + "://" + host + path
}

// proofNonce reads the nonce out of a proof of our own, "" without one.
func proofNonce(proof string) string {
	token, err := jwt.ParseSigned(proof, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return ""
	}
	var claims proofClaims
	if token.UnsafeClaimsWithoutVerification(&claims) != nil {
		return ""
	}
	return claims.Nonce
}
