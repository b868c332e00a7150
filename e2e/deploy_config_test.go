package e2e

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"github.com/grafana/alloy/okta/internal/testbed"
)

const noTenants = "TENANTS_FILE=../deploy/config/tenants-credentials.yml"

// newDeployed prepares an alloy-okta as image and packages start it: deploy/config, steered by the environment alone.
func newDeployed(t *testing.T, env ...string) *collector {
	t.Helper()
	alloy := newCollector(t, nil, &org{}, &testbed.Loki{})
	alloy.config, alloy.env = "../deploy/config", nil
	// What the machine has set must not matter.
	for _, name := range []string{
		"OKTA_URL", "OKTA_API_TOKEN", "API_KEY", "LOOKBACK_INTERVAL", "POLL_INTERVAL", "REQUEST_TIMEOUT", "PAGE_SIZE", "SANITIZE_USER_IDENTITY",
		"LOG_LEVEL", "LOKI_URL", "LOGZIO_TOKEN", "LOGZIO_LISTENER_HOST", "LOGZIO_REGION", "LOGZIO_ENDPOINT",
		"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy",
	} {
		alloy.env = append(alloy.env, name+"=")
	}
	alloy.env = append(alloy.env, env...)
	return alloy
}

// printed returns the lines on standard output that are events.
func (c *collector) printed() (lines []string) {
	for line := range strings.Lines(c.Log()) {
		if strings.HasPrefix(line, `{"event":`) {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	return lines
}

func waitForLines(t *testing.T, alloy *collector, n int) []string {
	t.Helper()
	require.Eventually(t, func() bool { return len(alloy.printed()) >= n }, time.Minute, 20*time.Millisecond)
	return alloy.printed()
}

// The environment of grafana/okta-logs-collector and nothing else: events on standard output, in its shape.
func TestDeployedPrintsEventsAsItsPredecessor(t *testing.T) {
	okta := startOrg(t, "--backlog=20", "--backlog-span=30m", "--rate=0/s")
	alloy := newDeployed(t, noTenants, "OKTA_URL="+okta.url, "API_KEY="+token, "LOOKBACK_INTERVAL=1h0m0s", "POLL_INTERVAL=1s", "LOG_LEVEL=warning")
	alloy.start(t)
	waitForLines(t, alloy, 20)
	okta.generate(t, 1)
	lines := waitForLines(t, alloy, 21)
	alloy.stop(t)

	for i, record := range okta.records(t, 21) {
		require.Equal(t, record.line, lines[i])
	}
	require.NotContains(t, alloy.Log(), `"level":"info","msg":"finished`, "LOG_LEVEL=warning")
}

func TestDeployedSanitizesUserIdentity(t *testing.T) {
	okta := startOrg(t, "--backlog=20", "--backlog-span=30m", "--rate=0/s")
	alloy := newDeployed(t, noTenants, "OKTA_URL="+okta.url, "OKTA_API_TOKEN="+token, "SANITIZE_USER_IDENTITY=true", "LOG_LEVEL=verbose")
	alloy.start(t)
	users := 0
	for _, line := range waitForLines(t, alloy, 20) {
		if actor := gjson.Get(line, "event.actor"); actor.Get("type").String() == "User" {
			require.Equal(t, "***", actor.Get("displayName").String())
			users++
		}
	}
	require.Positive(t, users)
	alloy.stop(t)
}

func TestDeployedSendsToLoki(t *testing.T) {
	t.Parallel()
	loki := startLoki(t)
	okta := startOrg(t, "--backlog=20", "--backlog-span=30m", "--rate=0/s")
	alloy := newDeployed(t, noTenants, "OKTA_URL="+okta.url, "API_KEY="+token, "LOKI_URL="+loki.URL()+"/")
	alloy.start(t)
	records := okta.records(t, 20)
	waitForCount(t, loki.Reader(), selector, records, len(records), time.Minute)
	alloy.stop(t)
	requireExactlyOnce(t, loki.Reader(), selector, records)
	require.Empty(t, alloy.printed())
}

// The file and environment of logzio/logzio-okta: the events of all orgs at Logz.io, with the field tenant_name.
func TestDeployedSendsManyOrgsToLogzio(t *testing.T) {
	var mut sync.Mutex
	var got strings.Builder
	listener := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := gzip.NewReader(r.Body)
		if err != nil {
			return
		}
		mut.Lock()
		defer mut.Unlock()
		got.WriteString(r.Header.Get("Authorization") + r.URL.Path)
		_, _ = io.Copy(&got, body)
	}))
	t.Cleanup(listener.Close)
	okta := startOrg(t, "--backlog=20", "--backlog-span=30m", "--rate=0/s")
	alloy := newDeployed(t, append(tenantsFile(t)(okta), "LOGZIO_TOKEN=shipping", "LOGZIO_ENDPOINT="+listener.URL)...)
	alloy.start(t)
	want := []string{"Bearer shipping/v1/logs", "tenant_name", strings.TrimPrefix(okta.url, "http://")}
	for _, event := range okta.persisted(t) {
		want = append(want, gjson.GetBytes(event, "uuid").String())
	}
	require.Eventually(t, func() bool {
		mut.Lock()
		defer mut.Unlock()
		for _, text := range want {
			if !strings.Contains(got.String(), text) {
				return false
			}
		}
		return true
	}, time.Minute, 50*time.Millisecond)
	alloy.stop(t)
	require.Empty(t, alloy.printed())
}

