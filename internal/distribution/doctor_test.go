package distribution

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/doctor"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

// clinic is an org and what stands for a Loki, as the command reaches them.
type clinic struct {
	org        *oktasim.Org
	okta, loki *httptest.Server

	mu     sync.Mutex
	pushed []string
	tenant []string
}

func newClinic(t *testing.T) *clinic {
	t.Helper()
	c := &clinic{org: &oktasim.Org{Token: "hunter2-okta"}}
	c.org.Generate(100, time.Hour)
	c.okta = httptest.NewServer(c.org)
	t.Cleanup(c.okta.Close)
	c.loki = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		c.mu.Lock()
		defer c.mu.Unlock()
		_, password, _ := r.BasicAuth()
		switch {
		case password != "hunter2-loki":
			http.Error(w, "wrong: "+r.Header.Get("Authorization"), http.StatusUnauthorized)
		case strings.HasSuffix(r.URL.Path, "/push"):
			c.pushed, c.tenant = append(c.pushed, string(body)), append(c.tenant, r.Header.Get("X-Scope-OrgID"))
			w.WriteHeader(http.StatusNoContent)
		case strings.HasSuffix(r.URL.Path, "/query_range"):
			c.tenant = append(c.tenant, r.Header.Get("X-Scope-OrgID"))
			_, _ = io.WriteString(w, `{"status":"success","data":{"result":[]}}`)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(c.loki.Close)
	return c
}

// config is one in a module, as the one that image and packages install.
func (c *clinic) config(t *testing.T, token, password string) string {
	t.Helper()
	return writeFile(t, "config.alloy", fmt.Sprintf(`
declare "collect" {
	argument "token" { }
	loki.source.okta "default" {
		url        = "%[1]s"
		api_token  = argument.token.value
		forward_to = [loki.write.default.receiver]
		reconcile {
			url       = "%[2]s"
			tenant_id = "team"
			basic_auth {
				username = "u"
				password = "%[3]s"
			}
		}
	}
	loki.write "default" {
		endpoint {
			url       = "%[2]s/loki/api/v1/push"
			tenant_id = "team"
			basic_auth {
				username = "u"
				password = "%[3]s"
			}
		}
	}
}
collect "it" { token = "%[4]s" }
`, c.okta.URL, c.loki.URL, password, token))
}

func TestTheDoctorSaysWhetherAllIsWell(t *testing.T) {
	c := newClinic(t)
	storage := filepath.Join(t.TempDir(), "data")
	for name, tc := range map[string]struct {
		token, password, failed string
		code                    int
	}{
		"all is well":            {"hunter2-okta", "hunter2-loki", "", 0},
		"the token is revoked":   {"hunter2-past", "hunter2-loki", "credentials", 1},
		"Loki's password is not": {"hunter2-okta", "hunter2-past", "loki push", 1},
	} {
		t.Run(name, func(t *testing.T) {
			config := c.config(t, tc.token, tc.password)
			r := execute(t, "", "doctor", "--storage.path="+storage, "--json", config)
			require.Equal(t, tc.code, r.code, r.stderr)
			var reports []doctor.Report
			require.NoError(t, json.Unmarshal([]byte(r.stdout), &reports))
			require.Len(t, reports, 1)
			failed := ""
			for _, check := range reports[0].Checks {
				if check.Status == doctor.Fail {
					failed += check.Name
				}
			}
			require.Equal(t, tc.failed, failed)
			text := execute(t, "", "doctor", "--storage.path="+storage, config)
			require.Equal(t, tc.code, text.code)
			require.Contains(t, text.stdout, "credentials")
			require.NotContains(t, r.stdout+r.stderr+text.stdout+text.stderr, "hunter2")
			require.NoDirExists(t, storage)
		})
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, pushed := range c.pushed {
		require.Equal(t, `{"streams":[]}`, pushed)
	}
	for _, tenant := range c.tenant {
		require.Equal(t, "team", tenant)
	}
}

func TestTheDoctorQuotesNoTokenEndpoint(t *testing.T) {
	c := newClinic(t)
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, secret, _ := r.BasicAuth()
		http.Error(w, "wrong: "+r.FormValue("client_secret")+secret, http.StatusBadRequest)
	}))
	defer tokens.Close()
	config := c.config(t, "hunter2-okta", "hunter2-loki")
	text, err := os.ReadFile(config)
	require.NoError(t, err)
	changed := strings.NewReplacer("basic_auth", "oauth2", "username =", "client_id =",
		"password =", fmt.Sprintf("token_url = %q\nclient_secret =", tokens.URL)).Replace(string(text))
	require.NoError(t, os.WriteFile(config, []byte(changed), 0o600))
	r := execute(t, "", "doctor", "--storage.path="+t.TempDir(), config)
	require.Equal(t, 1, r.code, r.stderr)
	require.Contains(t, r.stdout, "getting a token from "+strings.TrimPrefix(tokens.URL, "http://")+": it answered 400\n")
	require.NotContains(t, r.stdout+r.stderr, "hunter2")
}

func TestTheDoctorNeedsAConfiguration(t *testing.T) {
	for name, c := range map[string]struct{ config, want string }{
		"a broken one": {"loki.source.okta", "expected block label"},
		"without orgs": {`loki.echo "e" { }`, "the configuration has no loki.source.okta with an org"},
	} {
		t.Run(name, func(t *testing.T) {
			r := execute(t, "", "doctor", writeFile(t, "config.alloy", c.config))
			require.Equal(t, 2, r.code, r.stderr)
		})
	}
	require.Equal(t, 2, execute(t, "", "doctor", "/nowhere.alloy").code)
}

func TestNoEventInTheSamplesIsNoEstimate(t *testing.T) {
	var out strings.Builder
	require.NoError(t, printReports(&out, []doctor.Report{{Org: "acme", Estimate: &doctor.Estimate{}}}))
	require.Contains(t, out.String(), "a day: not estimated, as there was no event in any quarter of an hour that was sampled")
	require.NotContains(t, out.String(), "about 0 events")
}
