package auth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktaapi/auth"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

const events, pageSize = 100, 10

// TestEventsArriveOnceWhateverHappensToCredentials pages through a simulated org, which was written
// against Okta's documentation by somebody else and verifies tokens and proofs in full, while credentials
// are taken away between pages.
func TestEventsArriveOnceWhateverHappensToCredentials(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)

	for scheme, c := range map[string]struct {
		required bool // by the app
		dpop     auth.DPoP
		method   string
	}{
		"bearer":          {false, auth.DPoPAuto, "private_key_jwt"},
		"bearer only":     {false, auth.DPoPNever, "private_key_jwt"},
		"DPoP discovered": {true, auth.DPoPAuto, "private_key_jwt+dpop"},
		"DPoP always":     {true, auth.DPoPAlways, "private_key_jwt+dpop"},
	} {
		for happens, disturb := range map[string]func(*oktasim.Org){
			"nothing happens":   func(*oktasim.Org) {},
			"tokens expire":     func(*oktasim.Org) { time.Sleep(2 * time.Hour) },
			"tokens die early":  func(o *oktasim.Org) { o.RevokeAccessTokens() },
			"the nonce rotates": func(o *oktasim.Org) { o.RotateNonce() },
			"the API wants nonces": func(o *oktasim.Org) {
				o.Set(func(o *oktasim.Org) { o.ResourceNonce = true })
				o.RotateNonce()
			},
			"everything at once": func(o *oktasim.Org) {
				o.RotateNonce()
				o.RevokeAccessTokens()
				time.Sleep(30 * time.Minute)
			},
			"Okta's clock jumps": func(o *oktasim.Org) {
				o.Set(func(o *oktasim.Org) { o.Clock = 11*time.Minute - o.Clock })
				o.RevokeAccessTokens()
			},
		} {
			t.Run(scheme+", "+happens, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					org := &oktasim.Org{RateLimit: -1, Clients: []oktasim.OAuthClient{{
						ID:     "0oaService",
						Keys:   public(&key.PublicKey),
						Scopes: []string{"okta.logs.read"},
						DPoP:   c.required,
					}}}
					pipe := org.Pipe()
					defer pipe.Close()
					a := newAuthorizer(t, pipe, key, c.dpop)
					start := time.Now()
					for i := range events {
						org.Append(fmt.Appendf(nil, `{"uuid":"%04d","published":%q}`, i, start.UTC().Format("2006-01-02T15:04:05.000Z")))
					}

					base, _, err := oktaapi.ParseOrg(pipe.URL)
					require.NoError(t, err)
					client := oktaapi.New(oktaapi.Config{Org: base, Auth: a, HTTP: pipe.Client(), PageSize: pageSize})
					cursor := client.Start(start.Add(-time.Minute))
					var got []string
					for {
						page, err := client.Fetch(t.Context(), cursor)
						require.NoError(t, err)
						uuids := gjson.GetBytes(page.Body, "#.uuid").Array()
						if len(uuids) == 0 {
							break
						}
						for _, uuid := range uuids {
							got = append(got, uuid.String())
						}
						cursor = page.Next
						disturb(org)
					}
					require.Len(t, got, events)
					for i, uuid := range got {
						require.Equal(t, fmt.Sprintf("%04d", i), uuid)
					}
					require.Equal(t, c.method, a.Method())
				})
			})
		}
	}
}

// TestEveryAlgorithmIsAccepted registers the public half of a key for one algorithm only, and gives the
// private half to the authorizer as JWK.
func TestEveryAlgorithmIsAccepted(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	for alg, curve := range map[jose.SignatureAlgorithm]elliptic.Curve{
		jose.RS256: nil, jose.RS384: nil, jose.RS512: nil,
		jose.ES256: elliptic.P256(), jose.ES384: elliptic.P384(), jose.ES512: elliptic.P521(),
	} {
		t.Run(string(alg), func(t *testing.T) {
			private := jose.JSONWebKey{Key: rsaKey, KeyID: "kid", Algorithm: string(alg), Use: "sig"}
			if curve != nil {
				private.Key, err = ecdsa.GenerateKey(curve, rand.Reader)
				require.NoError(t, err)
			}
			text, err := json.Marshal(private)
			require.NoError(t, err)
			org := &oktasim.Org{
				Clients: []oktasim.OAuthClient{{ID: "0oaService", Keys: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{private.Public()}}, DPoP: true}},
			}
			pipe := org.Pipe()
			defer pipe.Close()
			base, _, err := oktaapi.ParseOrg(pipe.URL)
			require.NoError(t, err)
			a, err := auth.NewPrivateKeyJWT(auth.Options{OrgURL: base, ClientID: "0oaService", PrivateKey: string(text), HTTP: pipe.Client()})
			require.NoError(t, err)

			client := oktaapi.New(oktaapi.Config{Org: base, Auth: a, HTTP: pipe.Client()})
			for range 2 {
				_, err = client.Fetch(t.Context(), client.Start(time.Now()))
				require.NoError(t, err)
			}
			require.Equal(t, map[int]int{400: 2, 200: 3}, org.Responses(), "DPoP wanted, nonce wanted, then one token for all pages")
		})
	}
}

