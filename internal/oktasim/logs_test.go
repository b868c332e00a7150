package oktasim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"
)

// answer is one answer as a test looks at it.
type answer struct {
	status int
	header http.Header
	body   string
	events []gjson.Result
	next   string
	self   string
}

// ask sends one request straight into the org's handler.
func ask(t *testing.T, o *Org, target string, headers ...string) answer {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Host = "acme.okta.com"
	r.Header.Set("Authorization", "SSWS secret")
	for i := 0; i < len(headers); i += 2 {
		if r.Header.Set(headers[i], headers[i+1]); headers[i+1] == "" {
			r.Header.Del(headers[i])
		}
	}
	w := httptest.NewRecorder()
	o.ServeHTTP(w, r)
	a := answer{status: w.Code, header: w.Header(), body: w.Body.String()}
	if a.status == http.StatusOK && strings.HasPrefix(a.body, "[") {
		require.True(t, json.Valid(w.Body.Bytes()), a.body)
		a.events = gjson.Parse(a.body).Array()
	}
	for _, link := range w.Header().Values("Link") {
		if target, ok := strings.CutSuffix(link, `>; rel="next"`); ok {
			a.next = target[1:]
		}
		if target, ok := strings.CutSuffix(link, `>; rel="self"`); ok {
			a.self = target[1:]
		}
	}
	return a
}

func numbers(events []gjson.Result) (n []int) {
	for _, e := range events {
		n = append(n, int(e.Get("n").Int()))
	}
	return n
}

func numbered(n int, published time.Time) []byte {
	return fmt.Appendf(nil, `{"n":%d,"uuid":"u%d","published":%q}`, n, n, published.UTC().Format(oktaTime))
}

func TestTheZeroOrgServesAnEmptyLogToAnyToken(t *testing.T) {
	a := ask(t, &Org{}, "/api/v1/logs")
	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, "[]", a.body)
	require.Equal(t, "http://acme.okta.com/api/v1/logs", a.self)
	require.Equal(t, a.self, a.next, "an empty polling page points at itself")
	for _, name := range []string{"Date", "X-Okta-Request-Id", "X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset",
		"Content-Type"} {
		require.NotEmpty(t, a.header.Get(name), name)
	}
}

func TestPollingFollowsPersistenceNotPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, start := &Org{}, time.Now()
		o.AppendAt(start.Add(-3*time.Second), numbered(1, start.Add(-4*time.Second)))
		o.AppendAt(start.Add(-2*time.Second), numbered(2, start.Add(-time.Hour))) // late
		o.AppendAt(start.Add(-time.Second), numbered(3, start.Add(-2*time.Second)))

		since := "/api/v1/logs?since=" + url.QueryEscape(start.Add(-3*time.Second).UTC().Format(oktaTime))
		require.Equal(t, []int{1, 2, 3}, numbers(ask(t, o, since).events), "since is inclusive and means persistence")

		a := ask(t, o, since+"&limit=2")
		require.Equal(t, []int{1, 2}, numbers(a.events))
		a = ask(t, o, a.next)
		require.Equal(t, []int{3}, numbers(a.events))

		idle := ask(t, o, a.next)
		require.Empty(t, idle.events)
		require.Equal(t, a.next, idle.self)
		require.Equal(t, a.next, idle.next)

		o.Append(numbered(4, start.Add(-24*time.Hour)))
		require.Equal(t, []int{4}, numbers(ask(t, o, idle.next).events))
	})
}

func TestLinksEchoTheRequestAndInventNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &Org{Clock: time.Until(time.UnixMilli(1648112954504))}
		o.Append(numbered(1, o.Now()))
		a := ask(t, o, `/api/v1/logs?limit=1&filter=uuid%20eq%20%22u1%22`)
		require.Equal(t, `http://acme.okta.com/api/v1/logs?limit=1&filter=uuid+eq+%22u1%22&after=1648112954504_1`, a.next)
		require.Equal(t, `http://acme.okta.com/api/v1/logs?limit=1&filter=uuid+eq+%22u1%22`, a.self)

		o.PublicURL = "https://acme.okta.com/"
		require.Equal(t, `https://acme.okta.com/api/v1/logs?after=1648112954504_1`, ask(t, o, "/api/v1/logs").next)
	})
}

func TestLinkStylesAreWrittenAsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		style LinkStyle
		want  []string
	}{
		"separate": {LinkSeparate, []string{`<http://h/api/v1/logs>; rel="self"`, `<http://h/api/v1/logs?after=0946684800000_1>; rel="next"`}},
		"joined":   {LinkJoined, []string{`<http://h/api/v1/logs>; rel="self", <http://h/api/v1/logs?after=0946684800000_1>; rel="next"`}},
		"next first": {
			LinkNextFirst, []string{`<http://h/api/v1/logs?after=0946684800000_1>; rel="next"`, `<http://h/api/v1/logs>; rel="self"`},
		},
		"unquoted": {LinkUnquoted, []string{`<http://h/api/v1/logs>; rel=self`, `<http://h/api/v1/logs?after=0946684800000_1>; rel=next`}},
		"punctuation": {
			LinkPunctuation, []string{`<http://h/api/v1/logs>; rel="self", <http://h/api/v1/logs?after=0946684800000_1,a;b>; rel="next"`},
		},
		"params": {LinkParams, []string{
			`<http://h/api/v1/logs>; title="page, self; of the log" ; type="application/json"; rel="self"; hreflang=en`,
			`<http://h/api/v1/logs?after=0946684800000_1>; title="page, next; of the log" ; type="application/json"; rel="next"; hreflang=en`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := &Org{LinkStyle: c.style, PublicURL: "http://h"}
				o.Append(numbered(1, time.Now()))
				require.Equal(t, c.want, ask(t, o, "/api/v1/logs").header.Values("Link"))
			})
		})
	}
}

func TestAPunctuatedCursorComesBackAndStaysItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &Org{LinkStyle: LinkPunctuation}
		o.Append(numbered(1, time.Now()))
		next := "/api/v1/logs?after=0946684800000_1,a;b"
		link := ask(t, o, next).header.Get("Link")
		require.Equal(t, `<http://acme.okta.com`+next+`>; rel="self", <http://acme.okta.com`+next+`>; rel="next"`, link)
	})
}

func TestBoundedRequestsAreOrderedByPublishedAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, start := &Org{}, time.Now().Add(-time.Hour)
		for i, offset := range []int{5, 1, 3, 2, 4, 0} {
			o.AppendAt(time.Now(), numbered(i, start.Add(time.Duration(offset)*time.Second)))
		}
		at := func(s int) string {
			return url.QueryEscape(start.Add(time.Duration(s) * time.Second).UTC().Format(oktaTime))
		}
		target := "/api/v1/logs?limit=2&since=" + at(1) + "&until=" + at(5)
		a := ask(t, o, target)
		require.Equal(t, []int{1, 3}, numbers(a.events))
		a = ask(t, o, a.next)
		require.Equal(t, []int{2, 4}, numbers(a.events), "until is exclusive")
		require.Empty(t, a.next, "the last page has no next")
		require.NotEmpty(t, a.self)

		a = ask(t, o, target+"&sortOrder=DESCENDING")
		require.Equal(t, []int{4, 2}, numbers(a.events))
		require.Equal(t, []int{3, 1}, numbers(ask(t, o, a.next).events))
	})
}

func TestBadParametersAreRefusedWithOktasCodes(t *testing.T) {
	for query, code := range map[string]string{
		"since=foobar":                 "E0000030",
		"since=2026-01-02":             "E0000030",
		"until=01-01-2017":             "E0000030",
		"since=1999-01-01T00:00:00Z":   "E0000053",
		"limit=1001":                   "E0000001",
		"limit=-1":                     "E0000001",
		"limit=many":                   "E0000001",
		"sortOrder=UP":                 "E0000001",
		"after=nonsense":               "E0000001",
		"after=1581658181086_1":        "E0000001", // of another org
		"q=a+b+c+d+e+f+g+h+i+j+k":      "E0000001",
		"filter=published+gt+1":        "E0000053",
		"q=" + strings.Repeat("x", 41): "E0000001",
		"since=1999-12-31T00:00:00Z&until=1999-12-30T00:00:00Z":          "E0000001",
		"filter=" + url.QueryEscape(`eventType eqq "a"`):                 "E0000053",
		"filter=" + url.QueryEscape(`debugContext.debugData.url co "a"`): "E0000031",
	} {
		t.Run(query, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := ask(t, &Org{}, "/api/v1/logs?"+query)
				require.Equal(t, http.StatusBadRequest, a.status)
				require.Equal(t, code, gjson.Get(a.body, "errorCode").Str, a.body)
				require.Equal(t, code, gjson.Get(a.body, "errorLink").Str)
				require.NotEmpty(t, gjson.Get(a.body, "errorSummary").Str)
				require.NotEmpty(t, gjson.Get(a.body, "errorId").Str)
				require.True(t, gjson.Get(a.body, "errorCauses").IsArray())
			})
		})
	}
}

