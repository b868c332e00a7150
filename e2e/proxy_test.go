package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktasim"
)

// anyAddress is this machine, and no loopback address to what decides whether a proxy is asked (golang.org/x/net/http/httpproxy).
const anyAddress = "0.0.0.0"

// forwardProxy is a proxy that keeps for whom it was asked: "CONNECT host:port", or the method and the URL.
type forwardProxy struct {
	mu    sync.Mutex
	asked []string
}

func (p *forwardProxy) seen(part string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Contains(strings.Join(p.asked, "\n"), part)
}

func (p *forwardProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, r.Method+" "+r.RequestURI)
	p.mu.Unlock()
	if r.Method != http.MethodConnect {
		(&httputil.ReverseProxy{Rewrite: func(*httputil.ProxyRequest) {}, ErrorLog: log.New(io.Discard, "", 0)}).ServeHTTP(w, r)
		return
	}
	target, err := net.Dial("tcp", r.Host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer target.Close()
	client, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer client.Close()
	_, _ = io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n")
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(target, buffered)
		_ = target.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(client, target)
	_ = client.Close()
	<-done
}

// certificate returns one for anyAddress, and a file for SSL_CERT_FILE that has it trusted.
func certificate(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.ParseIP(anyAddress)}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "roots.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// The environment's proxy is asked for Okta, for Loki's push and query, and for Logz.io, and not where NO_PROXY says so.
func TestDeployedTakesTheEnvironmentsProxy(t *testing.T) {
	t.Parallel()
	loki := startLoki(t)
	for name, c := range map[string]struct {
		env     []string
		proxied bool
	}{
		"a proxy":                         {nil, true},
		"a proxy, and not for everybody":  {[]string{"NO_PROXY=" + anyAddress}, false},
		"a proxy, and not for a network":  {[]string{"no_proxy=10.0.0.0/8,0.0.0.0/8"}, false},
		"a proxy, and not for others":     {[]string{"NO_PROXY=okta.com,10.0.0.0/8"}, true},
		"a proxy, its names in lowercase": {[]string{"HTTPS_PROXY=", "HTTP_PROXY="}, true},
	} {
		for _, to := range []string{"loki", "logzio"} {
			t.Run(name+", "+to, func(t *testing.T) {
				t.Parallel()
				const events = 20
				okta := &oktasim.Org{Token: token}
				okta.Generate(events, 10*time.Minute)
				cert, roots := certificate(t)
				org := httptest.NewUnstartedServer(okta)
				org.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
				org.StartTLS()
				t.Cleanup(org.Close)
				_, port, err := net.SplitHostPort(org.Listener.Addr().String())
				require.NoError(t, err)
				host := anyAddress + ":" + port

				proxy := &forwardProxy{}
				server := httptest.NewServer(proxy)
				t.Cleanup(server.Close)
				env := append([]string{noTenants, "OKTA_URL=https://" + host, "OKTA_API_TOKEN=" + token, "SSL_CERT_FILE=" + roots,
					"https_proxy=" + server.URL, "http_proxy=" + server.URL, "HTTPS_PROXY=" + server.URL, "HTTP_PROXY=" + server.URL}, c.env...)
				if to == "loki" {
					address := strings.Replace(loki.URL(), "127.0.0.1", anyAddress, 1)
					alloy := newDeployed(t, append(env, "LOKI_URL="+address)...)
					alloy.start(t)
					selector := `{job="loki.source.okta",org="` + host + `"}`
					require.Eventually(t, func() bool {
						n, err := loki.Reader().Count(t.Context(), selector, time.Now().Add(-time.Hour), time.Now().Add(time.Minute))
						return err == nil && n == events
					}, time.Minute, 100*time.Millisecond)
					alloy.stop(t)
					require.Equal(t, c.proxied, proxy.seen("POST "+address+"/loki/api/v1/push"))
					require.Equal(t, c.proxied, proxy.seen("POST "+address+"/loki/api/v1/query"), "%s", proxy.asked)
				} else {
					s := &sink{}
					address := strings.Replace(s.otlp(t), "127.0.0.1", anyAddress, 1)
					alloy := newDeployed(t, append(env, "LOGZIO_TOKEN=shipping", "LOGZIO_ENDPOINT="+address)...)
					alloy.start(t)
					waitForArrivals(t, s, events)
					alloy.stop(t)
					require.Equal(t, c.proxied, proxy.seen("POST "+address+"/v1/logs"))
				}
				require.Equal(t, c.proxied, proxy.seen("CONNECT "+host))
				require.Equal(t, c.proxied, len(proxy.asked) > 0)
			})
		}
	}
}
