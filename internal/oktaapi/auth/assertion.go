package auth

import (
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"
)

const (
	// Okta refuses an assertion that was not "issued before the current time", so it is back-dated by
	// what an unsynchronized clock may run ahead.
	assertionBackdate = time.Minute
	// assertionLife counts from iat. Okta allows an hour; RFC 7523 asks for "a limited time".
	assertionLife = 5 * time.Minute
)

// assertion signs a new client assertion (RFC 7523 section 3). It can be used once: Okta remembers jti.
func (k *signingKey) assertion(clientID, audience string, now time.Time) (string, error) {
	issued := now.Add(-assertionBackdate)
	return jwt.Signed(k.signer).Claims(jwt.Claims{
		Issuer:   clientID,
		Subject:  clientID,
		Audience: jwt.Audience{audience},
		IssuedAt: jwt.NewNumericDate(issued),
		Expiry:   jwt.NewNumericDate(issued.Add(assertionLife)),
		ID:       uuid.NewString(),
	}).Serialize()
}
