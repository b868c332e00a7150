package doctor

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/checkpoint"
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

	mu     sync.Mutex
	pushed []string
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

func TestAllIsWell(t *testing.T) {
	s := newScene(t)
	s.org.Hook = &Hook{Addr: "127.0.0.1:0"}
	r := Run(t.Context(), []Org{s.org}, Options{})[0]
	for _, c := range r.Checks {
		require.Equal(t, Pass, c.Status, c)
		require.Empty(t, c.Remedy)
	}
	require.Len(t, r.Checks, len(legs))
	require.NotNil(t, r.Estimate)
	require.LessOrEqual(t, r.Requests, MostRequests)
	require.Len(t, s.sim.Requests(), r.Requests)
	require.Equal(t, []string{`{"streams":[]}`}, s.loki.pushed)
	require.NoDirExists(t, s.org.DataPath)
}

// Each fault is one failed check, and no other fails; none tells a secret, whoever repeats it.
func TestEachFaultIsOneFailedCheck(t *testing.T) {
	for _, c := range []struct {
		name, check string
		make        func(*testing.T, *scene)
	}{
		{"an org's entry is wrong", "configuration", func(_ *testing.T, s *scene) {
			s.org = Org{Name: "acme", Err: errors.New("url is empty")}
		}},
		{"the host does not exist", "name", func(t *testing.T, s *scene) {
			s.org.HTTP = failing(&net.DNSError{Err: "no such host", Name: "acme.okta.com", IsNotFound: true})
		}},
		{"the proxy's name does not exist", "name", func(t *testing.T, s *scene) {
			s.org.HTTP = failing(&net.OpError{Op: "proxyconnect", Err: &net.DNSError{Err: "no such host", Name: "proxy", IsNotFound: true}})
		}},
		{"nobody listens", "route", func(t *testing.T, s *scene) { s.server.Close() }},
		{"the connection is cut", "route", func(t *testing.T, s *scene) { s.fault(t, "reset", 3) }},
		{"no answer comes", "route", func(t *testing.T, s *scene) { s.org.Timeout = 50 * time.Millisecond; s.fault(t, "late", 3) }},
		{"a captive portal", "route", func(t *testing.T, s *scene) {
			s.intercept(func(*oktasim.Org) http.Handler { return page(200) })
		}},
		{"a gateway refuses", "route", func(t *testing.T, s *scene) {
			s.intercept(func(*oktasim.Org) http.Handler { return page(403) })
		}},
		{"a gateway finds nothing", "route", func(t *testing.T, s *scene) {
			s.intercept(func(*oktasim.Org) http.Handler { return page(404) })
		}},
		{"the proxy wants a credential", "route", func(t *testing.T, s *scene) {
			s.intercept(func(*oktasim.Org) http.Handler { return page(407) })
		}},
		{"a proxy opens TLS", "tls", func(t *testing.T, s *scene) {
			server := httptest.NewTLSServer(s.sim)
			t.Cleanup(server.Close)
			server.Config.ErrorLog = nil
			s.org.URL = parse(t, server.URL)
		}},
		{"http is spoken on the port of https", "tls", func(t *testing.T, s *scene) {
			s.org.URL = parse(t, strings.Replace(s.server.URL, "http:", "https:", 1))
		}},
		{"there is no System Log", "org", func(t *testing.T, s *scene) { s.fault(t, "404", 3) }},
		{"a redirect to another host", "org", func(t *testing.T, s *scene) { s.fault(t, "redirect-elsewhere", 3) }},
		{"our clock is behind", "clock", func(t *testing.T, s *scene) { s.sim.Clock = 5 * time.Minute }},
		{"our clock is ahead", "clock", func(t *testing.T, s *scene) { s.sim.Clock = -5 * time.Minute }},
		{"our clock is ahead, and an app", "clock", func(t *testing.T, s *scene) {
			s.serviceApp(t, nil, nil)
			s.sim.Clock = -3 * time.Hour
		}},
		{"the token is revoked", "credentials", func(t *testing.T, s *scene) { s.sim.Token = "another" }},
		{"the app is unknown", "credentials", func(t *testing.T, s *scene) {
			s.serviceApp(t, func(c *oktasim.OAuthClient) { c.ID = "0oa2" }, nil)
		}},
		{"the key is another", "credentials", func(t *testing.T, s *scene) {
			other, err := rsa.GenerateKey(rand.Reader, 2048)
			require.NoError(t, err)
			s.serviceApp(t, nil, func(o *auth.Options) { o.PrivateKey = pemOf(other) })
		}},
		{"the key's id is another", "credentials", func(t *testing.T, s *scene) {
			s.serviceApp(t, nil, func(o *auth.Options) { o.KeyID = "other" })
		}},
		{"the key's file is missing", "credentials", func(t *testing.T, s *scene) {
			s.serviceApp(t, nil, func(o *auth.Options) { o.PrivateKey, o.PrivateKeyFile = "", filepath.Join(t.TempDir(), "key.pem") })
		}},
		{"DPoP is wanted and off", "dpop", func(t *testing.T, s *scene) {
			s.serviceApp(t, func(c *oktasim.OAuthClient) { c.DPoP = true }, func(o *auth.Options) { o.DPoP = auth.DPoPNever })
		}},
		{"the scope is not granted", "scope", func(t *testing.T, s *scene) {
			s.serviceApp(t, func(c *oktasim.OAuthClient) { c.Scopes = []string{"okta.users.read"} }, nil)
		}},
		{"the scope is not asked for", "scope", func(t *testing.T, s *scene) {
			s.serviceApp(t, func(c *oktasim.OAuthClient) { c.Scopes = []string{"okta.users.read"} },
				func(o *auth.Options) { o.Scopes = []string{"okta.users.read"} })
		}},
		{"the app has no role", "role", func(t *testing.T, s *scene) {
			s.serviceApp(t, func(c *oktasim.OAuthClient) { c.NoRole = true }, nil)
		}},
		{"the token's admin has no role", "role", func(t *testing.T, s *scene) { s.sim.Refuse = 403 }},
		{"polled too often", "limits", func(t *testing.T, s *scene) { s.org.PollInterval = 100 * time.Millisecond }},
		{"the share is too small", "limits", func(t *testing.T, s *scene) {
			s.sim.RateLimit, s.org.Share, s.org.PollInterval = 1000, 0.02, time.Second
		}},
		{"the limit is used up", "limits", func(t *testing.T, s *scene) { s.fault(t, "429", 3) }},
		{"the limit of concurrent requests", "limits", func(t *testing.T, s *scene) { s.fault(t, "429-concurrency", 3) }},
		{"the filter is refused", "filter", func(t *testing.T, s *scene) { s.org.Filter = "eventType eq eq" }},
		{"Okta has an outage", "first page", func(t *testing.T, s *scene) { s.fault(t, "500", 3) }},
		{"the page is cut", "first page", func(t *testing.T, s *scene) { s.fault(t, "broken", 3) }},
		{"no next link", "next link", func(t *testing.T, s *scene) {
			s.intercept(func(o *oktasim.Org) http.Handler { return o.NoNext() })
		}},
		{"a next link to another path", "next link", func(t *testing.T, s *scene) { s.fault(t, "next-path", 1) }},
		{"the next link is refused", "next link", func(t *testing.T, s *scene) {
			s.sim.Intercept = func(n int, _ *http.Request) http.Handler {
				if n == 2 {
					return s.sim.RefusedCursor()
				}
				return nil
			}
		}},
		{"Okta keeps less", "retention", func(t *testing.T, s *scene) {
			s.org.InitialLookback = 91 * 24 * time.Hour
			s.org.Loki.MaxAge = 0
			s.loki.config = strings.Replace(goodConfig, "reject_old_samples: true", "reject_old_samples: false", 1)
		}},
		{"the data path is a file", "data path", func(t *testing.T, s *scene) {
			require.NoError(t, os.WriteFile(filepath.Dir(s.org.DataPath), nil, 0o600))
		}},
		{"the port of hooks is taken", "event hooks", func(t *testing.T, s *scene) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			t.Cleanup(func() { l.Close() })
			s.org.Hook = &Hook{Addr: l.Addr().String()}
		}},
		{"the certificate of hooks is missing", "event hooks", func(t *testing.T, s *scene) {
			s.org.Hook = &Hook{Err: os.ErrNotExist}
		}},
		{"rules drop all labels", "content", func(t *testing.T, s *scene) {
			var err error
			s.org.Formatter, err = event.New(event.Options{Org: "acme.okta.com", RelabelRules: []*relabel.Config{{
				Action: relabel.Drop, SourceLabels: model.LabelNames{"job"}, Regex: relabel.MustNewRegexp(".*"), NameValidationScheme: model.UTF8Validation,
			}}})
			require.NoError(t, err)
		}},
		{"another tenant", "tenant", func(t *testing.T, s *scene) { s.org.Push[0].Tenant = "prod" }},
		{"another user", "tenant", func(t *testing.T, s *scene) { s.org.Push[0].User, s.org.Loki.User = "1", "2" }},
		{"Loki is away", "loki push", func(t *testing.T, s *scene) { s.loki.Close() }},
		{"the write token is refused", "loki push", func(t *testing.T, s *scene) { s.loki.pushStatus = 401 }},
		{"no tenant", "loki push", func(t *testing.T, s *scene) { s.loki.pushStatus, s.loki.pushText = 401, "no org id" }},
		{"the push path is wrong", "loki push", func(t *testing.T, s *scene) {
			s.org.Push[0].URL = parse(t, s.loki.URL).JoinPath("api/push")
		}},
		{"the read token is missing", "loki query", func(t *testing.T, s *scene) { s.loki.queryStatus = 401 }},
		{"the token may not read", "loki query", func(t *testing.T, s *scene) { s.loki.queryStatus = 403 }},
		{"what answers queries is not Loki", "loki query", func(t *testing.T, s *scene) {
			s.loki.queryStatus, s.loki.queryText = 200, "<html>"
		}},
		{"schema 12", "structured metadata", func(t *testing.T, s *scene) {
			s.loki.config = strings.Replace(goodConfig, "v13", "v12", 1)
		}},
		{"structured metadata is off", "structured metadata", func(t *testing.T, s *scene) {
			s.loki.config = strings.Replace(goodConfig, "allow_structured_metadata: true, ", "", 1) // as Loki leaves it out
		}},
		{"order is kept", "loki limits", func(t *testing.T, s *scene) {
			s.loki.config = strings.Replace(goodConfig, "writes: true", "writes: false", 1)
		}},
		{"the window is small", "loki limits", func(t *testing.T, s *scene) {
			s.loki.config = strings.Replace(goodConfig, "2h0m0s", "1h", 1)
		}},
		{"old entries are refused", "loki limits", func(t *testing.T, s *scene) {
			s.loki.config = strings.Replace(goodConfig, "1w", "1h", 1)
		}},
		{"ingesters are asked for less", "loki limits", func(t *testing.T, s *scene) {
			s.loki.config = strings.Replace(goodConfig, "3h}", "1h}", 1)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			c.make(t, s)
			r := Run(t.Context(), []Org{s.org}, Options{})[0]
			var failed []string
			for _, check := range r.Checks {
				if check.Status == Fail {
					failed = append(failed, check.Name)
					require.NotEmpty(t, check.Seen, check)
					require.NotEmpty(t, check.Remedy, check)
				}
			}
			text, err := json.Marshal(r)
			require.NoError(t, err)
			require.Equal(t, []string{c.check}, failed, string(text))
			require.NotContains(t, string(text), canary)
			require.NotContains(t, string(text), "PRIVATE KEY")
			require.NotContains(t, string(text), "eyJ")
			require.LessOrEqual(t, len(s.sim.Requests()), MostRequests)
			for _, pushed := range s.loki.pushed {
				require.Equal(t, `{"streams":[]}`, pushed)
			}
		})
	}
}

