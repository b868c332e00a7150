package e2e

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/testbed"
)

// secretive is a configuration in which everything that can be secret is.
const secretive = `
logging {
	level = "debug"
}

livedebugging {
	enabled = true
}

loki.source.okta "default" {
	poll_interval    = "300ms"
	initial_lookback = "2h"
	forward_to       = [loki.write.default.receiver]

	redact {
		mode = "hash"
		key  = sys.env("REDACT_KEY")
	}

	reconcile {
		url          = sys.env("LOKI_URL")
		bearer_token = sys.env("LOKI_TOKEN")
		http_headers = {"X-Canary" = [sys.env("LOKI_HEADER")]}
	}

	event_hook {
		secrets = [sys.env("HOOK_SECRET"), sys.env("HOOK_SECRET_NEXT")]

		http {
			listen_port = 0

			tls {
				cert_pem = sys.env("HOOK_CERT")
				key_pem  = sys.env("HOOK_KEY")
			}
		}
	}
%s
}

loki.write "default" {
	endpoint {
		url          = sys.env("LOKI_URL") + "/loki/api/v1/push"
		bearer_token = sys.env("LOKI_TOKEN")
	}
}
`

const orgURL = "\turl = sys.env(\"OKTA_URL\")\n"

// canaries are the secrets of a run, by name.
type canaries map[string]string

// forms are the spellings in which a secret might slip out.
func forms(secret string) []string {
	quoted, _ := json.Marshal(secret)
	all := []string{secret, url.QueryEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret)), strings.Trim(string(quoted), `"`)}
	for line := range strings.Lines(secret) { // a PEM file may be cut into lines
		if line = strings.TrimSpace(line); len(line) > 40 {
			all = append(all, line)
		}
	}
	return all
}

// requireNone asserts that none of the secrets stands in any of the texts.
func (c canaries) requireNone(t *testing.T, texts map[string]string) {
	t.Helper()
	for name, secret := range c {
		require.Greaterf(t, len(secret), 8, "%s is too short to be looked for", name)
		for _, form := range forms(secret) {
			for where, text := range texts {
				if i := strings.Index(text, form); i >= 0 {
					t.Errorf("%s is in %s: ...%.300s", name, where, text[max(0, i-120):])
				}
			}
		}
	}
}

// fetch returns what alloy-okta serves.
func (c *collector) fetch(t testing.TB, path string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.addr+path, nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(body)
}

const detail = "/api/v0/web/components/loki.source.okta.default"

// emitted is everything that a running collector gives away, by place.
func (c *collector) emitted(t *testing.T, loki *testbed.Loki) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, path := range []string{"/metrics", "/-/healthy", "/api/v0/web/components", detail, "/api/v0/web/components/loki.write.default"} {
		all[path] = c.fetch(t, path)
	}
	bundle := c.fetch(t, "/-/support?duration=1")
	files, err := zip.NewReader(strings.NewReader(bundle), int64(len(bundle)))
	require.NoError(t, err, "the support bundle")
	for _, file := range files.File {
		r, err := file.Open()
		require.NoError(t, err)
		content, err := io.ReadAll(r)
		require.NoError(t, err)
		all["the support bundle's "+file.Name] = string(content)
	}
	require.Greater(t, len(files.File), 5)
	require.NoError(t, filepath.WalkDir(c.storage, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		all["the state file "+path] = string(content)
		return err
	}))
	held, err := loki.Reader().Entries(t.Context(), `{job=~".+"}`, time.Now().Add(-3*time.Hour), time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.NotEmpty(t, held)
	all["the entries in Loki"] = fmt.Sprint(held)
	all["the log"] = c.Log()
	return all
}

// live begins to read what live debugging shows, and returns how to get it so far.
func (c *collector) live(t *testing.T) func() string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+c.addr+"/api/v0/web/debug/loki.source.okta.default", nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode)
	t.Cleanup(func() { resp.Body.Close() })
	var mu sync.Mutex
	var shown bytes.Buffer
	go func() {
		chunk := make([]byte, 64<<10)
		for {
			n, err := resp.Body.Read(chunk)
			mu.Lock()
			shown.Write(chunk[:n])
			mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return shown.String()
	}
}

// listening finds where a component listens for hooks, in its details.
var listening = regexp.MustCompile(`"address"[^}]*"(127\.0\.0\.1:\d+)"`)