func TestTheOrgsRefusalsReachTheCallerAsRefused(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		app  oktasim.OAuthClient
		dpop auth.DPoP
		want string
	}{
		"wrong key": {
			oktasim.OAuthClient{ID: "0oaService", Keys: public(&other.PublicKey)}, auth.DPoPAuto, "private_key is not the key registered in Okta",
		},
		"no such app": {
			oktasim.OAuthClient{ID: "0oaOther", Keys: public(&key.PublicKey)}, auth.DPoPAuto, "client_id must be the client ID of the service app",
		},
		"scope not granted": {
			oktasim.OAuthClient{ID: "0oaService", Keys: public(&key.PublicKey), Scopes: []string{"okta.users.read"}}, auth.DPoPAuto,
			"grant the app every scope named in scopes",
		},
		"DPoP required": {
			oktasim.OAuthClient{ID: "0oaService", Keys: public(&key.PublicKey), DPoP: true}, auth.DPoPNever, `set dpop to "auto" or "always"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			org := &oktasim.Org{Clients: []oktasim.OAuthClient{c.app}}
			pipe := org.Pipe()
			defer pipe.Close()
			base, _, err := oktaapi.ParseOrg(pipe.URL)
			require.NoError(t, err)
			client := oktaapi.New(oktaapi.Config{Org: base, Auth: newAuthorizer(t, pipe, key, c.dpop), HTTP: pipe.Client()})
			_, err = client.Fetch(t.Context(), client.Start(time.Now()))
			require.ErrorContains(t, err, c.want)
			require.Equal(t, oktaapi.Refused, oktaapi.ClassOf(err))
			require.Len(t, org.Requests(), 1, "a refusal is not hammered")
		})
	}
}

func TestATokenEndpointThatAsksToWaitIsLeftAlone(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		org := &oktasim.Org{Clients: []oktasim.OAuthClient{{ID: "0oaService", Keys: public(&key.PublicKey), Scopes: []string{"okta.logs.read"}}}}
		org.InterceptToken = oktasim.Script(org.UnavailableFor(90*time.Second), org.UnavailableFor(20*time.Second))
		pipe := org.Pipe()
		defer pipe.Close()
		base, _, err := oktaapi.ParseOrg(pipe.URL)
		require.NoError(t, err)
		client := oktaapi.New(oktaapi.Config{Org: base, Auth: newAuthorizer(t, pipe, key, auth.DPoPAuto), HTTP: pipe.Client()})
		began := time.Now()
		for _, want := range []time.Duration{0, 90 * time.Second} {
			_, err = client.Fetch(t.Context(), client.Start(began))
			require.ErrorContains(t, err, "503")
			require.Equal(t, oktaapi.Transient, oktaapi.ClassOf(err))
			require.Equal(t, want, time.Since(began))
		}
		_, err = client.Fetch(t.Context(), client.Start(began))
		require.NoError(t, err)
		require.Equal(t, 110*time.Second, time.Since(began))
	})
}

func public(key any) jose.JSONWebKeySet {
	return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key, KeyID: "kid", Algorithm: "RS256", Use: "sig"}}}
}

func newAuthorizer(t *testing.T, pipe *oktasim.Pipe, key *rsa.PrivateKey, dpop auth.DPoP) *auth.PrivateKeyJWT {
	base, _, err := oktaapi.ParseOrg(pipe.URL)
	require.NoError(t, err)
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	a, err := auth.NewPrivateKeyJWT(auth.Options{
		OrgURL: base, ClientID: "0oaService", PrivateKey: string(text), KeyID: "kid", DPoP: dpop, HTTP: pipe.Client(),
	})
	require.NoError(t, err)
	return a
}

var (
	_ oktaapi.Authorizer = (*auth.PrivateKeyJWT)(nil)
	_ oktaapi.Authorizer = (*auth.SSWS)(nil)
)
