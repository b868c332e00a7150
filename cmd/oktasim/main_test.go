package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/atomic"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/testbed"
)

func TestBadFlagsAreNamedWithWhatIsAllowed(t *testing.T) {
	notKeys := filepath.Join(t.TempDir(), "keys.json")
	require.NoError(t, os.WriteFile(notKeys, []byte(`{"keys":[]}`), 0o600))
	for args, want := range map[string]string{
		"--listen 8080":      `--listen "8080": want host:port, such as 127.0.0.1:8080`,
		"--listen host:http": `--listen "host:http": want host:port`,
		"--rate 5": `--rate "5": want a number per second, minute or hour, such as 5/s, 300/m or 10/h, ` +
			`or 0 for none`,
		"--rate -1/s":                            `--rate "-1/s": want a number`,
		"--rate 5/y":                             `--rate "5/y": want a number`,
		"--rate NaN/s":                           `--rate "NaN/s": want a number`,
		"--backlog -5":                           `--backlog -5: want 0 or more`,
		"--backlog many":                         `--backlog "many": want a whole number`,
		"--backlog-span day":                     `--backlog-span "day": want a duration, such as 30m or 24h`,
		"--backlog-span -1h":                     `--backlog-span -1h0m0s: want 0s or more`,
		"--rate-limit 0":                         `--rate-limit 0: want 1 or more, or -1 for no limit`,
		"--principal-share 1.5":                  `--principal-share 1.5: want above 0 and up to 1`,
		"--principal-share half":                 `--principal-share "half": want a number`,
		"--clock fast":                           `--clock "fast": want a duration`,
		"--hook-uri http://127.0.0.1:1/":         `--hook-uri needs a secret: set --hook-secret or OKTASIM_HOOK_SECRET`,
		"--hook-delay 0s":                        `--hook-delay 0s: want above 0s`,
		"--late-share 2":                         `--late-share 2: want 0 to 1`,
		"--scenario push-bombing,flood":          `--scenario: unknown scenario "flood": it is one of admin-takeover, agent-hijack, `,
		"--public-url acme.okta.com":             `--public-url "acme.okta.com": want http:// or https:// and a host, nothing more`,
		"--public-url https://a/b":               `--public-url "https://a/b": want`,
		"--client-dpop=perhaps":                  `--client-dpop "perhaps": want true or false`,
		"--client-id 0oa1":                       `--client-id and --client-jwks go together`,
		"--client-id x --client-jwks /no":        `reading --client-jwks: open /no`,
		"--client-id x --client-jwks " + notKeys: `want a JWK or a JWKS in JSON, with RSA or EC keys`,
		"--nonsense":                             `flag provided but not defined: -nonsense`,
		"serve":                                  `unexpected argument "serve"`,
	} {
		t.Run(args, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			require.Equal(t, exitUsage, run(t.Context(), strings.Fields(args), &stdout, &stderr))
			require.Contains(t, stderr.String(), want)
			require.Empty(t, stdout.String())
		})
	}
}

func TestHelpNamesEveryFlag(t *testing.T) {
	var stdout, stderr bytes.Buffer
	require.Equal(t, exitOK, run(t.Context(), []string{"--help"}, &stdout, &stderr))
	for _, name := range []string{"listen", "public-url", "token", "seed", "rate", "backlog", "backlog-span", "rate-limit",
		"principal-share", "clock", "late-share", "page-cap", "visible-every", "quiet", "scenario", "client-id", "client-jwks",
		"hook-uri", "hook-header", "hook-secret", "hook-delay"} {
		require.Contains(t, stdout.String(), "\n  -"+name)
	}
	for _, s := range oktasim.Scenarios() {
		require.Contains(t, stdout.String(), "\n  "+s.Name+" ")
	}
	require.Empty(t, stderr.String())
}

func TestRatesAreReadPerSecondMinuteAndHour(t *testing.T) {
	for s, want := range map[string]float64{"5/s": 5, "300/m": 5, "36/h": 0.01, "0": 0, "0/m": 0, "0.5/s": 0.5} {
		got, err := parseRate(s)
		require.NoError(t, err, s)
		require.InDelta(t, want, got, 1e-9, s)
	}
}

