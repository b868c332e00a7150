package httptext_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/httptext"
)

const proxyURL = "http://ann:hunter2@proxy.example:3128"

func TestAProxyThatIsNotUsedIsNamed(t *testing.T) {
	notFound := &net.DNSError{Err: "no such host", Name: "acme.okta.com", IsNotFound: true}
	slow := &net.DNSError{Err: "i/o timeout", Name: "acme.okta.com", IsTimeout: true}
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	late := &net.OpError{Op: "dial", Net: "tcp", Err: errTimeout{}}
	cut := errors.New("read: connection reset by peer")
	const fromEnvironment = "is not used: set proxy_from_environment = true, or proxy_url"
	for name, tc := range map[string]struct {
		env  map[string]string
		err  error
		url  string
		used string // the client's own proxy
		want string // "": nothing
	}{
		"no such name":             {map[string]string{"HTTPS_PROXY": proxyURL}, notFound, "", "", "(HTTPS_PROXY) that " + fromEnvironment},
		"name server silent":       {map[string]string{"HTTPS_PROXY": proxyURL}, slow, "", "", "(HTTPS_PROXY)"},
		"refused":                  {map[string]string{"HTTPS_PROXY": proxyURL}, refused, "", "", "(HTTPS_PROXY)"},
		"timed out":                {map[string]string{"HTTPS_PROXY": proxyURL}, late, "", "", "(HTTPS_PROXY)"},
		"cut during the handshake": {map[string]string{"HTTPS_PROXY": proxyURL}, cut, "", "", "(HTTPS_PROXY)"},
		"lower case":               {map[string]string{"https_proxy": proxyURL}, refused, "", "", "(HTTPS_PROXY)"},
		"without a scheme":         {map[string]string{"https_proxy": "proxy.example:3128"}, refused, "", "", "(HTTPS_PROXY)"},
		"http":                     {map[string]string{"HTTP_PROXY": proxyURL}, refused, "http://loki.example:3100/", "", "(HTTP_PROXY)"},
		"all":                      {map[string]string{"ALL_PROXY": proxyURL}, refused, "", "", "(ALL_PROXY) that is not used: set proxy_url"},
		"all, lower case":          {map[string]string{"all_proxy": proxyURL}, refused, "", "", "(ALL_PROXY)"},
		"a port of its own":        {map[string]string{"HTTPS_PROXY": proxyURL}, refused, "https://acme.okta.com:8443/", "", "(HTTPS_PROXY)"},

		"none":                   {nil, refused, "", "", ""},
		"for http only":          {map[string]string{"HTTP_PROXY": proxyURL}, refused, "", "", ""},
		"for https only":         {map[string]string{"HTTPS_PROXY": proxyURL}, refused, "http://loki.example:3100/", "", ""},
		"not for this host":      {map[string]string{"HTTPS_PROXY": proxyURL, "NO_PROXY": "localhost,.okta.com"}, refused, "", "", ""},
		"not for it, all":        {map[string]string{"ALL_PROXY": proxyURL, "no_proxy": "acme.okta.com"}, refused, "", "", ""},
		"for no host":            {map[string]string{"HTTPS_PROXY": proxyURL, "NO_PROXY": "*"}, refused, "", "", ""},
		"on this machine":        {map[string]string{"HTTP_PROXY": proxyURL}, refused, "http://127.0.0.1:3100/", "", ""},
		"a proxy is used":        {map[string]string{"HTTPS_PROXY": proxyURL}, refused, "", "http://other.example:3128", ""},
		"that of the variable":   {map[string]string{"HTTPS_PROXY": proxyURL}, notFound, "", proxyURL, ""},
		"http through a proxy":   {map[string]string{"HTTP_PROXY": proxyURL}, refused, "http://loki.example:3100/", proxyURL, ""},
		"a value that is no URL": {map[string]string{"HTTPS_PROXY": "http://ann:hunter2@%zz"}, refused, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, variable := range []string{"HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD"} {
				t.Setenv(variable, "")
				t.Setenv(strings.ToLower(variable), "")
			}
			for variable, value := range tc.env {
				t.Setenv(variable, value)
			}
			transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, tc.err }}
			if tc.used != "" {
				used, err := url.Parse(tc.used)
				require.NoError(t, err)
				transport.Proxy = http.ProxyURL(used)
			}
			target := tc.url
			if target == "" {
				target = "https://acme.okta.com/api/v1/logs"
			}
			resp, err := (&http.Client{Transport: httptext.Unproxied(transport)}).Get(target)
			if err == nil {
				_ = resp.Body.Close()
			}
			require.ErrorIs(t, err, tc.err)
			require.NotContains(t, err.Error(), "hunter2")
			require.Equal(t, tc.want != "", httptext.Hint(err) != "", "%v", err)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

type errTimeout struct{}

func (errTimeout) Error() string { return "i/o timeout" }
func (errTimeout) Timeout() bool { return true }