// hook sends a hook for an org that is not there, so that its secret decides between 401 and 404.
func (c *collector) hook(t *testing.T, secret string) int {
	t.Helper()
	var addr []string
	require.Eventually(t, func() bool {
		addr = listening.FindStringSubmatch(c.fetch(t, detail))
		return addr != nil
	}, time.Minute, 20*time.Millisecond)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+addr[1]+"/okta/nobody", strings.NewReader("{}"))
	require.NoError(t, err)
	r.Header.Set("Authorization", secret)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	resp, err := client.Do(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode
}

// selfSigned returns a certificate and its key.
func selfSigned(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
}

// secretRun has a collector with the given credentials read, deliver, and fail in every way that talks about credentials, then looks
// for what must not be there.
func secretRun(t *testing.T, okta *org, credentials string, env []string, secrets func() canaries, fail func(alloy *collector)) {
	t.Helper()
	loki := startLoki(t)
	alloy := newCollector(t, fmt.Appendf(nil, secretive, credentials), okta, loki)
	shared := canaries{
		"the redaction key": "canary-redact-5f2c9d0e81a64b7d9e0f", "the token for Loki": "canary-loki-token-77aa1c",
		"a header for Loki": "canary-loki-header-1d9e2f", "the hook's secret": "canary-hook-41c07be95d2f",
		"the hook's next secret": "canary-hook-next-6a8d3e1b7c", "a wrong secret of a hook": "canary-hook-guess-93f5a0d4",
	}
	cert, key := selfSigned(t)
	shared["the hook's key"] = key
	alloy.env = append(alloy.env, append(env, "REDACT_KEY="+shared["the redaction key"],
		"LOKI_TOKEN="+shared["the token for Loki"], "LOKI_HEADER="+shared["a header for Loki"], "HOOK_CERT="+cert, "HOOK_KEY="+key,
		"HOOK_SECRET="+shared["the hook's secret"], "HOOK_SECRET_NEXT="+shared["the hook's next secret"])...)
	alloy.start(t)
	shown := alloy.live(t)
	okta.generate(t, 30)
	records := okta.records(t, 30)
	waitForCount(t, loki.Reader(), selector, records, len(records), time.Minute)
	require.Eventually(t, func() bool { return strings.Contains(shown(), "[OUT]") }, time.Minute, 50*time.Millisecond)
	for name, status := range map[string]int{"the hook's secret": 404, "the hook's next secret": 404, "a wrong secret of a hook": 401} {
		require.Equal(t, status, alloy.hook(t, shared[name]), name)
	}
	working := alloy.emitted(t, loki)

	fail(alloy)
	failing := alloy.emitted(t, loki)
	stream := shown()
	require.NoError(t, alloy.Stop(stopWithin))

	all := shared
	for name, secret := range secrets() {
		all[name] = secret
	}
	all.requireNone(t, working)
	all.requireNone(t, failing)
	all.requireNone(t, map[string]string{"live debugging": stream, "the log": alloy.Log()})
}

func TestNoSecretOfAnAPITokenRunGetsOut(t *testing.T) {
	t.Parallel()
	apiTokenRun(t, orgURL+"\tapi_token = sys.env(\"OKTA_API_TOKEN\")", func(*org) []string { return nil })
}

// The tokens of orgs come out of a file as plain text, which nothing but the component hides.
func TestNoSecretOfAFileOfOrgsGetsOut(t *testing.T) {
	t.Parallel()
	const fromFile = `
	orgs = local.file.tenants.content
}

local.file "tenants" {
	filename  = sys.env("TENANTS_FILE")
	is_secret = true
}

loki.source.okta "one" {
	forward_to = [loki.write.default.receiver]

	org "acme" {
		url       = "acme.okta.com"
		api_token = "%s"
		poll_interval = "1ms"
	}
`
	apiTokenRun(t, fmt.Sprintf(fromFile, token), tenantsFile(t))
}

func apiTokenRun(t *testing.T, credentials string, env func(*org) []string) {
	t.Helper()
	okta := startOrg(t, "--backlog=0", "--rate=0/s", "--rate-limit=6000")
	secretRun(t, okta, credentials, env(okta),
		func() canaries { return canaries{"the API token": token} },
		func(alloy *collector) {
			for _, fault := range []string{"500", "reset", "html", "next-elsewhere"} {
				okta.control(t, http.MethodPost, "fault?name="+fault)
			}
			waitForLog(t, alloy, "next links name another address than url")
			okta.control(t, http.MethodPost, "token?value=another")
			require.Contains(t, alloy.waitForHealth(t, "unhealthy"), "Okta refused the API token")
		})
}