// A receiver that starts later than the org gets its hooks all the same.
func TestEventHooksAreSent(t *testing.T) {
	var asked atomic.Int32
	bodies := make(chan string, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodGet && asked.Add(1) < 3:
			w.WriteHeader(http.StatusServiceUnavailable)
		case r.Method == http.MethodGet:
			_ = json.NewEncoder(w).Encode(map[string]string{"verification": r.Header.Get("x-okta-verification-challenge")})
		case r.Header.Get("X-Hook") == "the secret value":
			body, _ := io.ReadAll(r.Body)
			bodies <- string(body)
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	defer receiver.Close()
	p := start(t, "--backlog=10", "--rate=50/s", "--hook-uri="+receiver.URL, "--hook-header=X-Hook", "--hook-secret=the secret value",
		"--hook-delay=1ms")
	require.Contains(t, <-bodies, `"com.okta.event_hook"`)
	require.Contains(t, p.stderr.String(), "trying again")
	require.NotContains(t, p.stderr.String(), "the secret value")
	require.Eventually(t, func() bool {
		status, body := p.ask(t, "GET", "/_oktasim/hooks", "")
		return status == http.StatusOK && strings.Contains(body, `"Status":204`)
	}, 30*time.Second, 5*time.Millisecond)
}

func TestATakenPortIsAFailureThatNamesIt(t *testing.T) {
	p := start(t, "--backlog=0", "--rate=0")
	var stderr bytes.Buffer
	addr := strings.TrimPrefix(p.url, "http://")
	require.Equal(t, exitFailure, run(t.Context(), []string{"--listen", addr}, io.Discard, &stderr))
	require.Contains(t, stderr.String(), "listening on --listen "+addr)
}

// program is a running oktasim.
type program struct {
	url    string
	stderr *testbed.Log
}

var orgURL = regexp.MustCompile(`an Okta org at (http://\S+)`)

// start runs the program on a free port until the test ends, and checks that it
// ends well.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p, done := &program{stderr: &testbed.Log{}}, make(chan int, 1)
	go func() { done <- run(ctx, append([]string{"--listen=127.0.0.1:0"}, args...), io.Discard, p.stderr) }()
	t.Cleanup(func() {
		cancel()
		require.Equal(t, exitOK, <-done)
		require.Contains(t, p.stderr.String(), "oktasim: stopped.")
	})
	require.Eventually(t, func() bool {
		if m := orgURL.FindStringSubmatch(p.stderr.String()); m != nil {
			p.url = m[1]
		}
		return p.url != ""
	}, 30*time.Second, 5*time.Millisecond)
	return p
}

func (p *program) ask(t *testing.T, method, path, body string, token ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, p.url+path, strings.NewReader(body))
	require.NoError(t, err)
	for _, token := range token {
		r.Header.Set("Authorization", "SSWS "+token)
	}
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(raw)
}

func (p *program) stats(t *testing.T) (s stats) {
	t.Helper()
	status, body := p.ask(t, http.MethodGet, "/_oktasim/stats", "")
	require.Equal(t, http.StatusOK, status)
	require.NoError(t, json.Unmarshal([]byte(body), &s))
	return s
}

func TestTheProgramServesItsBacklogToItsToken(t *testing.T) {
	p := start(t, "--token=t0ken", "--backlog=1500", "--rate=0", "--rate-limit=3")
	require.NotContains(t, p.stderr.String(), "t0ken")

	status, page := p.ask(t, http.MethodGet, "/api/v1/logs?limit=1000", "", "t0ken")
	require.Equal(t, http.StatusOK, status)
	_, ndjson := p.ask(t, http.MethodGet, "/_oktasim/events", "")
	lines := strings.Split(strings.TrimSuffix(ndjson, "\n"), "\n")
	require.Len(t, lines, 1500)
	require.Equal(t, page, "["+strings.Join(lines[:1000], ",")+"]")

	_, rest := p.ask(t, http.MethodGet, "/_oktasim/events?from=1499", "")
	require.Equal(t, lines[1499]+"\n", rest)

	status, _ = p.ask(t, http.MethodGet, "/api/v1/logs", "", "wrong")
	require.Equal(t, http.StatusUnauthorized, status)
	for range 3 {
		status, _ = p.ask(t, http.MethodGet, "/api/v1/logs", "", "t0ken")
	}
	require.Equal(t, http.StatusTooManyRequests, status)

	s := p.stats(t)
	require.Equal(t, 1500, s.Events)
	require.Equal(t, map[int]int{200: 3, 401: 1, 429: 1}, s.Responses)
	require.Equal(t, 5, s.Requests)
	require.Equal(t, []int{3, 1}, []int{s.Windows[0].Used, s.Windows[0].Refused})
}

