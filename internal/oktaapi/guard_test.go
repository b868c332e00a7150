package oktaapi

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestNextLinkIsFollowedOnTheOrgOnly(t *testing.T) {
	const want = "http://localhost/api/v1/logs?after=%41,b;c"
	cases := map[string]struct {
		next      string
		elsewhere string // told
		why       string // it is refused
	}{
		"to the letter":                {"http://localhost/api/v1/logs?after=%41,b;c", "", ""},
		"default port":                 {"http://localhost:80/api/v1/logs?after=%41,b;c", "", ""},
		"upper case host":              {"HTTP://LOCALHOST/api/v1/logs?after=%41,b;c", "", ""},
		"relative, query":              {"?after=%41,b;c", "", ""},
		"relative, path":               {"/api/v1/logs?after=%41,b;c", "", ""},
		"a fragment":                   {"http://localhost/api/v1/logs?after=%41,b;c#x", "", ""},
		"another host":                 {"https://evil.example/api/v1/logs?after=%41,b;c", "https://evil.example", ""},
		"the org behind its domain":    {"http://acme.okta.com/api/v1/logs?after=%41,b;c", "http://acme.okta.com", ""},
		"its console":                  {"http://acme-admin.okta.com/api/v1/logs?after=%41,b;c", "http://acme-admin.okta.com", ""},
		"a host that begins like ours": {"http://localhost.evil.example/api/v1/logs?after=%41,b;c", "http://localhost.evil.example", ""},
		"a subdomain":                  {"http://sub.localhost/api/v1/logs?after=%41,b;c", "http://sub.localhost", ""},
		"another port":                 {"http://localhost:8080/api/v1/logs?after=%41,b;c", "http://localhost:8080", ""},
		"another scheme":               {"https://localhost/api/v1/logs?after=%41,b;c", "https://localhost", ""},
		"another scheme, its port":     {"https://localhost:443/api/v1/logs?after=%41,b;c", "https://localhost:443", ""},
		"no web scheme":                {"ftp://localhost/api/v1/logs?after=%41,b;c", "ftp://localhost", ""},
		"without scheme":               {"//evil.example/api/v1/logs?after=%41,b;c", "http://evil.example", ""},
		"an IPv6 address":              {"http://[::1]:81/api/v1/logs?after=%41,b;c", "http://[::1]:81", ""},
		"user info":                    {"http://user:hunter2@localhost/api/v1/logs?after=%41,b;c", "http://localhost", ""},
		"ours as user info":            {"http://localhost@evil.example/api/v1/logs?after=%41,b;c", "http://evil.example", ""},
		"a slash in user info":         {"http://a%2Fapi:b@evil.example/api/v1/logs?after=%41,b;c", "http://evil.example", ""},

		"another path":            {"http://localhost/api/v1/users?after=1", "", "leads to another path (/api/v1/users)"},
		"another path, elsewhere": {"https://evil.example/api/v1/users?after=1", "", "leads to another path"},
		"a path below":            {"http://localhost/api/v1/logs/x?after=1", "", "leads to another path"},
		"a path with dots":        {"http://localhost/api/v1/logs/../users?after=1", "", "leads to another path"},
		"a prefix":                {"http://gw.example/okta/api/v1/logs?after=1", "", "leads to another path"},
		"a double slash":          {"http://localhost//api/v1/logs?after=1", "", "leads to another path"},
		"no path":                 {"http://localhost?after=1", "", "leads to another path"},
		"a backslash":             {`http://localhost\@evil.example/api/v1/logs`, "", "no URL"},
		"opaque":                  {"http:localhost/api/v1/logs", "", "another path"},
		"not a URL":               {"http://local host/", "", "no URL"},
		"a newline":               {"http://localhost/\x01", "", "no URL"},
		"a file":                  {"file:///etc/passwd", "", "another path"},
		"javascript":              {"javascript:alert(1)", "", "another path"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := serve(t, answerWith(200, map[string]string{}, "[]"))
				page := s.page("http://localhost/api/v1/logs?since=x", answer{header: http.Header{"Link": {"<" + tc.next + `>; rel="next"`}}})
				require.Equal(t, tc.elsewhere, page.Elsewhere)
				if tc.why == "" {
					require.NoError(t, page.NextErr)
					require.Equal(t, Cursor(want), page.Next)
				} else {
					require.Empty(t, page.Next)
					require.ErrorContains(t, page.NextErr, tc.why)
					require.NotContains(t, page.NextErr.Error(), "hunter2")
				}
			})
		})
	}
}

func TestACursorOfAnotherHostIsNeverRequested(t *testing.T) {
	for name, cursor := range map[string]Cursor{
		"another host":   "https://evil.example/api/v1/logs?after=1",
		"another port":   "http://localhost:8080/api/v1/logs?after=1",
		"another scheme": "https://localhost/api/v1/logs?after=1",
		"user info":      "http://user:hunter2@localhost/api/v1/logs?after=1",
		"no URL":         `http://localhost\@evil.example/`,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := serve(t, answerWith(200, nil, "[]"))
				_, err := s.Fetch(t.Context(), cursor)
				require.Equal(t, CursorRefused, asError(t, err).Class, "not from a checkpoint either")
				require.Empty(t, s.requests())
			})
		})
	}
}

func TestRedirectsAreFollowedOnlyWithinTheOrg(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/api/v1/logs" {
				http.Redirect(w, r, "/moved/logs?after=9", http.StatusFound)
				return
			}
			answerWith(200, map[string]string{"Link": `<?after=10>; rel=next`}, "[]")(w, r)
		})
		page, err := s.Fetch(t.Context(), s.Start(time.Now()))
		require.NoError(t, err)
		require.Equal(t, Cursor("http://localhost/moved/logs?after=10"), page.Next, "relative to where the page was")
		require.Len(t, s.requests(), 2)
		require.Equal(t, "SSWS "+secret, s.requests()[1].Header.Get("Authorization"))
		require.Equal(t, 2, s.cfg.Budget.Status().Used)
	})
	for name, location := range map[string]string{
		"another host":  "https://login.example.com/signin",
		"a subdomain":   "http://sso.localhost/api/v1/logs",
		"another port":  "http://localhost:81/api/v1/logs",
		"https to http": "https://localhost/api/v1/logs",
		"user info":     "http://a:b@localhost/",
		"no URL":        "http://%zz/",
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := serve(t, answerWith(307, map[string]string{"Location": location, "X-Okta-Request-Id": "req1"}, ""))
				_, err := s.Fetch(t.Context(), s.Start(time.Now()))
				e := asError(t, err)
				require.Equal(t, Refused, e.Class)
				require.Equal(t, 307, e.Status)
				require.Equal(t, "req1", e.RequestID)
				require.ErrorContains(t, err, "set url to the org's own address")
				require.Len(t, s.requests(), 1, "nothing, and no credential, went elsewhere")
			})
		})
	}
}

func TestARedirectLoopEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.RequestURI, http.StatusFound) })
		_, err := s.Fetch(t.Context(), s.Start(time.Now()))
		require.Equal(t, Refused, asError(t, err).Class)
		require.ErrorContains(t, err, "redirected more than 3 times")
		require.Len(t, s.requests(), 4)
	})
}
