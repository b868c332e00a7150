package sdktest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-kit/log"
	"github.com/okta/okta-sdk-golang/v5/okta"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"github.com/grafana/alloy/okta/internal/hook"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

const orgURL = "https://acme.okta.com"

// connect serves the org over TLS and returns an SDK client for it. The SDK
// drops the port of the org's URL, so the org takes a public name and the
// transport finds the way.
func connect(t *testing.T, org *oktasim.Org, settings ...okta.ConfigSetter) *okta.APIClient {
	t.Helper()
	org.PublicURL = orgURL
	server := httptest.NewTLSServer(org)
	t.Cleanup(server.Close)
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // the certificate is for example.com
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	config, err := okta.NewConfiguration(append([]okta.ConfigSetter{
		okta.WithOrgUrl(orgURL),
		okta.WithHttpClientPtr(&http.Client{Transport: transport}),
		okta.WithCache(false), // its cache would answer an idle poll without asking
	}, settings...)...)
	require.NoError(t, err)
	return okta.NewAPIClient(config)
}

// drain pages through the log until a page is empty, the way a user of the SDK
// does.
func drain(t *testing.T, client *okta.APIClient, since time.Time, limit int32) []okta.LogEvent {
	t.Helper()
	all, resp, err := client.SystemLogAPI.ListLogEvents(t.Context()).Since(since).Limit(limit).SortOrder("ASCENDING").Execute()
	require.NoError(t, err)
	for resp.HasNextPage() {
		var page []okta.LogEvent
		resp, err = resp.Next(&page)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, resp.StatusCode)
		if len(page) == 0 {
			break
		}
		all = append(all, page...)
	}
	return all
}

func requireAll(t *testing.T, org *oktasim.Org, got []okta.LogEvent) {
	t.Helper()
	want := org.Events()
	require.Len(t, got, len(want))
	for i, raw := range want {
		require.Equal(t, gjson.GetBytes(raw, "uuid").Str, got[i].GetUuid(), "event %d", i)
		require.Equal(t, gjson.GetBytes(raw, "eventType").Str, got[i].GetEventType())
		require.True(t, gjson.GetBytes(raw, "published").Time().Equal(got[i].GetPublished()))
		require.Equal(t, gjson.GetBytes(raw, "actor.id").Str, got[i].Actor.GetId())
	}
}

func TestTheSdkPagesThroughTheWholeLog(t *testing.T) {
	org := &oktasim.Org{Token: "s3cret", LateShare: 0.05}
	org.Generate(2_600, time.Hour)
	client := connect(t, org, okta.WithToken("s3cret"))
	requireAll(t, org, drain(t, client, time.Now().Add(-2*time.Hour), 1000))
	require.Len(t, org.Requests(), 4, "three pages and an empty one")
}

func TestTheSdkPagesThroughABoundedRequest(t *testing.T) {
	org := &oktasim.Org{}
	org.Generate(500, time.Hour)
	client := connect(t, org, okta.WithToken("any"))
	all, resp, err := client.SystemLogAPI.ListLogEvents(t.Context()).Since(time.Now().Add(-2 * time.Hour)).
		Until(time.Now().Add(time.Minute)).Limit(200).Execute()
	require.NoError(t, err)
	for resp.HasNextPage() {
		var page []okta.LogEvent
		resp, err = resp.Next(&page)
		require.NoError(t, err)
		all = append(all, page...)
	}
	require.Len(t, all, 500)
	for i := 1; i < len(all); i++ {
		require.False(t, all[i].GetPublished().Before(all[i-1].GetPublished()), "published order")
	}
}

func TestTheSdkReadsRefusals(t *testing.T) {
	org := &oktasim.Org{Token: "right"}
	client := connect(t, org, okta.WithToken("wrong"))
	_, resp, err := client.SystemLogAPI.ListLogEvents(t.Context()).Execute()
	require.Equal(t, "E0000011", errorCode(t, err))
	require.Equal(t, http.StatusUnauthorized, resp.StatusCode)

	client = connect(t, org, okta.WithToken("right"))
	_, resp, err = client.SystemLogAPI.ListLogEvents(t.Context()).Filter(`eventType eqq "x"`).Execute()
	require.Equal(t, "E0000053", errorCode(t, err))
	require.Equal(t, http.StatusBadRequest, resp.StatusCode)
}

func errorCode(t *testing.T, err error) string {
	t.Helper()
	var api *okta.GenericOpenAPIError
	require.ErrorAs(t, err, &api)
	return gjson.GetBytes(api.Body(), "errorCode").Str
}

func TestTheSdkRetriesALimitedRequest(t *testing.T) {
	org := &oktasim.Org{}
	org.Generate(10, time.Minute)
	org.Intercept = oktasim.Script(org.LimitedFor(0))
	client := connect(t, org, okta.WithToken("any"), okta.WithRateLimitMaxRetries(2))
	all, _, err := client.SystemLogAPI.ListLogEvents(t.Context()).Since(time.Now().Add(-time.Hour)).Execute()
	require.NoError(t, err)
	require.Len(t, all, 10)
	require.Equal(t, map[int]int{200: 1, 429: 1}, org.Responses())
}

