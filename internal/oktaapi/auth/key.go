package auth

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/grafana/alloy/okta/internal/httptext"
)

// minRSABits is what Okta generates, and the least that RFC 7518 section 3.3 allows.
const minRSABits = 2048

// maxKeyBytes is twice what an RSA key of 16384 bits needs as JWK. Checking a larger one could take minutes.
const maxKeyBytes = 32 << 10

// keyForms ends every error about a key that was not understood.
const keyForms = "allowed are a PEM private key (PKCS#8, PKCS#1 or SEC1 EC), a JWK or a JWKS, with an RSA key of at least 2048 bits or " +
	"an EC key on P-256, P-384 or P-521"

// signingKey is the app's private key, ready to sign.
type signingKey struct {
	alg    jose.SignatureAlgorithm
	kid    string // "": none is sent
	signer jose.Signer
	secret []byte // the private part, the same in every form
}

// parseKey reads a private key from PEM, JWK or JWKS text. keyID selects the key of a JWKS, and names a
// key that has no id of its own. Errors continue a sentence that begins with the setting's name, and hold
// no byte of the key: what the libraries say is dropped, since they may quote their input.
func parseKey(text []byte, keyID string) (*signingKey, error) {
	text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))
	switch {
	case len(text) == 0:
		return nil, errors.New("is empty; " + keyForms)
	case text[0] == '{':
		return parseJSONKey(text, keyID)
	case bytes.Contains(text, []byte("-----BEGIN ")):
		key, err := parsePEM(text)
		if err != nil {
			return nil, err
		}
		return newSigningKey(key, "", keyID)
	case bytes.HasPrefix(text, []byte("LS0tLS1CRUdJTi")):
		return nil, errors.New("is base64 of a PEM key: decode it first")
	case len(text) < 256 && bytes.ContainsAny(text, "/.") && !bytes.ContainsAny(text, "\n"):
		return nil, errors.New("looks like a path: use private_key_file for a file; " + keyForms)
	}
	return nil, errors.New("is not a private key; " + keyForms)
}

// newSigningKey checks the key and picks the algorithm: the JWK's own, else RS256 or the curve's only one.
func newSigningKey(key any, alg, kid string) (*signingKey, error) {
	var allowed []jose.SignatureAlgorithm
	var public any
	var secret []byte
	switch key := key.(type) {
	case *rsa.PrivateKey:
		if bits := key.N.BitLen(); bits < minRSABits {
			return nil, fmt.Errorf("is an RSA key of %d bits: at least %d are required", bits, minRSABits)
		}
		allowed, public = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512}, &key.PublicKey
		secret = key.D.Bytes()
	case *ecdsa.PrivateKey:
		switch key.Curve {
		case elliptic.P256():
			allowed = []jose.SignatureAlgorithm{jose.ES256}
		case elliptic.P384():
			allowed = []jose.SignatureAlgorithm{jose.ES384}
		case elliptic.P521():
			allowed = []jose.SignatureAlgorithm{jose.ES512}
		default:
			return nil, fmt.Errorf("is an EC key on curve %s: P-256, P-384 or P-521 is required", key.Curve.Params().Name)
		}
		public = &key.PublicKey
		var err error
		if secret, err = key.Bytes(); err != nil {
			return nil, errors.New("is damaged: its private part is not of its curve")
		}
	default:
		return nil, fmt.Errorf("is a key of type %T, which Okta does not take; %s", key, keyForms)
	}

	k := &signingKey{alg: allowed[0], kid: kid, secret: secret}
	if alg != "" {
		if k.alg = jose.SignatureAlgorithm(alg); !slices.Contains(allowed, k.alg) {
			return nil, fmt.Errorf("has alg %q: this key can be used with %q", httptext.Clean(alg, 16), allowed)
		}
	}
	var err error
	k.signer, err = jose.NewSigner(
		jose.SigningKey{Algorithm: k.alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return nil, errors.New("cannot be used for signing; " + keyForms)
	}
	// A damaged JWK can have a public half that does not belong to the private one. Better said now than by Okta as an invalid signature.
	signed, err := k.signer.Sign([]byte("self-test"))
	if err != nil {
		return nil, errors.New("cannot be used for signing: the key is damaged")
	}
	if _, err := signed.Verify(public); err != nil {
		return nil, errors.New("is damaged: its public part does not belong to its private part")
	}
	return k, nil
}

var errEncrypted = errors.New("is encrypted with a passphrase, which is not supported: store it decrypted (openssl pkey -in " +
	"encrypted.pem -out plain.pem) and protect the file instead")

var pemBoundary = regexp.MustCompile(`-----(BEGIN|END) [A-Z0-9 ]+-----`)

