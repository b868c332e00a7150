package oktaapi

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestNextLinkIsFollowedOnlyWithinTheOrg(t *testing.T) {
	cases := map[string]struct {
		next string
		want Cursor // "": refused
		why  string
	}{
		"to the letter":                {"http://localhost/api/v1/logs?after=%41,b", "http://localhost/api/v1/logs?after=%41,b", ""},
		"default port":                 {"http://localhost:80/api/v1/logs?after=1", "http://localhost:80/api/v1/logs?after=1", ""},
		"upper case host":              {"HTTP://LOCALHOST/api/v1/logs?after=1", "HTTP://LOCALHOST/api/v1/logs?after=1", ""},
		"relative, query":              {"?after=1", "http://localhost/api/v1/logs?after=1", ""},
		"relative, path":               {"/api/v1/logs?after=1", "http://localhost/api/v1/logs?after=1", ""},
		"another path":                 {"http://localhost/api/v1/users?after=1", "", "leads to another path"},
		"another host":                 {"https://evil.example/api/v1/logs?after=1", "", "leads to another host"},
		"a host that begins like ours": {"http://localhost.evil.example/", "", "leads to another host"},
		"a parent domain":              {"http://sub.localhost/", "", "leads to another host"},
		"another port":                 {"http://localhost:8080/", "", "leads to another host"},
		"another scheme":               {"https://localhost/api/v1/logs?after=1", "", "https://localhost instead of http://localhost"},
		"without scheme":               {"//evil.example/api/v1/logs", "", "leads to another host"},
		"user info":                    {"http://user:hunter2@localhost/api/v1/logs", "", "user info"},
		"ours as user info":            {"http://localhost@evil.example/", "", "user info"},
		"a backslash":                  {`http://localhost\@evil.example/`, "", "no URL"},
		"opaque":                       {"http:localhost/api", "", "another host"},
		"not a URL":                    {"http://local host/", "", "no URL"},
		"a newline":                    {"http://localhost/\x01", "", "no URL"},
		"a file":                       {"file:///etc/passwd", "", "another host"},
		"javascript":                   {"javascript:alert(1)", "", "another host"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := serve(t, answerWith(200, map[string]string{}, "[]"))
				page := s.page("http://localhost/api/v1/logs?since=x", answer{header: http.Header{"Link": {"<" + tc.next + `>; rel="next"`}}})
				require.Equal(t, tc.want, page.Next)
				if tc.want != "" {
					require.NoError(t, page.NextErr)
					return
				}
				require.ErrorContains(t, page.NextErr, tc.why)
				require.NotContains(t, page.NextErr.Error(), "hunter2")
				if name == "another path" {
					return // of our own host: harmless to ask for
				}
				_, err := s.Fetch(t.Context(), Cursor(tc.next))
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
