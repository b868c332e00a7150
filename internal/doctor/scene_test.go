package doctor

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi/auth"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

const canary = "canary-hunter2-0123456789"

// scene is an org, a Loki, and a configuration that fits both.
type scene struct {
	sim    *oktasim.Org
	server *httptest.Server
	loki   *lokiFake
	org    Org
}

// lokiFake answers as a Loki does that is set up as it should be; its fields say what is not.
type lokiFake struct {
	*httptest.Server
	pushStatus, queryStatus, configStatus int
	pushText, queryText                   string
	config                                string

	mu      sync.Mutex
	pushed  []string
	configs int // how often /config was asked for
}

const goodConfig = `
limits_config: {allow_structured_metadata: true, reject_old_samples: true, reject_old_samples_max_age: 1w, unordered_writes: true, max_line_size: 256KB}
ingester: {max_chunk_age: 2h0m0s}
querier: {query_ingesters_within: 3h}
schema_config: {configs: [{from: "2020-01-01", schema: v11}, {from: "2024-01-01", schema: v13}]}
`

func (l *lokiFake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	answer := func(status int, good int, text, fine string) {
		if status != 0 {
			good, fine = status, text+" "+r.Header.Get("Authorization") // which a gateway may echo
		}
		w.WriteHeader(good)
		_, _ = io.WriteString(w, fine)
	}
	switch r.URL.Path {
	case pushPath:
		l.mu.Lock()
		l.pushed = append(l.pushed, string(body))
		l.mu.Unlock()
		if strings.Contains(string(body), `"stream":`) {
			answer(l.pushStatus, 204, l.pushText, "")
			return
		}
		answer(l.pushStatus, 422, l.pushText, "error at least one valid stream is required for ingestion") // as Loki 3.7.8 does
	case "/loki/api/v1/query_range":
		answer(l.queryStatus, 200, l.queryText, `{"status":"success","data":{"result":[]}}`)
	case "/config":
		l.mu.Lock()
		l.configs++
		l.mu.Unlock()
		answer(l.configStatus, 200, "", l.config)
	default:
		http.NotFound(w, r)
	}
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{sim: &oktasim.Org{}, loki: &lokiFake{config: goodConfig}}
	s.server = httptest.NewServer(s.sim)
	t.Cleanup(s.server.Close)
	s.loki.Server = httptest.NewServer(s.loki)
	t.Cleanup(s.loki.Close)
	s.sim.Generate(50, 50*time.Minute)
	credential, err := auth.NewSSWS(canary)
	require.NoError(t, err)
	formatter, err := event.New(event.Options{Org: "acme.okta.com"})
	require.NoError(t, err)
	base := parse(t, s.loki.URL)
	s.org = Org{
		Component: "loki.source.okta.default", Name: "acme", URL: parse(t, s.server.URL), HTTP: &http.Client{Transport: http.DefaultTransport},
		Auth: credential, Formatter: formatter, PageSize: 1000, Timeout: 5 * time.Second, Share: 0.5, PollInterval: 10 * time.Second,
		InitialLookback: time.Hour, OutOfOrder: 50 * time.Minute, DataPath: filepath.Join(t.TempDir(), "data", "loki.source.okta.default"),
		Loki: &Query{URL: base, HTTP: authorized(canary), Selector: `{job="loki.source.okta"}`, IngestersWithin: 3 * time.Hour,
			MaxAge: 7 * 24 * time.Hour},
		Push: []Push{{Component: "loki.write.default", URL: base.JoinPath(pushPath), HTTP: authorized(canary)}},
	}
	return s
}

// authorized is a client that sends a credential, as loki.write's does.
func authorized(token string) *http.Client {
	return &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+token)
		return http.DefaultTransport.RoundTrip(r)
	})}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func parse(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	require.NoError(t, err)
	return u
}

// serviceApp makes the org's credential that of a service app, whose registration may be changed.
func (s *scene) serviceApp(t *testing.T, change func(*oktasim.OAuthClient), options func(*auth.Options)) {
	t.Helper()
	client := oktasim.OAuthClient{ID: "0oa1", Keys: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{
		Key: &key().PublicKey, KeyID: "k", Algorithm: "RS256", Use: "sig",
	}}}}
	if change != nil {
		change(&client)
	}
	s.sim.Clients = []oktasim.OAuthClient{client}
	opts := auth.Options{OrgURL: s.org.URL, ClientID: "0oa1", PrivateKey: pemOf(key()), KeyID: "k", Scopes: []string{auth.DefaultScope},
		DPoP: auth.DPoPAuto}
	if options != nil {
		options(&opts)
	}
	var err error
	s.org.Auth, err = auth.NewPrivateKeyJWT(opts)
	require.NoError(t, err)
}

var key = sync.OnceValue(func() *rsa.PrivateKey { k, _ := rsa.GenerateKey(rand.Reader, 2048); return k })

func pemOf(k *rsa.PrivateKey) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(k)}))
}

func (s *scene) fault(t *testing.T, name string, n int) {
	t.Helper()
	h, err := s.sim.Fault(name)
	require.NoError(t, err)
	s.sim.Inject(h, n)
}