// parsePEM finds the one private key among the PEM blocks. Text of a single line, with \n spelled out or
// newlines turned into spaces as environment variables do, is accepted.
func parsePEM(text []byte) (any, error) {
	if bytes.Contains(text, []byte("Proc-Type: 4,ENCRYPTED")) { // RFC 1421, as openssl wrote before PKCS#8
		return nil, errEncrypted
	}
	text = []byte(strings.NewReplacer(`\r`, "", `\n`, "\n", "\r", "").Replace(string(text)))
	text = pemBoundary.ReplaceAllFunc(text, func(b []byte) []byte {
		return slices.Concat([]byte("\n"), b, []byte("\n"))
	})

	var key any
	var public, seen bool
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		seen = true
		switch kind := block.Type; {
		case kind == "ENCRYPTED PRIVATE KEY":
			return nil, errEncrypted
		case kind == "OPENSSH PRIVATE KEY":
			return nil, errors.New("is in OpenSSH format; " + keyForms)
		case strings.HasSuffix(kind, "PRIVATE KEY"):
			if key != nil {
				return nil, errors.New("holds more than one private key: leave only the one that is registered in Okta")
			}
			if len(block.Bytes) > maxKeyBytes {
				return nil, fmt.Errorf("has a key of %d bytes: at most %d are read", len(block.Bytes), maxKeyBytes)
			}
			if key = parseDER(block.Bytes); key == nil {
				return nil, fmt.Errorf("has a %s block that cannot be read, it is damaged or of an unknown kind; %s", kind, keyForms)
			}
		case strings.HasSuffix(kind, "PUBLIC KEY"), kind == "CERTIFICATE":
			public = true
		}
	}
	switch {
	case key != nil:
		return key, nil
	case public:
		return nil, errors.New("is a public key or certificate: the private key is needed, the public key is what Okta holds")
	case seen:
		return nil, errors.New("has no private key block; " + keyForms)
	}
	return nil, errors.New("is a damaged PEM text; " + keyForms)
}

// parseDER goes by content, not by the PEM label, since tools disagree about labels. nil: none fits.
func parseDER(der []byte) any {
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		return key
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key
	}
	return nil
}

// jwkHead is what decides about a JWK before its key material is decoded.
type jwkHead struct {
	Kty, Kid, Use, Crv string
	D, P, Q            json.RawMessage
	Keys               []json.RawMessage
}

func parseJSONKey(text []byte, keyID string) (*signingKey, error) {
	var head jwkHead
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, errors.New("is not valid JSON; " + keyForms)
	}
	if head.Keys == nil {
		return parseJWK(text, head, keyID)
	}

	// RFC 7517 section 5: members of a set that are not understood are ignored, here until asked for.
	var ids []string
	var found []json.RawMessage
	var heads []jwkHead
	for _, raw := range head.Keys {
		var h jwkHead
		if json.Unmarshal(raw, &h) != nil {
			continue
		}
		ids = append(ids, httptext.Clean(h.Kid, 64))
		if keyID != "" && h.Kid == keyID || keyID == "" && h.D != nil {
			found, heads = append(found, raw), append(heads, h)
		}
	}
	switch {
	case len(found) == 1:
		return parseJWK(found[0], heads[0], keyID)
	case keyID != "" && len(found) == 0:
		return nil, fmt.Errorf("is a JWKS without the key_id %q: it has %q", httptext.Clean(keyID, 64), ids)
	case keyID != "":
		return nil, fmt.Errorf("is a JWKS with %d keys of the key_id %q: ids must be unique", len(found), httptext.Clean(keyID, 64))
	case len(found) == 0:
		return nil, errors.New("is a JWKS without a private key: the private key is needed, the public key is what Okta holds")
	}
	return nil, fmt.Errorf("is a JWKS with %d private keys: set key_id to one of %q", len(found), ids)
}

func parseJWK(text []byte, head jwkHead, keyID string) (*signingKey, error) {
	switch {
	case len(text) > maxKeyBytes:
		return nil, fmt.Errorf("is a JWK of %d bytes: at most %d are read", len(text), maxKeyBytes)
	case head.Kty != "RSA" && head.Kty != "EC":
		return nil, fmt.Errorf("is a JWK with kty %q: RSA or EC is required", httptext.Clean(head.Kty, 16))
	case head.Kty == "EC" && !slices.Contains([]string{"P-256", "P-384", "P-521"}, head.Crv):
		return nil, fmt.Errorf("is a JWK with crv %q: P-256, P-384 or P-521 is required", httptext.Clean(head.Crv, 16))
	case head.D == nil:
		return nil, errors.New(`is a public JWK (it has no "d"): the private key is needed, the public key is what Okta holds`)
	case head.Kty == "RSA" && (head.P == nil || head.Q == nil):
		return nil, errors.New(`is an RSA JWK without the primes "p" and "q": generate or export it again with them`)
	case head.Use != "" && head.Use != "sig":
		return nil, fmt.Errorf(`is a JWK with use %q: a key for signing ("sig") is required`, httptext.Clean(head.Use, 16))
	case keyID != "" && head.Kid != "" && keyID != head.Kid:
		return nil, fmt.Errorf("is a JWK with kid %q, but key_id is %q: remove key_id, or make them equal", httptext.Clean(head.Kid, 64),
			httptext.Clean(keyID, 64))
	}
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON(text); err != nil {
		return nil, errors.New("is a damaged JWK: a value is missing, has the wrong length or does not fit the others")
	}
	if jwk.KeyID == "" {
		jwk.KeyID = keyID
	}
	return newSigningKey(jwk.Key, jwk.Algorithm, jwk.KeyID)
}
