package e2e

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/testbed"
	"github.com/grafana/alloy/okta/syntax"
)

const (
	cloudUser  = "123456"
	cloudToken = "glc_tokenOfTheSimulatedStack"
)

// gateway stands before a Loki with tenants, as Grafana Cloud's does: below a path, with basic authentication, whose user is the tenant.
func gateway(t *testing.T, loki *testbed.Loki, path string) string {
	t.Helper()
	target, err := url.Parse(loki.URL())
	require.NoError(t, err)
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Header.Del("Authorization")
		r.Out.Header.Set("X-Scope-OrgID", cloudUser)
	}}
	server := httptest.NewServer(http.StripPrefix(path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, ok := r.BasicAuth(); !ok || user != cloudUser || password != cloudToken {
			http.Error(w, "invalid token", http.StatusUnauthorized)
			return
		}
		proxy.ServeHTTP(w, r)
	})))
	t.Cleanup(server.Close)
	return server.URL + path
}

// signed authenticates the requests of a Reader.
type signed struct{}

func (signed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.SetBasicAuth(cloudUser, cloudToken)
	return http.DefaultTransport.RoundTrip(r)
}

func TestGrafanaCloudBehindItsGateway(t *testing.T) {
	t.Parallel()
	okta := startOrg(t, "--backlog=300", "--backlog-span=30m", "--rate=0/s")
	loki := &testbed.Loki{Bin: program(t, "loki"), Dir: t.TempDir(), Tenants: true}
	runLoki(t, loki)
	url := gateway(t, loki, "/logs-prod")
	reader := testbed.Reader{URL: url, HTTP: &http.Client{Transport: signed{}}}

	config, err := fs.ReadFile(syntax.Files, "grafana-cloud.alloy")
	require.NoError(t, err)
	alloy := newCollector(t, config, okta, loki)
	alloy.env = append(alloy.env, "GRAFANA_CLOUD_LOGS_URL="+url, "GRAFANA_CLOUD_LOGS_USER="+cloudUser, "GRAFANA_CLOUD_TOKEN="+cloudToken)
	alloy.start(t)
	records := okta.records(t, 300)
	waitForCount(t, reader, selector, records, len(records), time.Minute)
	alloy.waitForMetric(t, "loki_source_okta_unconfirmed_events", 0)

	// A kill loses the cursor's last steps, not what Loki can be asked.
	alloy.Kill()
	okta.generate(t, 50)
	alloy.start(t)
	records = okta.records(t, 350)
	waitForCount(t, reader, selector, records, len(records), time.Minute)
	alloy.stop(t)
	requireExactlyOnce(t, reader, selector, records)
	require.NotContains(t, alloy.Log(), cloudToken)
	require.False(t, strings.Contains(alloy.Log(), "reconcile query failed"))
}
