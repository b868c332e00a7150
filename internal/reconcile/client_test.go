package reconcile

import (
	"context"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	promconfig "github.com/prometheus/common/config"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/atomic"

	"github.com/grafana/alloy/okta/internal/oktasim"
)

// network has an HTTP server at each address, and no sockets, so that time can be simulated.
func network(t *testing.T, at map[string]http.Handler) promconfig.HTTPClientOption {
	t.Helper()
	listening := make(map[string]*oktasim.Pipe)
	for address, handler := range at {
		listening[address] = oktasim.Serve(handler)
		t.Cleanup(listening[address].Close)
	}
	return promconfig.WithDialContextFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
		return listening[address].DialContext(ctx, network, address)
	})
}

const clientSecret = "hunter2 secret/+"

// withTokens is a Loki that wants a token of a token endpoint.
func withTokens(t *testing.T, loki, tokens http.Handler) *Server {
	t.Helper()
	hc, err := NewClient(promconfig.HTTPClientConfig{OAuth2: &promconfig.OAuth2{
		ClientID: "id", ClientSecret: clientSecret, TokenURL: "http://ann:hunter2@idp/token?key=hunter2+key",
	}}, "test", network(t, map[string]http.Handler{"loki:80": loki, "idp:80": tokens}))
	require.NoError(t, err)
	t.Cleanup(hc.CloseIdleConnections)
	u, err := url.Parse("http://loki")
	require.NoError(t, err)
	return NewServer(ServerConfig{URL: u, HTTP: hc, UserAgent: "test/1"})
}

// silent accepts a request and never answers.
var silent = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // else the server does not see the client go
	<-r.Context().Done()
})

// issues gives out tokens, each good for a minute: the library takes off 10 seconds.
func issues(n *atomic.Int64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token": "token %d of %s", "token_type": "Bearer", "expires_in": 60}`, n.Inc(), r.UserAgent())
	}
}

func TestAQueryEndsAlthoughTheTokenEndpointIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked, issued atomic.Int64
		var up atomic.Bool
		s := withTokens(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			assert.Regexp(t, `^Bearer token \d of test/1$`, r.Header.Get("Authorization"))
			asked.Inc()
			_, _ = io.WriteString(w, `{"data":{"resultType":"streams","result":[]}}`)
		}), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !up.Load() {
				silent(w, r)
				return
			}
			issues(&issued)(w, r)
		}))
		begin := time.Now()
		errs := make(chan error)
		const many = 3 * atOnce
		for range many {
			go func() {
				_, _, err := s.send(t.Context(), "loki/api/v1/query_range", interval{begin, begin}, url.Values{})
				errs <- err
			}()
		}
		for range many {
			err := <-errs
			require.EqualError(t, err, "querying Loki: getting a token from idp: context deadline exceeded")
			require.ErrorIs(t, err, errAway, "a smaller answer would not come sooner")
			require.NotErrorIs(t, err, errSlow)
		}
		require.Equal(t, s.cfg.Timeout, time.Since(begin), "each ends at its own time, however many wait for the one token")
		l := s.Loki(Config{Selector: `{job="x"}`})
		_, err := l.Find(t.Context(), []Event{{UUID: "a", Time: t0}})
		require.ErrorIs(t, err, errAway)

		up.Store(true)
		find := func() {
			_, err := l.Find(t.Context(), []Event{{UUID: "a", Time: t0}})
			require.NoError(t, err)
		}
		find()
		find()
		require.EqualValues(t, 1, issued.Load(), "a token is used again")
		time.Sleep(time.Minute)
		find()
		require.EqualValues(t, 2, issued.Load(), "until it ends")
		require.EqualValues(t, 3, asked.Load())
	})
}

func TestATokenEndpointThatEchoesIsNotQuoted(t *testing.T) {
	basic := base64.StdEncoding.EncodeToString([]byte("id:" + url.QueryEscape(clientSecret)))
	echo := "id=id&client_secret=" + clientSecret + "&client_secret=" + url.QueryEscape(clientSecret) + " Basic " + basic
	const from = "querying Loki: getting a token from idp: "
	for name, tc := range map[string]struct {
		status     int
		kind, body string
		want       string
	}{
		"text":                  {400, "text/plain", echo, "it answered 400"},
		"a server's error":      {500, "text/html", "<p>" + html.EscapeString(echo), "it answered 500"},
		"an error code":         {401, "application/json", `{"error":"invalid_client"}`, "it answered 401: invalid_client"},
		"an error in a success": {200, "application/json", `{"error":"invalid_scope"}`, "it answered 200: invalid_scope"},
		"a description": {400, "application/json", `{"error":"invalid_scope","error_description":"no logs"}`,
			"it answered 400: invalid_scope: no logs"},
		"a description that echoes": {400, "application/json", fmt.Sprintf(`{"error":"x","error_description":%q}`, echo),
			"it answered 400: x: id=id&client_secret=[redacted]&client_secret=[redacted] [redacted]"},
		"a description of the request": {400, "application/json", `{"error":"x","error_description":"POST /token?key=hunter2+key"}`,
			"it answered 400: x: POST /token?key=[redacted]"},
		"a code that echoes": {400, "application/json", fmt.Sprintf(`{"error":%q}`, clientSecret), "it answered 400: [redacted]"},
		"a redirect":         {307, "", "", "it answered 307"},
		"no token":           {200, "application/json", "{}", "oauth2: server response missing access_token"},
		"no JSON": {200, "application/json", echo,
			"oauth2: cannot parse json: invalid character 'i' looking for beginning of value"},
		"cut": {-1, "", "", "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			s := withTokens(t, http.NotFoundHandler(), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if tc.status < 0 {
					panic(http.ErrAbortHandler)
				}
				w.Header().Set("Content-Type", tc.kind)
				w.Header().Set("Location", "http://elsewhere/")
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			}))
			_, err := s.Loki(Config{Selector: `{job="x"}`}).Find(t.Context(), []Event{{UUID: "a", Time: t0}})
			require.EqualError(t, err, from+tc.want)
			require.NotContains(t, fmt.Sprintf("%#v", err), "hunter2")
		})
	}
}