func TestDeployedSaysWhatIsMissing(t *testing.T) {
	alloy := newDeployed(t, noTenants)
	alloy.start(t)
	waitForLog(t, alloy, "there is no org to collect")
	require.Contains(t, alloy.unhealthy(t), "okta.environment")
	alloy.stop(t)
}

// unhealthy is what /-/healthy answers while something is wrong.
func (c *collector) unhealthy(t *testing.T) string {
	t.Helper()
	var body string
	require.Eventually(t, func() bool {
		resp, err := http.Get("http://" + c.addr + "/-/healthy")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		body = string(text)
		return resp.StatusCode == http.StatusInternalServerError
	}, time.Minute, 50*time.Millisecond)
	return body
}

// ofOurs are words of our expressions and of decoders: a message that has one speaks of what its reader has not written.
var ofOurs = []string{"binop", "json_path", "from_yaml", "should be array", "should be object", "argument.environment.value", "okta.environment.default.", "strconv"}

// A value that is not allowed ends the start. The table in component/okta/environment has every kind; here is that the configuration as
// a whole says the same, once, and nothing of its own.
func TestDeployedRefusesWhatIsNotAllowed(t *testing.T) {
	t.Parallel()
	const org = "OKTA_URL=https://acme.okta.com"
	for _, c := range []struct {
		env  []string
		file string // "": the empty list that comes with the packages
		want string
	}{
		{[]string{org, "SANITIZE_USER_IDENTITY=yes"}, "", `SANITIZE_USER_IDENTITY is "yes": it must be one of true, t, 1, false, f, 0`},
		{[]string{org, "SANITIZE_USER_IDENTITY=on"}, "", `SANITIZE_USER_IDENTITY is "on"`},
		{[]string{org, "POLL_INTERVAL=10"}, "", `POLL_INTERVAL is "10": it must be a duration of at least 100ms`},
		{[]string{org, "LOOKBACK_INTERVAL=1d"}, "", `LOOKBACK_INTERVAL is "1d": it must be a duration from 0s to 2160h`},
		{[]string{org, "REQUEST_TIMEOUT=soon"}, "", `REQUEST_TIMEOUT is "soon": it must be a duration above 0s`},
		{[]string{org, "PAGE_SIZE=5000"}, "", `PAGE_SIZE is "5000": it must be a number from 1 to 1000`},
		{[]string{org, "LOKI_URL=loki:3100"}, "", "LOKI_URL cannot be used: it must be the address of a Loki"},
		{[]string{org, `LOKI_URL="http://loki:3100"`}, "", "LOKI_URL cannot be used: it must be the address of a Loki"},
		{[]string{org, "LOGZIO_TOKEN=00a", "LOGZIO_REGION=eu-central-1"}, "", `LOGZIO_REGION is "eu-central-1": it must be one of us, au, ca, eu, uk`},
		{[]string{org, "LOGZIO_TOKEN=00a", "LOGZIO_LISTENER_HOST=https://listener.logz.io"}, "",
			`LOGZIO_LISTENER_HOST is "https://listener.logz.io": it must be a host alone`},
		{[]string{org, "TENANTS_FILE=/no/such.yml"}, "", "TENANTS_FILE cannot be read: open /no/such.yml: no such file or directory"},
		{[]string{org}, "tenants_credentials: []\n---\ntenants_credentials: []\n", "the list of orgs has several YAML documents"},
		{[]string{org}, "tenant_credentials: []\n", "has no member tenants_credentials"},
		{[]string{org}, "tenants_credentials:\n\t- okta_domain: a.okta.com\n", "the list of orgs is not YAML: line 2"},
		{[]string{org}, "tenants_credentials: none\n", "line 1 has no list of orgs"},
		{[]string{org}, "tenants_credentials:\n  okta_domain: a.okta.com\n", "line 2 has no list of orgs"},
	} {
		t.Run(strings.Join(c.env, " ")+" "+c.file, func(t *testing.T) {
			t.Parallel()
			env := append([]string{noTenants, "LOGZIO_TOKEN="}, c.env...)
			if c.file != "" {
				env = append(env, "TENANTS_FILE="+listOfOrgs(t, c.file))
			}
			alloy := newDeployed(t, env...)
			alloy.launch(t)
			select {
			case <-alloy.Exited():
			case <-time.After(time.Minute):
				require.Fail(t, "it goes on")
			}
			require.Error(t, alloy.Err())
			require.Contains(t, strings.ReplaceAll(alloy.Log(), `\"`, `"`), c.want)
			require.Len(t, diagnosis.FindAllString(alloy.Log(), -1), 1, "one diagnosis")
			for _, word := range ofOurs {
				require.NotContains(t, alloy.Log(), word)
			}
		})
	}
}

