package doctor

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi/auth"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

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
		{"Okta keeps less, and so does Loki", "retention", func(t *testing.T, s *scene) { s.org.InitialLookback = 91 * 24 * time.Hour }},
		{"Loki takes less than initial_lookback", "loki limits", func(t *testing.T, s *scene) { s.org.InitialLookback = 720 * time.Hour }},
		{"Loki takes less, without reconcile", "loki limits", func(t *testing.T, s *scene) {
			s.org.InitialLookback, s.org.Loki = 720*time.Hour, nil
		}},
		{"Loki takes less, and does not tell", "loki limits", func(t *testing.T, s *scene) {
			s.org.InitialLookback, s.loki.configStatus = 720*time.Hour, 404
		}},
		{"Loki takes more than reconcile says", "loki limits", func(t *testing.T, s *scene) {
			s.org.InitialLookback = 720 * time.Hour
			s.loki.config = strings.Replace(goodConfig, "1w", "1000h", 1)
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
		{"the window is small, and tenants have limits", "loki limits", func(t *testing.T, s *scene) {
			s.loki.config = strings.NewReplacer("2h0m0s", "1h", "writes: true", "writes: false").Replace(goodConfig) + overrides
		}},
		{"ingesters are asked for less, and tenants have limits", "loki limits", func(t *testing.T, s *scene) {
			s.loki.config = strings.Replace(goodConfig, "3h}", "1h}", 1) + overrides
		}},
		{"schema 12, and tenants have limits", "structured metadata", func(t *testing.T, s *scene) {
			s.loki.config = strings.NewReplacer("v13", "v12", "allow_structured_metadata: true, ", "").Replace(goodConfig) + overrides
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

// overrides is what a Loki's /config has in which tenants may have limits of their own.
const overrides = "runtime_config: {period: 10s, file: /etc/loki/overrides.yaml}\n"

// /config shows the limits of a tenant that has none of its own: with overrides, what does not fit there may fit, and is no failure.
func TestALimitThatATenantMayHaveOtherwiseIsAWarning(t *testing.T) {
	for _, c := range []struct{ name, check, from, to, tail string }{
		{"structured metadata is off", "structured metadata", "allow_structured_metadata: true, ", "", overrides},
		{"order is kept", "loki limits", "writes: true", "writes: false", overrides},
		{"old entries are refused", "loki limits", "1w", "30m", overrides},
		{"reconcile has another age", "loki limits", "1w", "2w", overrides},
		{"any age is taken", "loki limits", "reject_old_samples: true", "reject_old_samples: false", overrides},
		{"several files", "loki limits", "1w", "2w", "runtime_config: {file: [a.yaml, b.yaml]}\n"},
		{"the old name of the file", "loki limits", "1w", "2w, per_tenant_override_config: /o.yaml", ""},
		{"no file", "", "1w", "2w", "runtime_config: {file: \"\"}\n"},
		{"an empty list", "", "1w", "2w", "runtime_config: {file: []}\n"},
		{"no name", "", "1w", "2w", "runtime_config: {file: }\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			s.loki.config = strings.Replace(goodConfig, c.from, c.to, 1) + c.tail
			r := Run(t.Context(), []Org{s.org}, Options{})[0]
			require.Equal(t, c.check == "", r.Failed(), r.Checks)
			for _, check := range r.Checks {
				if check.Status == Warn {
					require.Equal(t, c.check, check.Name)
					require.Contains(t, check.Seen, "unless this tenant has limits of its own")
					require.Contains(t, check.Remedy, "runtime_config")
				}
			}
			require.Equal(t, min(len(c.check), 1), r.count(Warn))
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
