package httptext_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/httptext"
)

// below adds headers under the request at hand, as the transports of prometheus/common do.
type below http.Header

func (b below) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	for name, values := range b {
		req.Header[name] = values
	}
	return http.DefaultTransport.RoundTrip(req)
}

func TestSecretsOfTheRequestSentAreRedacted(t *testing.T) {
	const password = "p/ss+w&rd hunter2"
	basic := base64.StdEncoding.EncodeToString([]byte("123:" + password))
	for name, tc := range map[string]struct{ header, value, answer string }{
		"bearer":            {"Authorization", "Bearer hunter2-token", "sent Bearer hunter2-token, hunter2-token"},
		"SSWS":              {"Authorization", "SSWS 00hunter2", "token 00hunter2"},
		"basic":             {"Authorization", "Basic " + basic, "Authorization: Basic " + basic},
		"basic, decoded":    {"Authorization", "Basic " + basic, "user 123:" + password + " is unknown"},
		"basic, password":   {"Authorization", "Basic " + basic, "password " + password},
		"in HTML":           {"Authorization", "Basic " + basic, "<b>p/ss+w&amp;rd hunter2</b>"},
		"in JSON":           {"Authorization", "Basic " + basic, `{"p":"p/ss+w\u0026rd hunter2"}`},
		"in a URL":          {"Authorization", "Basic " + basic, "?p=p%2Fss%2Bw%26rd+hunter2"},
		"DPoP proof":        {"Dpop", "hunter2.proof.sig", "proof hunter2.proof.sig"},
		"a custom header":   {"X-Gateway", "glc_hunter2", "X-Gateway: glc_hunter2"},
		"a cookie":          {"Cookie", "a=b; session=hunter2", "your session hunter2"},
		"a JWT not of ours": {"X-Other", "other", "eyJodW50ZXIyIjoi.eyJodW50ZXIyIjoi.c2ln"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, tc.answer) }))
			defer server.Close()
			ctx, secrets := httptext.Watch(t.Context())
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
			require.NoError(t, err)
			resp, err := (&http.Client{Transport: below{tc.header: {tc.value}}}).Do(req)
			require.NoError(t, err)
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			got := secrets.Clean(string(body), 300)
			require.NotContains(t, got, "hunter2")
			require.NotContains(t, got, "eyJ")
			require.NotContains(t, got, basic)
			require.Contains(t, got, "[redacted]")
		})
	}
}

func TestWhatIsNoSecretStays(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	ctx, secrets := httptext.Watch(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
	require.NoError(t, err)
	for name, value := range map[string]string{"Accept": "application/json", "User-Agent": "alloy", "X-Scope-OrgID": "acme", "X-Flag": "yes"} {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	text := "alloy of acme, yes, wants application/json"
	require.Equal(t, text, secrets.Redact(text))
}

func TestASecretIsNotCutBeforeItIsRedacted(t *testing.T) {
	var secrets httptext.Secrets
	secrets.Add("hunter2secret")
	require.Equal(t, "0123456789 [...", secrets.Clean("0123456789 hunter2secret", 12))
}

func TestCleanTextFitsALogLine(t *testing.T) {
	for in, want := range map[string]string{
		" a\r\nb\x00c\x1b[1m ":        "a  b c [1m",
		"\xffx":                       "?x",
		"a\u202eb\u2028c":             "a b c",
		"äöü":                         "äöü",
		strings.Repeat("ä", 100):      strings.Repeat("ä", 10) + "...",
		"x" + strings.Repeat("ä", 99): "x" + strings.Repeat("ä", 9) + "...",
	} {
		require.Equal(t, want, httptext.Clean(in, 20), fmt.Sprintf("%q", in))
	}
}
