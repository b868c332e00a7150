package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"
)

func generateRSA(bits int) *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return key
}

func generateEC(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	require.NoError(t, err)
	return key
}

func pemText(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func pkcs8(t *testing.T, key any) string {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return pemText("PRIVATE KEY", der)
}

func sec1(t *testing.T, key *ecdsa.PrivateKey) string {
	der, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	return pemText("EC PRIVATE KEY", der)
}

func pkix(t *testing.T, key any) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	require.NoError(t, err)
	return pemText("PUBLIC KEY", der)
}

func jwkText(t *testing.T, key jose.JSONWebKey) string {
	text, err := json.Marshal(key)
	require.NoError(t, err)
	return string(text)
}

func TestEveryFormOfPrivateKeySigns(t *testing.T) {
	rsaKey := testRSA()
	p256, p384, p521 := generateEC(t, elliptic.P256()), generateEC(t, elliptic.P384()), generateEC(t, elliptic.P521())
	pkcs1 := pemText("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey))
	other := jwkText(t, jose.JSONWebKey{Key: p384, KeyID: "other"})
	mine := jwkText(t, jose.JSONWebKey{Key: rsaKey, KeyID: "mine", Algorithm: "RS384"})
	public := jwkText(t, jose.JSONWebKey{Key: &p256.PublicKey, KeyID: "public"})

	for name, c := range map[string]struct {
		text, keyID string
		key         crypto.Signer
		alg         jose.SignatureAlgorithm
		kid         string
	}{
		"PKCS#8 RSA":             {pkcs8(t, rsaKey), "", rsaKey, jose.RS256, ""},
		"PKCS#8 RSA with key_id": {pkcs8(t, rsaKey), "k", rsaKey, jose.RS256, "k"},
		"PKCS#1":                 {pkcs1, "", rsaKey, jose.RS256, ""},
		"PKCS#8 EC P-256":        {pkcs8(t, p256), "", p256, jose.ES256, ""},
		"PKCS#8 EC P-384":        {pkcs8(t, p384), "", p384, jose.ES384, ""},
		"SEC1 P-256":             {sec1(t, p256), "", p256, jose.ES256, ""},
		"SEC1 P-521":             {sec1(t, p521), "", p521, jose.ES512, ""},
		"SEC1 after its parameters": {
			pemText("EC PARAMETERS", []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7}) + sec1(t, p256), "", p256, jose.ES256, "",
		},
		"PEM with its certificate's key": {pkix(t, &rsaKey.PublicKey) + pkcs1, "", rsaKey, jose.RS256, ""},
		"PEM under a wrong label":        {strings.ReplaceAll(pkcs1, "RSA PRIVATE", "PRIVATE"), "", rsaKey, jose.RS256, ""},
		"PEM in one line with \\n":       {strings.ReplaceAll(pkcs8(t, rsaKey), "\n", `\n`), "", rsaKey, jose.RS256, ""},
		"PEM in one line with \\r\\n":    {strings.ReplaceAll(pkcs8(t, rsaKey), "\n", `\r\n`), "", rsaKey, jose.RS256, ""},
		"PEM in one line with spaces":    {strings.ReplaceAll(pkcs8(t, rsaKey), "\n", " "), "", rsaKey, jose.RS256, ""},
		"PEM with CRLF, BOM and text around": {
			"\xef\xbb\xbfBag Attributes\r\n" + strings.ReplaceAll(pkcs1, "\n", "\r\n") + "\r\n", "", rsaKey, jose.RS256, "",
		},
		"JWK RSA without alg": {jwkText(t, jose.JSONWebKey{Key: rsaKey}), "", rsaKey, jose.RS256, ""},
		"JWK RSA RS512 with its own kid": {
			jwkText(t, jose.JSONWebKey{Key: rsaKey, KeyID: "a", Algorithm: "RS512", Use: "sig"}), "", rsaKey, jose.RS512, "a",
		},
		"JWK without kid takes key_id": {jwkText(t, jose.JSONWebKey{Key: p521, Algorithm: "ES512"}), "b", p521, jose.ES512, "b"},
		"JWK EC P-384":                 {jwkText(t, jose.JSONWebKey{Key: p384, KeyID: "c"}), "c", p384, jose.ES384, "c"},
		"JWKS with one key":            {`{"keys":[` + mine + `]}`, "", rsaKey, jose.RS384, "mine"},
		"JWKS with one private key": {
			`{"keys":[` + public + `,` + mine + `,{"kty":"oct","k":"AA"},7]}`, "", rsaKey, jose.RS384, "mine",
		},
		"JWKS by key_id":                      {` {"keys":[` + other + `,` + mine + `]} `, "other", p384, jose.ES384, "other"},
		"JWKS with one key and no kid at all": {`{"keys":[` + jwkText(t, jose.JSONWebKey{Key: p256}) + `]}`, "", p256, jose.ES256, ""},
	} {
		t.Run(name, func(t *testing.T) {
			key, err := parseKey([]byte(c.text), c.keyID)
			require.NoError(t, err)
			require.Equal(t, c.alg, key.alg)
			require.Equal(t, privatePart(t, c.key), key.secret, "other nodes may have the key in another form")
			signed, err := key.signer.Sign([]byte("payload"))
			require.NoError(t, err)
			text, err := signed.CompactSerialize()
			require.NoError(t, err)
			received, err := jose.ParseSignedCompact(text, allAlgorithms)
			require.NoError(t, err)
			require.Equal(t, c.kid, received.Signatures[0].Header.KeyID)
			require.Equal(t, string(c.alg), received.Signatures[0].Header.Algorithm)
			_, err = received.Verify(c.key.Public())
			require.NoError(t, err)
		})
	}
}

