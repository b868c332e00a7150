package hook

import (
	"cmp"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// What Okta's form, a rotation and a proxy make of the secret. Okta sends it with the verification, too: as a delivery is answered, so
// must that be, or Okta shows a hook as verified whose deliveries are refused.
func TestSecretsAsOktaIsToldThem(t *testing.T) {
	const old, other = "the secret of yesterday", "Bearer of the other"
	for name, c := range map[string]struct {
		header   string // of the configuration; "": the default
		sent     http.Header
		delivery int
		verified int
		hint     string
	}{
		"right":                       {"", http.Header{"Authorization": {secret}}, 204, 200, ""},
		"old, in rotation":            {"", http.Header{"Authorization": {old}}, 204, 200, ""},
		"wrong":                       {"", http.Header{"Authorization": {"any"}}, 401, 401, ""},
		"other case":                  {"", http.Header{"Authorization": {strings.ToUpper(secret)}}, 401, 401, ""},
		"none":                        {"", http.Header{}, 401, 200, ""},
		"empty":                       {"", http.Header{"Authorization": {""}}, 401, 200, ""},
		"header spelled otherwise":    {"x-hOOK", http.Header{"X-Hook": {secret}}, 204, 200, ""},
		"a proxy's value before":      {"", http.Header{"Authorization": {"Basic cHJveHk=", secret}}, 204, 200, ""},
		"a proxy's value behind":      {"", http.Header{"Authorization": {secret, "Basic cHJveHk="}}, 204, 200, ""},
		"two wrong ones":              {"", http.Header{"Authorization": {"a", "b"}}, 401, 401, ""},
		"a proxy's header":            {"X-Hook", http.Header{"Authorization": {"Basic cHJveHk="}}, 401, 200, ""},
		"another header":              {"", http.Header{"X-Hook": {secret}}, 401, 401, "the header X-Hook has the secret"},
		"another header, wrong in it": {"", http.Header{"Authorization": {"any"}, "X-Hook": {old}}, 401, 401, "the header X-Hook has the secret"},
		"the default's, and not it":   {"X-Hook", http.Header{"Authorization": {secret}}, 401, 401, "the header Authorization has the secret"},
		"a scheme too many":           {"", http.Header{"Authorization": {"Bearer " + secret}}, 401, 401, "Okta has a scheme before the secret"},
		"another scheme":              {"", http.Header{"Authorization": {"bearer " + secret}}, 401, 401, "Okta has a scheme before the secret"},
		"a scheme too few":            {"", http.Header{"Authorization": {other[7:]}}, 401, 401, "secrets has a scheme before the secret"},
		"a scheme on both sides":      {"", http.Header{"Authorization": {other}}, 204, 200, ""},
		"another org's":               {"", http.Header{"Authorization": {"the secret of other"}}, 401, 401, ""},
	} {
		t.Run(name, func(t *testing.T) {
			st := newStand(t)
			st.cfg.Header = c.header
			st.cfg.Routes["/okta/acme"] = Route{Name: "acme", Secrets: []Secret{digest(t, "\n"+secret+" \r\n"), digest(t, old), digest(t, other)},
				Receive: st.receive}
			st.cfg.Routes["/okta/other"] = Route{Name: "other", Secrets: []Secret{digest(t, "the secret of other")}, Receive: st.receive}
			require.NoError(t, st.cfg.Validate())
			st.Configure(st.cfg)
			for method, want := range map[string]int{"POST": c.delivery, "GET": c.verified} {
				r := request(method, "/okta/acme", body, "Authorization", "", challengeHeader, "challenge")
				for header, values := range c.sent {
					r.Header[header] = values
				}
				before, w := st.log.String(), httptest.NewRecorder()
				st.ServeHTTP(w, r)
				require.Equal(t, want, w.Code, method)
				told := strings.TrimPrefix(st.log.String(), before)
				if want != 401 {
					require.Empty(t, told)
					continue
				}
				require.Equal(t, 1, strings.Count(told, "\n"), "each of the two is told once")
				require.Contains(t, told, `msg="event hook refused: its secret is none of those configured" org=acme verification=`+fmt.Sprint(method == "GET"))
				require.Contains(t, told, "header="+http.CanonicalHeaderKey(cmp.Or(c.header, DefaultHeader)))
				require.Contains(t, told, c.hint)
				require.Equal(t, c.hint == "", strings.Contains(told, `hint=""`) || strings.Contains(told, "hint=\n"), told)
				require.NotContains(t, told, secret)
			}
		})
	}
}

// What is typed into Okta's form leads to the org, or the log says once that it leads nowhere.
func TestPathsAsOktaIsToldThem(t *testing.T) {
	for to, want := range map[string]int{
		"/okta/acme": 204, "/okta/acme/": 204, "/okta/acme//": 204, "//okta//acme": 204, "/Okta/ACME": 204, "/okta/%61cme": 204,
		"/okta%2Facme": 204, "/okta/x/../acme": 204, "/okta/acme/?a=b": 204,
		"/okta/Twin": 204, "/okta/twin/": 404, "/okta/removed": 404, "/okta/acm": 404, "/okta/acme/x": 404, "/okta": 404, "/": 404,
		"/okta/%2561cme": 404, "/okta/acme%20": 404, "/acme": 404,
	} {
		st := newStand(t)
		for _, twin := range []string{"Twin", "tWIN"} {
			st.cfg.Routes["/okta/"+twin] = st.cfg.Routes["/okta/acme"]
		}
		st.Configure(st.cfg)
		for range 3 {
			w := httptest.NewRecorder()
			st.ServeHTTP(w, request("POST", to, body))
			require.Equal(t, want, w.Code, to)
			w = httptest.NewRecorder()
			st.ServeHTTP(w, request("GET", to, "", challengeHeader, "c", "Authorization", secret))
			require.Equal(t, map[int]int{204: 200, 404: 404}[want], w.Code, to)
		}
		require.Equal(t, map[int]int{204: 0, 404: 1}[want], strings.Count(st.log.String(), "event hook refused: its path is none of those configured"), to)
	}
	// A scanner's requests are not told of. The hook of an org that was removed is, although its secret is gone with it.
	st := newStand(t)
	st.ServeHTTP(httptest.NewRecorder(), request("POST", "/admin", body, "Authorization", ""))
	st.ServeHTTP(httptest.NewRecorder(), request("GET", "/admin", "", challengeHeader, "c"))
	require.Empty(t, st.log.String())
	w := httptest.NewRecorder()
	st.ServeHTTP(w, request("POST", "/okta/removed"+strings.Repeat("d", 300), body, "Authorization", "the secret of removed"))
	require.Equal(t, 401, w.Code)
	require.Contains(t, st.log.String(), "path=/okta/removedd")
	require.Less(t, len(st.log.String()), 400)
}

func TestWrongSecretsDoNotFillTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStand(t)
		for i := range 20 {
			name := fmt.Sprint("org", i)
			st.cfg.Routes["/okta/"+name] = Route{Name: name, Secrets: []Secret{digest(t, "the secret of "+name)}}
		}
		st.Configure(st.cfg)
		attack := func() int {
			before := strings.Count(st.log.String(), "\n")
			for i := range 1000 {
				st.ServeHTTP(httptest.NewRecorder(), request("POST", "/okta/acme", body, "Authorization", fmt.Sprint("guess ", i)))
				st.ServeHTTP(httptest.NewRecorder(), request("POST", fmt.Sprint("/", i), body, "Authorization", fmt.Sprint("guess ", i)))
			}
			return strings.Count(st.log.String(), "\n") - before
		}
		require.Equal(t, []int{2, 0}, []int{attack(), attack()})
		for i := range 20 {
			st.ServeHTTP(httptest.NewRecorder(), request("POST", fmt.Sprint("/okta/org", i), body, "Authorization", "guess"))
		}
		require.Equal(t, warnings, strings.Count(st.log.String(), "\n"))
		time.Sleep(warnedEvery)
		require.Equal(t, 2, attack())
	})
}