func TestATokenIsMadeUpAndPrintedWhenNoneIsGiven(t *testing.T) {
	t.Setenv("OKTASIM_TOKEN", "")
	p := start(t, "--backlog=0", "--rate=0")
	made := regexp.MustCompile(`made up for this run: (\S+)`).FindStringSubmatch(p.stderr.String())
	require.NotNil(t, made)
	require.Len(t, made[1], 42)
	status, _ := p.ask(t, http.MethodGet, "/api/v1/logs", "", made[1])
	require.Equal(t, http.StatusOK, status)
}

func TestTheTokenMayComeFromTheEnvironment(t *testing.T) {
	t.Setenv("OKTASIM_TOKEN", "fr0m-env")
	p := start(t, "--backlog=0", "--rate=0")
	require.NotContains(t, p.stderr.String(), "fr0m-env")
	status, _ := p.ask(t, http.MethodGet, "/api/v1/logs", "", "fr0m-env")
	require.Equal(t, http.StatusOK, status)
}

func TestTheControlPathsDriveTheOrg(t *testing.T) {
	p := start(t, "--token=first", "--backlog=0", "--rate=0")
	do := func(path, body string) {
		t.Helper()
		status, said := p.ask(t, http.MethodPost, "/_oktasim/"+path, body)
		require.Equal(t, http.StatusNoContent, status, said)
	}
	logs := func(token string) (int, string) { return p.ask(t, http.MethodGet, "/api/v1/logs", "", token) }

	do("generate?n=7", "")
	require.Equal(t, 7, p.stats(t).Events)
	do("append", "{\"uuid\":\"a\"}\n\n{\"uuid\":\"b\"}\n")
	_, rest := p.ask(t, http.MethodGet, "/_oktasim/events?from=7", "")
	require.Equal(t, "{\"uuid\":\"a\"}\n{\"uuid\":\"b\"}\n", rest)

	do("token?value=second", "")
	status, _ := logs("first")
	require.Equal(t, http.StatusUnauthorized, status)
	status, _ = logs("second")
	require.Equal(t, http.StatusOK, status)

	do("fault?name=503&count=2", "")
	do("fault?name=object", "")
	for _, want := range []int{503, 503, 200} {
		status, body := logs("second")
		require.Equal(t, want, status, body)
		if want == 200 {
			require.Equal(t, `{"events":[]}`, body)
		}
	}
	do("fault?name=503&count=5", "")
	do("fault?count=0", "")
	status, _ = logs("second")
	require.Equal(t, http.StatusOK, status, "the queue was cleared")
	do("refuse?status=403", "")
	status, _ = logs("second")
	require.Equal(t, http.StatusForbidden, status)
	do("refuse?status=0", "")
	status, _ = logs("second")
	require.Equal(t, http.StatusOK, status)

	do("rate?per_second=500", "")
	require.Eventually(t, func() bool { return p.stats(t).Events > 20 }, 30*time.Second, 10*time.Millisecond)
	do("rate?per_second=0", "")
	n := p.stats(t).Events
	for range 10 {
		require.Equal(t, n, p.stats(t).Events)
	}

	_, seen := p.ask(t, http.MethodGet, "/_oktasim/requests", "")
	require.Contains(t, seen, `"URL":"/api/v1/logs"`)
	require.NotContains(t, seen, "second")
}

func TestScenariosArePlayedByFlagAndByControl(t *testing.T) {
	p := start(t, "--backlog=1000", "--rate=0", "--scenario=help-desk,app-sprawl")
	began := p.stats(t).Events
	require.Greater(t, began, 1030)
	_, all := p.ask(t, http.MethodGet, "/_oktasim/events", "")
	require.Contains(t, all, "user.mfa.factor.reset_all")
	require.Contains(t, all, "application.user_membership.show_password")
	require.NotContains(t, all, "system.api_token.create", "the org is quiet otherwise")

	status, said := p.ask(t, http.MethodPost, "/_oktasim/scenario?name=push-bombing", "")
	require.Equal(t, http.StatusNoContent, status, said)
	_, events := p.ask(t, http.MethodGet, fmt.Sprintf("/_oktasim/events?from=%d", began), "")
	require.Contains(t, events, "OV_RESPONSE_APPROVE")
	played := p.stats(t).Events
	status, said = p.ask(t, http.MethodPost, "/_oktasim/scenario?name=password-spray&ago=0s", "")
	require.Equal(t, http.StatusNoContent, status, said)
	require.Equal(t, played, p.stats(t).Events, "it has only begun")
}