func TestWhatIsNotAUsablePrivateKeyIsRefusedWithAReason(t *testing.T) {
	rsaKey, small := testRSA(), generateRSA(1024)
	p256, p224 := generateEC(t, elliptic.P256()), generateEC(t, elliptic.P224())
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	pkcs1 := pemText("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey))
	legacy := strings.Replace(pkcs1, "-----\n", "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n", 1)
	jwk := func(key any, change func(map[string]any)) string {
		var doc map[string]any
		require.NoError(t, json.Unmarshal([]byte(jwkText(t, jose.JSONWebKey{Key: key, KeyID: "a"})), &doc))
		change(doc)
		text, err := json.Marshal(doc)
		require.NoError(t, err)
		return string(text)
	}
	same := func(map[string]any) {}
	foreign := generateEC(t, elliptic.P256())

	for name, c := range map[string]struct{ text, keyID, want string }{
		"empty":              {" \n", "", "is empty"},
		"prose":              {"hunter2 canary", "", "is not a private key"},
		"a path":             {"/etc/okta/key.pem", "", "use private_key_file"},
		"base64 of PEM":      {base64.StdEncoding.EncodeToString([]byte(pkcs1)), "", "decode it first"},
		"public key":         {pkix(t, &rsaKey.PublicKey), "", "is a public key or certificate: the private key is needed"},
		"encrypted PKCS#8":   {pemText("ENCRYPTED PRIVATE KEY", []byte("x")), "", "is encrypted with a passphrase"},
		"encrypted PKCS#1":   {legacy, "", "is encrypted with a passphrase"},
		"OpenSSH":            {pemText("OPENSSH PRIVATE KEY", []byte("x")), "", "OpenSSH format"},
		"damaged DER":        {pemText("PRIVATE KEY", []byte("canary")), "", "cannot be read"},
		"cut PEM":            {pkcs1[:200], "", "damaged PEM"},
		"other PEM":          {pemText("X509 CRL", []byte("x")), "", "no private key block"},
		"two keys":           {pkcs1 + pkcs8(t, p256), "", "more than one private key"},
		"RSA 1024":           {pkcs8(t, small), "", "1024 bits: at least 2048"},
		"RSA 1024 as JWK":    {jwk(small, same), "", "1024 bits: at least 2048"},
		"P-224":              {sec1(t, p224), "", "curve P-224"},
		"Ed25519":            {pkcs8(t, edKey), "", "ed25519.PrivateKey, which Okta does not take"},
		"broken JSON":        {`{"kty":"RSA",`, "", "is not valid JSON"},
		"JWK symmetric":      {`{"kty":"oct","k":"Y2FuYXJ5"}`, "", `kty "oct": RSA or EC`},
		"JWK without kty":    {`{}`, "", `kty ""`},
		"JWK on secp256k1":   {jwk(p256, func(m map[string]any) { m["crv"] = "secp256k1" }), "", `crv "secp256k1"`},
		"JWK public":         {jwkText(t, jose.JSONWebKey{Key: &rsaKey.PublicKey}), "", "is a public JWK"},
		"JWK without primes": {jwk(rsaKey, func(m map[string]any) { delete(m, "p") }), "", `without the primes`},
		"JWK for encryption": {jwk(rsaKey, func(m map[string]any) { m["use"] = "enc" }), "", `use "enc"`},
		"JWK with PS256": {
			jwk(rsaKey, func(m map[string]any) { m["alg"] = "PS256" }), "", `alg "PS256": this key can be used with ["RS256" "RS384" "RS512"]`,
		},
		"JWK with the alg of another": {jwk(p256, func(m map[string]any) { m["alg"] = "ES384" }), "", `["ES256"]`},
		"JWK with another kid":        {jwk(rsaKey, same), "b", `kid "a", but key_id is "b"`},
		"JWK cut short":               {jwk(p256, func(m map[string]any) { m["d"] = "AAAA" }), "", "is a damaged JWK"},
		"JWK with a foreign public key": {jwk(p256, func(m map[string]any) {
			f := jwk(foreign, same)
			var d map[string]any
			_ = json.Unmarshal([]byte(f), &d)
			m["d"] = d["d"]
		}), "", "damaged"},
		"JWK of a megabyte": {jwk(rsaKey, func(m map[string]any) { m["n"] = strings.Repeat("A", 1<<20) }), "", "at most 32768 are read"},
		"PEM of a megabyte": {pemText("PRIVATE KEY", make([]byte, 1<<20)), "", "at most 32768 are read"},
		"JWKS empty":        {`{"keys":[]}`, "", "JWKS without a private key"},
		"JWKS only public":  {`{"keys":[` + jwkText(t, jose.JSONWebKey{Key: &p256.PublicKey}) + `]}`, "", "JWKS without a private key"},
		"JWKS ambiguous": {
			`{"keys":[` + jwk(rsaKey, same) + `,` + jwkText(t, jose.JSONWebKey{Key: p256, KeyID: "z"}) + `]}`, "",
			`2 private keys: set key_id to one of ["a" "z"]`,
		},
		"JWKS without that key": {`{"keys":[` + jwk(rsaKey, same) + `]}`, "q", `without the key_id "q": it has ["a"]`},
		"JWKS with twins":       {`{"keys":[` + jwk(rsaKey, same) + `,` + jwk(rsaKey, same) + `]}`, "a", "ids must be unique"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseKey([]byte(c.text), c.keyID)
			require.ErrorContains(t, err, c.want)
			for _, canary := range []string{"canary", "Y2FuYXJ5", "hunter2"} {
				require.NotContains(t, err.Error(), canary)
			}
		})
	}
}

