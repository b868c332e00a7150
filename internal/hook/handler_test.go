package hook

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
)

func request(method, path, content string, header ...string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(content))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", secret)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i+1] == "" {
			r.Header.Del(header[i])
			continue
		}
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// What Okta, a proxy and a stranger may send, and what each is told.
func TestAnswers(t *testing.T) {
	const challenge = "X-Okta-Verification-Challenge"
	for name, c := range map[string]struct {
		request *http.Request
		status  int
		result  Result
	}{
		"hook":                    {request("POST", "/okta/acme", body), 204, Accepted},
		"hook with charset":       {request("POST", "/okta/acme", body, "Content-Type", "Application/JSON; charset=UTF-8"), 204, Accepted},
		"hook without events":     {request("POST", "/okta/acme", `{"data":{"events":[]}}`), 204, Accepted},
		"hook with query":         {request("POST", "/okta/acme?x=1", body), 204, Accepted},
		"challenge":               {request("GET", "/okta/acme", "", challenge, "abc"), 200, Verified},
		"challenge with secret":   {request("GET", "/okta/acme", "", challenge, "abc", "Authorization", secret), 200, Verified},
		"challenge, wrong secret": {request("GET", "/okta/acme", "", challenge, "abc", "Authorization", "any"), 401, Unauthorized},
		"challenge, wrong path":   {request("GET", "/okta/other", "", challenge, "abc"), 404, UnknownPath},
		"challenge too long":      {request("GET", "/okta/acme", "", challenge, strings.Repeat("c", maxChallenge+1)), 400, BadRequest},
		"no challenge":            {request("GET", "/okta/acme", ""), 400, BadRequest},
		"put":                     {request("PUT", "/okta/acme", body), 405, BadMethod},
		"head":                    {request("HEAD", "/okta/acme", ""), 405, BadMethod},
		"no secret":               {request("POST", "/okta/acme", body, "Authorization", ""), 401, Unauthorized},
		"wrong secret":            {request("POST", "/okta/acme", body, "Authorization", secret+"!"), 401, Unauthorized},
		"prefix of the secret":    {request("POST", "/okta/acme", body, "Authorization", secret[:20]), 401, Unauthorized},
		"secret, wrong path":      {request("POST", "/okta", body), 404, UnknownPath},
		"wrong secret and path":   {request("POST", "/admin", body, "Authorization", "x"), 401, Unauthorized},
		"path with another slash": {request("POST", "/okta/acme/", body), 204, Accepted},
		"form":                    {request("POST", "/okta/acme", "a=b", "Content-Type", "application/x-www-form-urlencoded"), 415, NotJSON},
		"no content type":         {request("POST", "/okta/acme", body, "Content-Type", ""), 415, NotJSON},
		"broken body":             {request("POST", "/okta/acme", body[:40]), 400, BadRequest},
		"body after the body":     {request("POST", "/okta/acme", body+"{}"), 400, BadRequest},
		"not a hook":              {request("POST", "/okta/acme", `{"data":{}}`), 400, BadRequest},
		"list":                    {request("POST", "/okta/acme", `[]`), 400, BadRequest},
		"deep":                    {request("POST", "/okta/acme", strings.Repeat("[", 100_000)), 400, BadRequest},
		"largest body":            {request("POST", "/okta/acme", body+strings.Repeat(" ", MaxBody-len(body))), 204, Accepted},
		"too large":               {request("POST", "/okta/acme", body+strings.Repeat(" ", MaxBody)), 413, TooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			st, w := newStand(t), httptest.NewRecorder()
			st.ServeHTTP(w, c.request)
			require.Equal(t, c.status, w.Code)
			require.Equal(t, 1.0, testutil.ToFloat64(st.Server.metrics.requests.WithLabelValues(string(c.result))))
			require.Equal(t, c.result == Accepted, len(st.received()) == 1)
			require.Equal(t, c.result == Verified, w.Body.Len() > 0, "an answer reveals nothing")
			require.Equal(t, c.result != Accepted && c.result != Verified, w.Header().Get("Connection") == "close")
		})
	}
}