func TestBadControlRequestsAreRefusedWithReason(t *testing.T) {
	p := start(t, "--backlog=0", "--rate=0")
	for target, want := range map[string]string{
		"POST /_oktasim/generate":                       `n "": want a whole number, 1 or more`,
		"POST /_oktasim/generate?n=0":                   `n "0": want a whole number, 1 or more`,
		"POST /_oktasim/generate?n=1&span=week":         `span "week": want a duration such as 1h or 0s`,
		"POST /_oktasim/scenario":                       `unknown scenario "": it is one of admin-takeover, agent-hijack, `,
		"POST /_oktasim/scenario?name=app-sprawl&ago=x": `ago "x": want a duration such as 10m, or 0s for now`,
		"POST /_oktasim/rate?per_second=fast":           `per_second "fast": want a number from 0 to 1000000`,
		"POST /_oktasim/rate?per_second=NaN":            `per_second "NaN"`,
		"POST /_oktasim/token":                          `value "": want the token to accept`,
		"POST /_oktasim/refuse?status=500":              `status "500": want 401, 403 or 404, or 0 for none`,
		"POST /_oktasim/fault?name=flood":               `unknown fault "flood": it is one of 429, 429-bare,`,
		"POST /_oktasim/fault?name=503&count=-1":        `count "-1": want a whole number, 0 or more`,
		"GET /_oktasim/events?from=-1":                  `from "-1": want a whole number, 0 or more`,
	} {
		t.Run(target, func(t *testing.T) {
			method, path, _ := strings.Cut(target, " ")
			status, body := p.ask(t, method, path, "")
			require.Equal(t, http.StatusBadRequest, status)
			require.Contains(t, body, want)
		})
	}
	status, body := p.ask(t, http.MethodPost, "/_oktasim/append", "{}\n{")
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, body, "line 2 of the body is not JSON")
	require.Zero(t, p.stats(t).Events)
}

func TestAServiceAppOfTheFlagsGetsItsToken(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	// with the private part
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key, KeyID: "k1", Algorithm: "RS256", Use: "sig"}}})
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "jwks.json")
	require.NoError(t, os.WriteFile(file, set, 0o600))
	p := start(t, "--token=x", "--backlog=3", "--rate=0", "--client-id=0oaApp", "--client-jwks="+file, "--client-dpop=false")
	require.Contains(t, p.stderr.String(), "service app 0oaApp with 1 keys")

	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", "k1"))
	require.NoError(t, err)
	assertion, err := jwt.Signed(signer).Claims(map[string]any{
		"iss": "0oaApp", "sub": "0oaApp", "aud": p.url + "/oauth2/v1/token", "exp": time.Now().Add(time.Minute).Unix(),
	}).Serialize()
	require.NoError(t, err)
	resp, err := http.PostForm(p.url+"/oauth2/v1/token", url.Values{
		"grant_type": {"client_credentials"}, "scope": {"okta.logs.read"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {assertion},
	})
	require.NoError(t, err)
	defer resp.Body.Close()
	var granted struct {
		AccessToken string `json:"access_token"`
	}
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&granted))

	logs := func() int {
		r, err := http.NewRequest(http.MethodGet, p.url+"/api/v1/logs", nil)
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+granted.AccessToken)
		resp, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode
	}
	require.Equal(t, http.StatusOK, logs())
	status, _ := p.ask(t, http.MethodPost, "/_oktasim/revoke", "")
	require.Equal(t, http.StatusNoContent, status)
	require.Equal(t, http.StatusUnauthorized, logs())
	status, _ = p.ask(t, http.MethodPost, "/_oktasim/nonce", "")
	require.Equal(t, http.StatusNoContent, status)
}

func TestTheProgramEndsThoughARequestHangs(t *testing.T) {
	hung := make(chan error, 1)
	t.Cleanup(func() { require.Error(t, <-hung) }) // last: the end of the program answers it
	p := start(t, "--token=x", "--backlog=0", "--rate=0")
	p.ask(t, http.MethodPost, "/_oktasim/fault?name=late", "")
	r, err := http.NewRequest(http.MethodGet, p.url+"/api/v1/logs", nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "SSWS x")
	go func() {
		resp, err := http.DefaultClient.Do(r)
		if err == nil {
			resp.Body.Close()
		}
		hung <- err
	}()
	require.Eventually(t, func() bool {
		_, seen := p.ask(t, http.MethodGet, "/_oktasim/requests", "")
		return strings.Contains(seen, "/api/v1/logs")
	}, 30*time.Second, 5*time.Millisecond)
}
