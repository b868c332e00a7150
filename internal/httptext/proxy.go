package httptext

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"strings"

	"go.uber.org/atomic"
	"golang.org/x/net/http/httpproxy" // what net/http reads the environment with, but net/http reads it once a process
)

// Unproxied returns next, but that errors tell of a proxy that the environment names for the address and that was not used, when no
// connection was had. An error's cause stays for errors.Is and errors.As. No error holds the proxy's URL.
func Unproxied(next http.RoundTripper) http.RoundTripper { return unproxied{next} }

type unproxied struct{ next http.RoundTripper }

func (u unproxied) RoundTrip(req *http.Request) (*http.Response, error) {
	var dialed atomic.Value // of string: the address asked for a connection, the proxy's if one is used
	var connected atomic.Bool
	resp, err := u.next.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		GetConn: func(hostPort string) { dialed.Store(hostPort) },
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})))
	if err == nil || connected.Load() {
		return resp, err
	}
	if untrusted := new(tls.CertificateVerificationError); errors.As(err, &untrusted) {
		return resp, err
	}
	if to, _ := dialed.Load().(string); strings.EqualFold(to, address(req.URL)) {
		if hint := unused(req.URL); hint != "" {
			return resp, &hinted{hint, err}
		}
	}
	return resp, err
}

// CloseIdleConnections is passed on, for http.Client.
func (u unproxied) CloseIdleConnections() {
	if c, ok := u.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// hinted is an error of a request that a proxy might have helped.
type hinted struct {
	hint string
	err  error
}

func (h *hinted) Error() string { return h.err.Error() + "; " + h.hint }
func (h *hinted) Unwrap() error { return h.err }

// Hint is what [Unproxied] adds to an error, "" for nothing: for callers that replace the error.
func Hint(err error) string {
	if h, ok := errors.AsType[*hinted](err); ok {
		return h.hint
	}
	return ""
}

// unused names the variable of the environment that has a proxy for u; "" when none has.
func unused(u *url.URL) string {
	const hint = "the environment names a proxy (%s) that is not used: set %s"
	env := httpproxy.FromEnvironment() // HTTPS_PROXY, HTTP_PROXY, NO_PROXY, or in lower case
	all := cmp.Or(os.Getenv("ALL_PROXY"), os.Getenv("all_proxy"))
	named := env.HTTPSProxy
	if u.Scheme == "http" {
		named = env.HTTPProxy
	}
	name, remedy := strings.ToUpper(u.Scheme)+"_PROXY", "proxy_from_environment = true, or proxy_url"
	if named == "" { // which is read by other programs, and not by Go's
		name, remedy, env.HTTPProxy, env.HTTPSProxy = "ALL_PROXY", "proxy_url", all, all
	}
	if proxy, err := env.ProxyFunc()(u); err != nil || proxy == nil {
		return ""
	}
	return fmt.Sprintf(hint, name, remedy)
}

// address is where a request for u goes to without a proxy, as net/http writes it.
func address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}