func TestChallengeIsEchoedAsJSON(t *testing.T) {
	for _, challenge := range []string{"CbQOEYDcnCkBrcHCQKRPWsJ", `a"b\c`, "<script>"} {
		w := httptest.NewRecorder()
		newStand(t).ServeHTTP(w, request("GET", "/okta/acme", "", "x-okta-verification-challenge", challenge))
		require.Equal(t, "application/json", w.Header().Get("Content-Type"))
		require.JSONEq(t, fmt.Sprintf(`{"verification":%q}`, challenge), w.Body.String())
	}
}

// Okta has one value at a time: while it is changed there, both are accepted here.
func TestSecretsRotateWithoutARestart(t *testing.T) {
	st := newStand(t)
	post := func(secret string) int {
		w := httptest.NewRecorder()
		st.ServeHTTP(w, request("POST", "/okta/acme", body, "Authorization", secret))
		return w.Code
	}
	const next = "the secret of tomorrow"
	require.Equal(t, []int{204, 401}, []int{post(secret), post(next)})
	route := st.cfg.Routes["/okta/acme"]
	for _, step := range []struct {
		secrets []Secret
		want    []int
	}{
		{[]Secret{digest(t, secret), digest(t, " "+next+"\n")}, []int{204, 204}},
		{[]Secret{digest(t, next)}, []int{401, 204}},
		{nil, []int{401, 401}},
	} {
		route.Secrets = step.secrets
		st.Configure(Config{Routes: map[string]Route{"/okta/acme": route}})
		require.Equal(t, step.want, []int{post(secret), post(next)})
	}
}

func TestSecretsBelongToTheirPath(t *testing.T) {
	st := newStand(t)
	routes := map[string]Route{}
	for _, org := range []string{"acme", "other"} {
		routes["/okta/"+org] = Route{Name: org, Secrets: []Secret{digest(t, "the secret of "+org)}, Receive: st.receive}
	}
	st.Configure(Config{Header: "X-Hook", Routes: routes})
	for path, org := range map[string]string{"/okta/acme": "acme", "/okta/other": "other"} {
		for _, from := range []string{"acme", "other"} {
			w := httptest.NewRecorder()
			st.ServeHTTP(w, request("POST", path, body, "X-Hook", "the secret of "+from))
			require.Equal(t, map[bool]int{true: 204, false: 401}[from == org], w.Code, "%s for %s", from, org)
		}
	}
	require.Len(t, st.received(), 2)
}

func TestNoticesNotTakenAreRefused(t *testing.T) {
	st := newStand(t)
	st.err = errors.New("blocked")
	w := httptest.NewRecorder()
	st.ServeHTTP(w, request("POST", "/okta/acme", body))
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Equal(t, 1.0, testutil.ToFloat64(st.Server.metrics.requests.WithLabelValues(string(NotTaken))))
}

func TestOneBadEventCostsOnlyItself(t *testing.T) {
	n, err := parse([]byte(`{"eventId":7,"data":{"events":[{"uuid":"a"},null,1,"x",[],{"uuid":2},{},{"uuid":"b","uuid":"c"}]}}`))
	require.NoError(t, err)
	require.Equal(t, 4, n.Malformed)
	var uuids []string
	for _, e := range n.Events {
		uuids = append(uuids, e.UUID)
	}
	require.Equal(t, []string{"a", "", "", "c"}, uuids)
	require.Equal(t, `{"uuid":"b","uuid":"c"}`, string(n.Events[3].Raw), "byte for byte")
	require.Empty(t, n.ID)
}

// Receivers remember uuids: whoever knows the secret must not fill the memory.
func TestAUUIDOfAMegabyteIsNone(t *testing.T) {
	n, err := parse(fmt.Appendf(nil, `{"data":{"events":[{"uuid":%q}]}}`, strings.Repeat("u", 1<<20)))
	require.NoError(t, err)
	require.Len(t, n.Events, 1)
	require.Empty(t, n.Events[0].UUID)
}