func TestNoSecretOfAServiceAppRunGetsOut(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	private := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	jwks, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{KeyID: "canary", Key: key.Public(), Use: "sig",
		Algorithm: "ES256"}}})
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "jwks.json")
	require.NoError(t, os.WriteFile(file, jwks, 0o600))

	// What is made up on the way can be seen only on the way: all traffic to the org goes through here.
	way := &wiretap{seen: canaries{}}
	server := httptest.NewServer(way)
	t.Cleanup(server.Close)
	okta := startOrg(t, "--backlog=0", "--rate=0/s", "--rate-limit=6000", "--public-url="+server.URL,
		"--client-id=0oaCanary", "--client-jwks="+file)
	way.to(t, okta.url)

	credentials := orgURL + "\n\tprivate_key_jwt {\n\t\tclient_id   = \"0oaCanary\"\n\t\tkey_id      = \"canary\"\n\t\t" +
		"private_key = sys.env(\"PRIVATE_KEY\")\n\t}"
	secretRun(t, okta, credentials, []string{"OKTA_URL=" + server.URL, "PRIVATE_KEY=" + private},
		func() canaries {
			seen := way.all()
			seen["the private key"] = private
			seen["the private key's number"] = base64.RawURLEncoding.EncodeToString(key.D.Bytes())
			for _, kind := range []string{"an access token", "a client assertion", "a DPoP proof", "a DPoP nonce"} {
				require.Contains(t, fmt.Sprint(seen), kind, "the wiretap saw it")
			}
			return seen
		},
		func(alloy *collector) {
			okta.control(t, http.MethodPost, "nonce")
			okta.control(t, http.MethodPost, "revoke")
			okta.control(t, http.MethodPost, "refuse?status=403")
			require.Contains(t, alloy.waitForHealth(t, "unhealthy"), "Okta refused access to the System Log")
		})
}

// tenantsFile writes the file of Logz.io's shipper and returns the environment that names it.
func tenantsFile(t *testing.T) func(*org) []string {
	return func(o *org) []string {
		file := filepath.Join(t.TempDir(), "tenants-credentials.yml")
		content := fmt.Sprintf("tenants_credentials:\n    - okta_api_key: %s\n      okta_domain: %s\n", token, o.url)
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		return []string{"TENANTS_FILE=" + file}
	}
}

// wiretap is a reverse proxy that keeps the secrets it sees, up to ten of a kind.
type wiretap struct {
	mu    sync.Mutex
	proxy *httputil.ReverseProxy
	seen  canaries
	count map[string]int
}

func (w *wiretap) to(t *testing.T, target string) {
	t.Helper()
	u, err := url.Parse(target)
	require.NoError(t, err)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.proxy = httputil.NewSingleHostReverseProxy(u)
	w.proxy.ModifyResponse = func(resp *http.Response) error {
		w.keep("a DPoP nonce", resp.Header.Get("DPoP-Nonce"))
		body, err := io.ReadAll(resp.Body)
		if m := regexp.MustCompile(`"access_token":"([^"]+)"`).FindSubmatch(body); m != nil {
			w.keep("an access token", string(m[1]))
		}
		resp.Body = io.NopCloser(bytes.NewReader(body))
		return err
	}
}

func (w *wiretap) keep(kind, secret string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.count == nil {
		w.count = map[string]int{}
	}
	if secret != "" && w.count[kind] < 10 {
		w.count[kind]++
		w.seen[fmt.Sprintf("%s (%d)", kind, w.count[kind])] = secret
	}
}

func (w *wiretap) all() canaries {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := canaries{}
	for name, secret := range w.seen {
		all[name] = secret
	}
	return all
}

func (w *wiretap) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	if form, err := url.ParseQuery(string(body)); err == nil {
		w.keep("a client assertion", form.Get("client_assertion"))
	}
	w.keep("a DPoP proof", r.Header.Get("DPoP"))
	_, credential, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	w.keep("an access token", credential)
	r.Body = io.NopCloser(bytes.NewReader(body))
	w.mu.Lock()
	proxy := w.proxy
	w.mu.Unlock()
	proxy.ServeHTTP(rw, r)
}

// The search itself must find what is there.
func TestTheSearchForSecretsFindsThemInEverySpelling(t *testing.T) {
	secret := "canary with \"quotes\" & <more>\n" + strings.Repeat("MIGHAgEAMBMGByqGSM49", 4) + "\n"
	for _, form := range forms(secret) {
		found := 0
		for _, f := range forms(secret) {
			if strings.Contains("before "+form+" after", f) {
				found++
			}
		}
		require.Positive(t, found, form)
	}
	require.Len(t, forms(secret), 5)
}