func (s *scene) intercept(h func(*oktasim.Org) http.Handler) {
	s.sim.Intercept = func(int, *http.Request) http.Handler { return h(s.sim) }
}

func failing(err error) *http.Client {
	return &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { return nil, err })}
}

// page is one that is not Okta's, and repeats what it was sent.
func page(status int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		fmt.Fprintf(w, "<html>Please log in. %v", r.Header)
	})
}

// A gateway that hides Loki's configuration, as Grafana Cloud does, is no fault.
func TestALokiThatDoesNotTellIsNoFault(t *testing.T) {
	s := newScene(t)
	s.loki.configStatus = 404
	r := Run(t.Context(), []Org{s.org}, Options{})[0]
	require.False(t, r.Failed())
	require.Equal(t, 2, r.count(Warn))
}

// The data path of a collector that runs is looked at, and stays its own.
func TestARunningCollectorKeepsItsDataPath(t *testing.T) {
	s := newScene(t)
	lock, err := checkpoint.Acquire(s.org.DataPath)
	require.NoError(t, err)
	before := list(t, s.org.DataPath)
	r := Run(t.Context(), []Org{s.org}, Options{})[0]
	require.False(t, r.Failed())
	require.Contains(t, seen(&r, "data path"), fmt.Sprintf("pid %d", os.Getpid()))
	require.Equal(t, before, list(t, s.org.DataPath))
	_, err = checkpoint.Acquire(s.org.DataPath)
	require.Error(t, err, "it is held as before")
	lock.Release()
	lock, err = checkpoint.Acquire(s.org.DataPath)
	require.NoError(t, err, "nothing was left behind")
	lock.Release()
}