// What is compared must not end up where people read.
func TestSecretsAreNowhere(t *testing.T) {
	st := newStand(t)
	for _, r := range []*http.Request{
		request("POST", "/okta/acme", body), request("POST", "/okta/acme", body, "Authorization", "guess of "+secret),
		request("POST", "/okta/"+secret[:5], body), request("GET", "/okta/acme", "", "x-okta-verification-challenge", "c", "Authorization", secret),
	} {
		w := httptest.NewRecorder()
		st.ServeHTTP(w, r)
		text := fmt.Sprint(w.Header()) + w.Body.String()
		require.NotContains(t, text, secret)
	}
	require.Contains(t, st.log.String(), "its secret is none of those configured")
	families, err := st.metrics.Gather()
	require.NoError(t, err)
	_, short := ParseSecret(secret[:15])
	_, control := ParseSecret(secret + "\x00" + secret)
	cert := TLS{Cert: "x", Key: secret}
	for _, text := range []string{
		st.log.String(), fmt.Sprint(families), fmt.Sprintf("%v %+v %#v", st.cfg.Addr, st.cfg.Routes["/okta/acme"].Secrets, cert),
		fmt.Sprintf("%v %+v", st.cfg, cert), short.Error(), control.Error(), cert.Validate().Error(),
	} {
		require.NotContains(t, text, secret)
		require.NotContains(t, text, secret[:15])
	}
}

func TestBadConfigurationsAreRefused(t *testing.T) {
	for want, c := range map[string]Config{
		`the address "8080": it must be host:port`:  {Addr: "8080"},
		`conn_limit is -1`:                          {Addr: ":1", ConnLimit: -1},
		`header "a b": it must be a header's name`:  {Addr: ":1", Header: "a b"},
		`header "Host": it must be a header's name`: {Addr: ":1", Header: "Host"},
		`path "okta": it must begin with a slash`:   {Addr: ":1", Routes: map[string]Route{"okta": {}}},
		`path "/a b": it must begin with a slash`:   {Addr: ":1", Routes: map[string]Route{"/a b": {}}},
		`path "/a/../b": it must begin`:             {Addr: ":1", Routes: map[string]Route{"/a/../b": {}}},
		`exactly one of cert_pem and cert_file`:     {Addr: ":1", TLS: &TLS{KeyFile: "k"}},
		`exactly one of key_pem and key_file`:       {Addr: ":1", TLS: &TLS{CertFile: "c", KeyFile: "k", Key: "k"}},
		`tls: tls: failed to find any PEM data`:     {Addr: ":1", TLS: &TLS{Cert: "c", Key: "k"}},
	} {
		require.ErrorContains(t, c.Validate(), want)
	}
}

// FuzzServe holds the handler to its contract, whatever comes.
func FuzzServe(f *testing.F) {
	f.Add("POST", "/okta/acme", secret, "application/json", "", []byte(body))
	f.Add("GET", "/okta/acme", "", "", "challenge", []byte(nil))
	f.Add("POST", "/okta/acme", secret, "application/json; charset=x", "c", []byte(`{"data":{"events":[{"uuid":"\ud800"},[{}]]}}`))
	f.Add("POST", "//okta/acme", secret, "application/json", "c", []byte(`{"DATA":{"Events":[{}]},"data":1}`))
	f.Add("GET", "/okta/acme/", "a guess", "", "challenge", []byte(nil))
	f.Fuzz(func(t *testing.T, method, to, value, kind, challenge string, content []byte) {
		isAcme := strings.EqualFold(path.Clean(to), "/okta/acme")
		st, w := newStand(t), httptest.NewRecorder()
		r := httptest.NewRequest("POST", "/", strings.NewReader(string(content)))
		r.Method, r.URL.Path = method, to
		r.Header.Set("Authorization", value)
		r.Header.Set("Content-Type", kind)
		r.Header.Set(challengeHeader, challenge)
		st.ServeHTTP(w, r)
		switch w.Code {
		case 200:
			require.True(t, method == "GET" && isAcme && challenge != "" && (value == "" || value == secret))
		case 204:
			require.True(t, method == "POST" && isAcme && value == secret)
			require.Len(t, st.received(), 1)
			for _, e := range st.received()[0].Events {
				require.Contains(t, string(content), string(e.Raw))
			}
		default:
			require.Contains(t, []int{400, 401, 404, 405, 413, 415}, w.Code)
			require.Zero(t, w.Body.Len())
			require.Empty(t, st.received())
		}
		_, _ = io.Copy(io.Discard, w.Body)
	})
}
