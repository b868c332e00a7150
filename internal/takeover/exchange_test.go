// option: reconcile, backfill

package takeover_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/takeover"
)

const acme = "https://acme.okta.com"

// secret is the credential that the tests' nodes share.
const secret = "00a-token-that-all-nodes-have"

func credential() []byte { return []byte(secret) }

// deliver sends a message as a peer does that has a credential.
func deliver(x http.Handler, secret, purpose, method, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	x.ServeHTTP(w, httptest.NewRequest("GET", "/orgs/acme.okta.com", nil))
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header = takeover.Headers(secret, acme, purpose, takeover.Nonce(w.Header()), []byte(body))
	w = httptest.NewRecorder()
	x.ServeHTTP(w, r)
	return w
}

// journal is a checkpoint of an org with one mark.
func journal(t *testing.T, org string, at time.Time) (data []byte) {
	j, _, err := checkpoint.Open(t.TempDir(), checkpoint.Scope{Org: org, PageSize: 1000}, 0)
	require.NoError(t, err)
	j.Saved = func(saved []byte) { data = saved }
	require.NoError(t, j.Append(checkpoint.Mark{Cursor: org + "/api/v1/logs?after=1", Published: at, Delivered: at}))
	return data
}

func TestPeersAreAnswered(t *testing.T) {
	var logged strings.Builder
	dir := t.TempDir()
	n := &node{name: "node1", sees: map[string]bool{}}
	x := takeover.New(takeover.Config{Ring: n, Dir: dir, Client: func() *http.Client { return http.DefaultClient }, Logger: log.NewLogfmtLogger(&logged)})
	x.Seat(acme, credential)
	message := func(journal string) string { return `{"node":"node2","state":"owned","journal":` + journal + `}` }
	now := time.Now()
	newer, older := string(journal(t, acme, now)), string(journal(t, acme, now.Add(-time.Hour)))
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		has                      string
	}{
		{"an org that is not configured", "GET", "/orgs/beta.okta.com", "", 404, "no such org"},
		{"another path", "GET", "/", "", 404, "no such org"},
		{"nothing known", "GET", "/orgs/acme.okta.com", "", 200, `{"node":"node1","state":"none"`},
		{"another method", "DELETE", "/orgs/acme.okta.com", "", 405, "GET or PUT"},
		{"no message", "PUT", "/orgs/acme.okta.com", "hunter2", 400, "no message"},
		{"no journal", "PUT", "/orgs/acme.okta.com", message(`{"hunter2":1}`), 400, "no checkpoint"},
		{"nothing but who reads it", "PUT", "/orgs/acme.okta.com", `{"node":"node2","state":"owned"}`, 400, "no checkpoint"},
		{"nothing but that it is given up", "PUT", "/orgs/acme.okta.com", `{"node":"node2","state":"released"}`, 204, ""},
		{"another org's journal", "PUT", "/orgs/acme.okta.com", message(string(journal(t, "https://beta.okta.com", time.Now()))), 400, "no checkpoint"},
		{"a journal of tomorrow", "PUT", "/orgs/acme.okta.com", message(string(journal(t, acme, time.Now().Add(24*time.Hour)))), 400, "no checkpoint"},
		{"too large", "PUT", "/orgs/acme.okta.com", message(`"` + strings.Repeat("x", 2<<20) + `"`), 400, "too large"},
		{"a journal", "PUT", "/orgs/acme.okta.com", message(newer), 204, ""},
		{"an older one", "PUT", "/orgs/acme.okta.com", message(older), 204, ""},
		{"what is known", "GET", "/orgs/acme.okta.com", "", 200, `"after=1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := deliver(x, secret, "tell", c.method, c.path, c.body)
			require.Equal(t, c.status, w.Code)
			require.Contains(t, strings.ReplaceAll(w.Body.String(), acme+"/api/v1/logs?", `"`), c.has)
			require.NotContains(t, w.Body.String(), "hunter2")
		})
	}
	kept, err := os.ReadFile(filepath.Join(dir, "acme.okta.com.standby.json"))
	require.NoError(t, err)
	at, err := checkpoint.Read(kept, acme)
	require.NoError(t, err)
	require.WithinDuration(t, now, at, 0, "the newer one is kept")
	require.Empty(t, logged.String(), "nothing of the content is logged")
}