func seen(r *Report, name string) string {
	for _, c := range r.Checks {
		if c.Name == name {
			return c.Seen
		}
	}
	return ""
}

func list(t *testing.T, dir string) (all []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, f := range files {
		info, err := f.Info()
		require.NoError(t, err)
		all = append(all, fmt.Sprint(f.Name(), info.Size(), info.ModTime()))
	}
	return all
}

func TestATestEntryIsSentWhenAskedFor(t *testing.T) {
	s := newScene(t)
	r := Run(t.Context(), []Org{s.org}, Options{SendTest: true})[0]
	require.False(t, r.Failed())
	require.Len(t, s.loki.pushed, 1)
	require.Contains(t, s.loki.pushed[0], `"doctor":"1"`)
	require.Equal(t, 1, strings.Count(s.loki.pushed[0], `"stream":`))
}

// One of fifty orgs is wrong, and one never answers: others are not held up, nor do they fail.
func TestOneBadOrgOfFiftyFailsAlone(t *testing.T) {
	s := newScene(t)
	s.sim.RateLimit = -1
	orgs := make([]Org, 50)
	for i := range orgs {
		orgs[i] = s.org
		orgs[i].Name = fmt.Sprint(i)
	}
	orgs[7].URL = parse(t, "http://127.0.0.1:1")
	var mu sync.Mutex
	told := map[string]bool{}
	reports := Run(t.Context(), orgs, Options{Begin: func(org, check string) {
		mu.Lock()
		defer mu.Unlock()
		told[check] = true
	}})
	for i := range reports {
		require.Equal(t, i == 7, reports[i].Failed(), i)
	}
	require.True(t, told["loki push"])
}