func privatePart(t *testing.T, key crypto.Signer) []byte {
	if ec, ok := key.(*ecdsa.PrivateKey); ok {
		secret, err := ec.Bytes()
		require.NoError(t, err)
		return secret
	}
	return key.(*rsa.PrivateKey).D.Bytes()
}

func TestTheSecretOfAKeyFileIsThatOfTheFileNow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "okta.pem")
	org, err := url.Parse("https://acme.okta.com")
	require.NoError(t, err)
	a, err := NewPrivateKeyJWT(Options{OrgURL: org, ClientID: "0oa1", PrivateKeyFile: path})
	require.NoError(t, err)
	require.Nil(t, a.Secret(), "there is no file yet")

	first, second := testRSA(), generateEC(t, elliptic.P256())
	written := time.Now()
	write := func(text string) {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		written = written.Add(time.Second)
		require.NoError(t, os.Chtimes(path, written, written))
	}
	write(pkcs8(t, first))
	require.Equal(t, privatePart(t, first), a.Secret())
	write("half a ke")
	require.Equal(t, privatePart(t, first), a.Secret())
	write(sec1(t, second))
	require.Equal(t, privatePart(t, second), a.Secret())
	require.NoError(t, os.Remove(path))
	require.Equal(t, privatePart(t, second), a.Secret())

	inPlace, err := NewPrivateKeyJWT(Options{OrgURL: org, ClientID: "0oa1", PrivateKey: pkcs8(t, second)})
	require.NoError(t, err)
	require.Equal(t, a.Secret(), inPlace.Secret(), "one node may have a file, another the text")
	token, err := NewSSWS(" 00token\n")
	require.NoError(t, err)
	require.Equal(t, []byte("00token"), token.Secret())
}

func TestKeyFileIsReadAgainAndAGoodKeyOutlivesABadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "okta.pem")
	source := keySource{path: path, keyID: "k"}

	_, err := source.load()
	require.ErrorIs(t, err, os.ErrNotExist)

	write := func(text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
	write(pkcs8(t, testRSA()))
	first, err := source.load()
	require.NoError(t, err)
	require.Equal(t, jose.RS256, first.alg)

	write("half a ke")
	key, err := source.load()
	require.NoError(t, err)
	require.Same(t, first, key)
	require.ErrorContains(t, source.err, "is not a private key")

	write(sec1(t, generateEC(t, elliptic.P256())))
	key, err = source.load()
	require.NoError(t, err)
	require.NoError(t, source.err)
	require.Equal(t, jose.ES256, key.alg)

	require.NoError(t, os.Remove(path))
	again, err := source.load()
	require.NoError(t, err)
	require.Same(t, key, again)
	require.ErrorIs(t, source.err, os.ErrNotExist)
}

func FuzzKeysOfAnyShapeAreRefusedOrUsableButNeverPanic(f *testing.F) {
	key := testRSA()
	f.Add(pemText("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)), "")
	f.Add(`{"keys":[{"kty":"RSA","d":null,"p":1,"q":{}},null,[]]}`, "a")
	f.Add(`{"kty":"EC","crv":"P-256","x":"","y":"","d":""}`, "")
	f.Add(`{"kty":"RSA","n":"AQAB","e":"","d":"AA","p":"AA","q":"AA"}`, "")
	f.Add("-----BEGIN PRIVATE KEY----------END PRIVATE KEY-----", "")
	f.Add("-----BEGIN PRIVATE KEY-----\nA: b\n\nAAAA\n-----END PRIVATE KEY-----", "k")
	f.Fuzz(func(t *testing.T, text, keyID string) {
		key, err := parseKey([]byte(text), keyID)
		if (key == nil) == (err == nil) {
			t.Fatalf("key %v, error %v", key, err)
		}
		if err != nil && len(err.Error()) > 1000 && len(text) < 4096 {
			t.Fatalf("endless error: %s", err)
		}
	})
}
