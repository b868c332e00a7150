package e2e

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
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
	alloy.config = "../deploy/config"
	// What the machine has set must not matter.
	alloy.env = append([]string{"OKTA_URL=", "OKTA_API_TOKEN=", "API_KEY=", "LOKI_URL=", "LOGZIO_TOKEN=", "LOG_LEVEL="}, env...)
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
	waitForLog(t, alloy, "the org URL is empty")
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