func TestGoodParametersAreAccepted(t *testing.T) {
	for _, query := range []string{
		"", "until=", "limit=0", "limit=1000", "sortOrder=ASCENDING", "since=2000-01-01T00:00:00Z", "since=1999-12-31T12:00:00.5%2B05:30",
		"since=1999-12-31T00:00:00Z&until=2000-01-01T00:00:00Z", "q=one+two", "unknown=x", "filter=", "sortOrder=DESCENDING",
	} {
		t.Run(query, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				require.Equal(t, http.StatusOK, ask(t, &Org{}, "/api/v1/logs?"+query).status)
			})
		})
	}
}

func TestCredentialsAreChecked(t *testing.T) {
	for name, c := range map[string]struct {
		headers []string
		status  int
		code    string
	}{
		"none":        {[]string{"Authorization", ""}, 403, "E0000005"},
		"wrong":       {[]string{"Authorization", "SSWS other"}, 401, "E0000011"},
		"no token":    {[]string{"Authorization", "SSWS "}, 401, "E0000011"},
		"basic":       {[]string{"Authorization", "Basic c2VjcmV0"}, 401, "E0000011"},
		"not json":    {[]string{"Accept", "text/html"}, 400, "E0000021"},
		"right":       {nil, 200, ""},
		"lower case":  {[]string{"Authorization", "ssws secret"}, 200, ""},
		"accepts all": {[]string{"Accept", "*/*"}, 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := ask(t, &Org{Token: "secret"}, "/api/v1/logs", c.headers...)
			require.Equal(t, c.status, a.status)
			require.Equal(t, c.code, gjson.Get(a.body, "errorCode").Str)
			require.NotEmpty(t, a.header.Get("X-Rate-Limit-Reset"))
		})
	}
}

func TestOtherPathsAndMethodsAreNotServed(t *testing.T) {
	require.Equal(t, http.StatusNotFound, ask(t, &Org{}, "/api/v1/apps").status)
	w := httptest.NewRecorder()
	(&Org{}).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/api/v1/logs", nil))
	require.Equal(t, http.StatusMethodNotAllowed, w.Code)
	require.Equal(t, "E0000022", gjson.Get(w.Body.String(), "errorCode").Str)
}

func TestRefuseTurnsEveryRequestAwayUntilSwitchedOff(t *testing.T) {
	o := &Org{}
	for status, code := range map[int]string{401: "E0000011", 403: "E0000006", 404: "E0000007"} {
		o.Set(func(o *Org) { o.Refuse = status })
		a := ask(t, o, "/api/v1/logs")
		require.Equal(t, status, a.status)
		require.Equal(t, code, gjson.Get(a.body, "errorCode").Str)
	}
	o.Set(func(o *Org) { o.Refuse = 0 })
	require.Equal(t, http.StatusOK, ask(t, o, "/api/v1/logs").status)
}

func TestLargeBodiesAreCompressedOnRequest(t *testing.T) {
	o := &Org{}
	o.Generate(20, time.Minute)
	plain := ask(t, o, "/api/v1/logs")
	require.Empty(t, plain.header.Get("Content-Encoding"))
	zipped := ask(t, o, "/api/v1/logs", "Accept-Encoding", "br, gzip;q=0.8")
	require.Equal(t, "gzip", zipped.header.Get("Content-Encoding"))
	z, err := gzip.NewReader(strings.NewReader(zipped.body))
	require.NoError(t, err)
	body, err := io.ReadAll(z)
	require.NoError(t, err)
	require.Equal(t, plain.body, string(body))
	require.Empty(t, ask(t, o, "/api/v1/logs", "Accept-Encoding", "gzip;q=0").header.Get("Content-Encoding"))
}

func TestRequestsAreRememberedWithoutSecrets(t *testing.T) {
	o := &Org{}
	ask(t, o, "/api/v1/logs?limit=7", "User-Agent", "probe/1")
	ask(t, o, "/api/v1/logs?limit=7000")
	seen := o.Requests()
	require.Len(t, seen, 2)
	require.Equal(t, "/api/v1/logs?limit=7", seen[0].URL)
	require.Equal(t, "probe/1", seen[0].UserAgent)
	require.Equal(t, "SSWS", seen[0].Scheme)
	require.Equal(t, "acme.okta.com", seen[0].Host)
	require.Equal(t, 400, seen[1].Status)
	require.NotContains(t, fmt.Sprintf("%+v", seen), "secret")
	require.Equal(t, map[int]int{200: 1, 400: 1}, o.Responses())
}