// diagnosis is how Alloy says what is wrong with a place in a configuration.
var diagnosis = regexp.MustCompile(`(?m)^Error: \S+\.alloy:\d+`)

func listOfOrgs(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tenants-credentials.yml")
	require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
	return file
}

// What is odd and harmless: the start goes on, and the org's events are printed.
func TestDeployedGoesOn(t *testing.T) {
	t.Parallel()
	okta := startOrg(t, "--backlog=20", "--backlog-span=30m", "--rate=0/s")
	again := "  - okta_domain: " + okta.url + "\n    okta_api_key: 00another\n"
	for name, c := range map[string]struct {
		env  []string
		file string
		said string
	}{
		"a list without a value":  {nil, "tenants_credentials:\n", ""},
		"an empty file":           {nil, "", ""},
		"a file of comments":      {nil, "# tenants_credentials:\n#   - okta_domain: a.okta.com\n", ""},
		"an empty list":           {nil, "tenants_credentials: []\n", ""},
		"the org once more":       {nil, "tenants_credentials:\n" + again, "an org is listed more than once"},
		"the right key is second": {[]string{"OKTA_API_TOKEN=00wrong"}, "tenants_credentials:\n" + strings.Replace(again, "00another", token, 1), "an org is listed more than once"},
		"another org's entry":     {nil, "tenants_credentials:\n  - okta_domain: b.okta.com\n    okta_api_key: 00b\n    okta_api_key: 00c\n", "okta_api_key is there twice, in lines 3 and 4"},
		"a level of no kind":      {[]string{"LOG_LEVEL=verbose"}, "", "ignoring an environment variable"},
		"a level in capitals":     {[]string{"LOG_LEVEL=INFO"}, "", `"level":"info"`},
		"true in capitals":        {[]string{"SANITIZE_USER_IDENTITY=TRUE"}, "", "***"},
		"one for true":            {[]string{"SANITIZE_USER_IDENTITY=1"}, "", "***"},
		"a small page":            {[]string{"PAGE_SIZE=7"}, "", ""},
		"space":                   {[]string{"OKTA_URL= " + okta.url + " ", "POLL_INTERVAL=1s ", "PAGE_SIZE= 5\r"}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			alloy := newDeployed(t, append([]string{"OKTA_URL=" + okta.url, "OKTA_API_TOKEN=" + token, "TENANTS_FILE=" + listOfOrgs(t, c.file)}, c.env...)...)
			alloy.start(t)
			lines := waitForLines(t, alloy, 20)
			waitForLog(t, alloy, c.said)
			if name == "a small page" { // 7, 7 and 6
				require.Eventually(t, func() bool {
					pages, err := alloy.metric(t.Context(), "loki_source_okta_pages_total")
					return err == nil && pages >= 3
				}, time.Minute, 50*time.Millisecond)
			}
			alloy.stop(t)
			for _, word := range ofOurs {
				require.NotContains(t, alloy.Log(), word)
			}
			for _, line := range lines {
				if actor := gjson.Get(line, "event.actor"); c.said == "***" && actor.Get("type").String() == "User" {
					require.Equal(t, "***", actor.Get("displayName").String())
				}
			}
		})
	}
}

// A wrong address of an org costs that org, and is told as what it is.
func TestDeployedTellsAnAddressInQuotes(t *testing.T) {
	t.Parallel()
	okta := startOrg(t, "--backlog=20", "--backlog-span=30m", "--rate=0/s")
	alloy := newDeployed(t, append(tenantsFile(t)(okta), `OKTA_URL="https://acme.okta.com"`, "OKTA_API_TOKEN="+token)...)
	alloy.start(t)
	waitForLines(t, alloy, 20)
	waitForLog(t, alloy, `"name":"OKTA_URL","err":"url: the org URL contains quotation marks`)
	alloy.stop(t)
}

func TestDeployedConfigurationIsFormattedAndValid(t *testing.T) {
	files, err := filepath.Glob("../deploy/config/*.alloy")
	require.NoError(t, err)
	pipelines, err := filepath.Glob("../deploy/config/pipelines/*.alloy")
	require.NoError(t, err)
	require.Len(t, append(files, pipelines...), 5)
	commands := [][]string{{"validate", "../deploy/config"}}
	for _, file := range append(files, pipelines...) {
		commands = append(commands, []string{"fmt", "--test", file})
	}
	for _, command := range commands {
		output, err := exec.Command(program(t, "alloy-okta"), command...).CombinedOutput()
		require.NoErrorf(t, err, "alloy-okta %v: %s", command, output)
	}
}