func TestTheSdkAuthenticatesWithAPrivateKey(t *testing.T) {
	for name, dpop := range map[string]bool{"bearer": false, "DPoP": true} {
		t.Run(name, func(t *testing.T) {
			key, err := rsa.GenerateKey(rand.Reader, 2048)
			require.NoError(t, err)
			org := &oktasim.Org{Token: "not this one", Clients: []oktasim.OAuthClient{{
				ID:   "0oaServiceApp",
				Keys: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "kid-1", Algorithm: "RS256", Use: "sig"}}},
				DPoP: dpop,
			}}}
			org.Generate(2_600, time.Hour)
			text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
			client := connect(t, org, okta.WithAuthorizationMode("PrivateKey"), okta.WithClientId("0oaServiceApp"),
				okta.WithScopes([]string{"okta.logs.read"}), okta.WithPrivateKey(string(text)), okta.WithPrivateKeyId("kid-1"))
			requireAll(t, org, drain(t, client, time.Now().Add(-2*time.Hour), 1000))

			want := map[int]int{200: 5} // a token, three pages and an empty one
			if dpop {
				want[400] = 2 // no proof, no nonce
			}
			require.Equal(t, want, org.Responses())
			last := org.Requests()[len(org.Requests())-1]
			require.Equal(t, map[bool]string{false: "Bearer", true: "DPoP"}[dpop], last.Scheme)
		})
	}
}

// Okta's SDK registers a hook, has it verified by our own listener, and the hook arrives there.
func TestTheSdkRegistersAndVerifiesOurListener(t *testing.T) {
	const secret = "Basic c2VjcmV0IG9mIGFjbWU="
	digest, err := hook.ParseSecret(secret)
	require.NoError(t, err)
	notices := make(chan hook.Notice, 10)
	listener := hook.New(log.NewNopLogger(), nil)
	listener.Configure(hook.Config{Routes: map[string]hook.Route{"/okta/acme": {Name: "acme", Secrets: []hook.Secret{digest},
		Receive: func(_ context.Context, n hook.Notice) error { notices <- n; return nil }}}})
	receiver := httptest.NewTLSServer(listener)
	defer receiver.Close()

	org := &oktasim.Org{Token: "s3cret", Hooks: oktasim.Hooks{Client: receiver.Client(), Delay: time.Millisecond}}
	client := connect(t, org, okta.WithToken("s3cret")).EventHookAPI
	config := okta.NewEventHookChannelConfig(receiver.URL + "/okta/acme")
	scheme := okta.NewEventHookChannelConfigAuthScheme()
	scheme.SetType("HEADER")
	scheme.SetKey("Authorization")
	scheme.SetValue(secret)
	config.SetAuthScheme(*scheme)
	created, _, err := client.CreateEventHook(t.Context()).EventHook(*okta.NewEventHook(
		*okta.NewEventHookChannel(*config, "HTTP", "1.0.0"), *okta.NewEventSubscriptions([]string{"user.session.start"}, "EVENT_TYPE"), "siem",
	)).Execute()
	require.NoError(t, err)
	require.Equal(t, "UNVERIFIED", created.GetVerificationStatus())
	verified, _, err := client.VerifyEventHook(t.Context(), created.GetId()).Execute()
	require.NoError(t, err)
	require.Equal(t, "VERIFIED", verified.GetVerificationStatus())

	ctx, cancel := context.WithCancel(t.Context())
	var sending sync.WaitGroup
	sending.Go(func() { _ = org.SendHooks(ctx) })
	org.Append([]byte(`{"uuid":"u1","eventType":"user.session.start","published":"2026-08-21T10:00:00.000Z"}`))
	n := <-notices
	require.Equal(t, "u1", n.Events[0].UUID)
	cancel()
	sending.Wait()

	// Neither a wrong path nor a wrong secret is verified: Okta sends the secret with the verification.
	for name, path := range map[string]string{"typo in the path": "/okta/other", "typo in the secret": "/okta/acme"} {
		wrong := okta.NewEventHookChannelConfig(receiver.URL + path)
		scheme.SetValue(secret[1:])
		wrong.SetAuthScheme(*scheme)
		other, _, err := client.CreateEventHook(t.Context()).EventHook(*okta.NewEventHook(
			*okta.NewEventHookChannel(*wrong, "HTTP", "1.0.0"), *okta.NewEventSubscriptions([]string{"user.session.start"}, "EVENT_TYPE"), name,
		)).Execute()
		require.NoError(t, err)
		_, resp, err := client.VerifyEventHook(t.Context(), other.GetId()).Execute()
		require.Equal(t, "E0000001", errorCode(t, err), name)
		require.Equal(t, http.StatusBadRequest, resp.StatusCode, name)
	}
}
