package okta

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/component/common/loki"

	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/poller"
)

// overTLS serves the org with a certificate for example.com that no one trusts, and
// returns the server and the certificate's file.
func overTLS(t *testing.T, h http.Handler) (*httptest.Server, string) {
	server := httptest.NewTLSServer(h)
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	return server, file
}

// proxy is an HTTP proxy that connects everybody to one server.
type proxy struct {
	*httptest.Server
	to   string
	user string // "": none is asked for

	mu    sync.Mutex
	asked []string // hosts
}

func newProxy(t *testing.T, to, user string) *proxy {
	p := &proxy{to: to, user: user}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, _, _ := (&http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}).BasicAuth()
	switch {
	case r.Method != http.MethodConnect:
		http.Error(w, "only CONNECT", http.StatusMethodNotAllowed)
		return
	case user != p.user:
		http.Error(w, "you are "+r.Header.Get("Proxy-Authorization"), http.StatusProxyAuthRequired)
		return
	}
	p.mu.Lock()
	p.asked = append(p.asked, r.Host)
	p.mu.Unlock()
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		server.Close()
		return
	}
	_, _ = io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() { defer server.Close(); _, _ = io.Copy(server, buffered) }()
	go func() { defer client.Close(); _, _ = io.Copy(client, server) }()
}

// serviceApp registers a client with the org and returns its private_key_jwt block.
func serviceApp(t *testing.T, org *oktasim.Org) string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "key.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	org.Clients = []oktasim.OAuthClient{{ID: "0oaTest", DPoP: true, Keys: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{KeyID: "k1",
		Key: key.Public(), Use: "sig", Algorithm: "ES256"}}}}}
	return fmt.Sprintf("private_key_jwt {\n client_id = \"0oaTest\"\n key_id = \"k1\"\n private_key_file = %q\n}\n", file)
}

func TestProxyAndCAHoldForTokenEndpointAndLog(t *testing.T) {
	org := &oktasim.Org{PublicURL: "https://example.com"}
	org.Append([]byte(`{"uuid":"1","published":"` + time.Now().UTC().Format(time.RFC3339) + `"}`))
	app := serviceApp(t, org)
	server, ca := overTLS(t, org)
	proxy := newProxy(t, server.Listener.Addr().String(), "")
	s := runs(t, `url = "https://example.com"
`+app+`client {
  proxy_url = "`+proxy.URL+`"
  tls_config { ca_file = "`+ca+`" }
}`)
	require.Contains(t, s.take(t).Line, `"uuid":"1"`)
	paths := map[string]bool{}
	for _, r := range org.Requests() {
		path, _, _ := strings.Cut(r.URL, "?")
		paths[path] = true
		require.Equal(t, "example.com", r.Host)
	}
	require.Equal(t, map[string]bool{"/oauth2/v1/token": true, "/api/v1/logs": true}, paths)
	proxy.mu.Lock()
	defer proxy.mu.Unlock()
	require.NotEmpty(t, proxy.asked)
	for _, host := range proxy.asked {
		require.Equal(t, "example.com:443", host)
	}
}

func TestACertificateThatIsNotTrustedGetsNoCredential(t *testing.T) {
	org := &oktasim.Org{}
	server, _ := overTLS(t, org)
	s := runs(t, `url = "`+server.URL+`"
api_token = "00hunter2token"`)
	require.Eventually(t, func() bool { return s.only().live.status.Snapshot().Wrong[poller.Okta].Lasts() },
		20*time.Second, 10*time.Millisecond)
	require.ErrorContains(t, s.only().live.status.Snapshot().Wrong[poller.Okta].Err, "certificate")
	require.Empty(t, org.Requests())
	require.NotContains(t, s.everything(t), "hunter2")
}

func TestSecretsAreInNothingThatTheComponentShows(t *testing.T) {
	// Servers and proxies that repeat what they were sent, in every place there is.
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent := r.Header.Get("Authorization")
		w.Header().Set("X-Okta-Request-Id", sent)
		w.Header().Set("WWW-Authenticate", sent)
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `{"errorCode":%q,"errorSummary":"you sent %s"}`, sent, sent)
	})
	cases := map[string]struct {
		handler   http.Handler
		proxyUser string // wanted by the proxy; "-": no proxy
		want      string // in the error
	}{
		"a server that echoes":  {echo, "-", "403"},
		"a server that refuses": {&oktasim.Org{Token: "another"}, "-", "401 E0000011"},
		"a redirect that echoes": {http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.invalid/?token="+r.Header.Get("Authorization"), http.StatusFound)
		}), "-", "refusing a redirect"},
		"a proxy that refuses the user": {echo, "somebody else", "Proxy Authentication Required"},
		"a proxy that takes the user":   {echo, "me", "403"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			server, ca := overTLS(t, tc.handler)
			proxyURL := ""
			if tc.proxyUser != "-" {
				p := newProxy(t, server.Listener.Addr().String(), tc.proxyUser)
				proxyURL = `proxy_url = "` + strings.Replace(p.URL, "://", "://me:proxyhunter2@", 1) + `"`
			}
			s := runs(t, `url = "`+server.URL+`"
api_token = "00hunter2token"
client {
  `+proxyURL+`
  tls_config { ca_file = "`+ca+`" }
}`)
			require.Eventually(t, func() bool { return s.only().live.status.Snapshot().Wrong[poller.Okta].Lasts() },
				20*time.Second, 10*time.Millisecond)
			require.ErrorContains(t, s.only().live.status.Snapshot().Wrong[poller.Okta].Err, tc.want)
			shown := s.everything(t)
			require.Contains(t, shown, tc.want, "the error is shown")
			require.NotContains(t, shown, "hunter2")
			require.NotContains(t, shown, "bWU6cHJveHlodW50ZXIy", "nor the proxy's password in base64")
		})
	}
}

func TestASecretIsNotInAnArgumentsError(t *testing.T) {
	for _, token := range []string{"00hunter2 token", "Bearer 00hunter2", "\"00hunter2\"", "00hunter2\u00fc"} {
		args := DefaultArguments
		args.URL, args.ForwardTo = "https://acme.okta.com", []loki.LogsReceiver{loki.NewLogsReceiver()}
		require.NoError(t, args.APIToken.ConvertFrom(token))
		err := args.Validate()
		require.Error(t, err)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestAShortRequestTimeoutIsAllowedWithAWarning(t *testing.T) {
	org := &oktasim.Org{}
	server := httptest.NewServer(org)
	defer server.Close()
	for timeout, warnings := range map[string]int{"29s": 1, "30s": 0} {
		s := runs(t, `url = "`+server.URL+`"
api_token = "00hunter2token"
request_timeout = "`+timeout+`"`)
		require.Equal(t, warnings, strings.Count(s.everything(t), "request_timeout is below the 30s"))
	}
}