// A stop ends it at once, with what is known.
func TestAStopEndsIt(t *testing.T) {
	s := newScene(t)
	s.org.Timeout = time.Minute
	s.fault(t, "late", 3)
	ctx, stop := context.WithCancel(t.Context())
	r := Run(ctx, []Org{s.org}, Options{Begin: func(_, check string) {
		if check == "name" {
			go stop()
		}
	}})[0]
	require.Len(t, r.Checks, len(legs))
	require.Equal(t, "stopped", seen(&r, "loki push"))
}

// The estimate of a quiet day is within a fifth of what the org wrote.
func TestTheEstimateOfAQuietDay(t *testing.T) {
	s := newScene(t)
	s.sim = &oktasim.Org{Quiet: true, Seed: 7}
	server := httptest.NewServer(s.sim)
	t.Cleanup(server.Close)
	s.org.URL = parse(t, server.URL)
	s.sim.Generate(20000, 24*time.Hour)
	size := 0
	v := visit{Org: &s.org}
	events, err := event.Scan([]byte("[" + join(s.sim.Events()) + "]"))
	require.NoError(t, err)
	for _, e := range events {
		size += v.size(e, time.Now())
	}
	r := Run(t.Context(), []Org{s.org}, Options{})[0]
	require.False(t, r.Failed())
	require.InEpsilon(t, len(events), r.Estimate.EventsPerDay, 0.2)
	require.InEpsilon(t, size, r.Estimate.BytesPerDay, 0.2)
	require.Len(t, r.Estimate.Types, mostTypes)
	require.Zero(t, r.Estimate.Large)
	t.Logf("%d events, %d bytes; estimated %.0f, %.0f", len(events), size, r.Estimate.EventsPerDay, r.Estimate.BytesPerDay)
}

// A busy org's pages end before their quarters do.
func TestTheEstimateOfABusyOrg(t *testing.T) {
	s := newScene(t)
	s.sim = &oktasim.Org{Quiet: true}
	server := httptest.NewServer(s.sim)
	t.Cleanup(server.Close)
	s.org.URL = parse(t, server.URL)
	s.sim.Generate(120000, 24*time.Hour)
	r := Run(t.Context(), []Org{s.org}, Options{})[0]
	require.False(t, r.Failed())
	require.InEpsilon(t, 120000, r.Estimate.EventsPerDay, 0.2)
	require.LessOrEqual(t, r.Requests, MostRequests)
}

func join(all [][]byte) string {
	var parts []string
	for _, b := range all {
		parts = append(parts, string(b))
	}
	return strings.Join(parts, ",")
}
