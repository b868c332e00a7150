package e2e

import (
	"debug/buildinfo"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/testbed"
)

// quickstart starts the launcher as make does, without an org of the user's.
func quickstart(t *testing.T, args ...string) *testbed.Process {
	t.Helper()
	process, err := testbed.Command{
		Name: "quickstart",
		Path: program(t, "quickstart"),
		Args: args,
		Env: []string{
			"ALLOY_OKTA_BIN=" + program(t, "slim/alloy-okta"), "OKTASIM_BIN=" + program(t, "oktasim"), "LOKI_BIN=" + program(t, "loki"),
			"OKTA_URL=", "OKTA_API_TOKEN=", "LOKI_URL=", "DEMO_SECONDS=", "TMPDIR=" + t.TempDir(),
		},
		Dir:     t.TempDir(),
		LogFile: filepath.Join(t.TempDir(), "quickstart.log"),
	}.Start()
	require.NoError(t, err)
	t.Cleanup(process.Kill)
	watchLog(t, func() *testbed.Process { return process })
	return process
}

// found returns what the first group of a pattern matches in what the launcher has printed.
func found(t *testing.T, process *testbed.Process, pattern string) string {
	t.Helper()
	match := regexp.MustCompile(pattern).FindStringSubmatch(process.Log())
	require.NotNilf(t, match, "%s in what quickstart printed", pattern)
	return match[1]
}

func requireClosed(t *testing.T, addrs ...string) {
	t.Helper()
	for _, addr := range addrs {
		require.Eventually(t, func() bool { return testbed.AddrFree(addr) }, time.Minute, 10*time.Millisecond, addr)
	}
}

func TestMakeRunShowsASimulatedOrgAndEndsCleanlyOnCtrlC(t *testing.T) {
	slim, err := buildinfo.ReadFile(program(t, "slim/alloy-okta"))
	require.NoError(t, err)
	for _, module := range slim.Deps {
		for _, heavy := range []string{
			"github.com/vmware/govmomi", "github.com/aws/", "k8s.io/api", "github.com/go-git/go-billy", "github.com/hashicorp/vault/",
			"github.com/twmb/franz-go", "github.com/ProtonMail/", "go.opentelemetry.io/collector/exporter/otlp",
		} {
			require.False(t, strings.HasPrefix(module.Path+"/", strings.TrimSuffix(heavy, "/")+"/"), "%s is in the slim build", module.Path)
		}
	}
	require.Less(t, len(slim.Deps), 260, "half of the modules that the slim build had at first")
	process := quickstart(t, "run", "--backlog=20", "--rate=0/s")
	waitForLog(t, process, "alloy-okta is running. Its UI: http://")
	require.Eventually(t, func() bool {
		return strings.Count(process.Log(), "component_id=loki.echo.terminal") >= 20
	}, time.Minute, 20*time.Millisecond, "the backlog is printed")
	ui := found(t, process, `Its UI: http://(\S+)`)
	simulator := found(t, process, `simulated org at http://([^,\s]+)`)

	resp, err := http.Get("http://" + ui + "/")
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode, "the UI is there")

	require.NoError(t, process.Signal(os.Interrupt))
	select {
	case <-process.Exited():
	case <-time.After(time.Minute):
		t.Fatal("still running a minute after Ctrl-C")
	}
	require.NoError(t, process.Err(), "exit code 0")
	requireClosed(t, ui, simulator)
	require.NotContains(t, process.Log(), "level=error")
}

func TestNothingOutlivesAKilledLauncher(t *testing.T) {
	process := quickstart(t, "demo", "--rate=0/s")
	waitForLog(t, process, "build/logcli --addr=")
	addrs := []string{
		found(t, process, `Its UI: http://(\S+)`),
		found(t, process, `simulated org at http://([^,\s]+)`),
		found(t, process, `logcli --addr=http://(\S+)`),
	}
	require.NoError(t, process.Signal(syscall.SIGKILL))
	requireClosed(t, addrs...)
}

func TestMakeDemoShowsAQueryAndAnAlert(t *testing.T) {
	t.Parallel()
	process := quickstart(t, "demo", "--once", "--backlog=250", "--rate=0/s")
	select {
	case <-process.Exited():
	case <-time.After(3 * time.Minute):
		t.Fatal("demo --once has not ended")
	}
	require.NoError(t, process.Err())
	printed := process.Log()
	require.Contains(t, printed, `LogQL:  sum by (eventType) (count_over_time({job="loki.source.okta"}`)
	sum := 0
	for _, row := range regexp.MustCompile(`(?m)^ +(\d+)  [a-z][\w.]+$`).FindAllStringSubmatch(printed, -1) {
		n, err := strconv.Atoi(row[1])
		require.NoError(t, err)
		sum += n
	}
	require.Equal(t, 250, sum, "the counts by type add up to the org's events")
	require.Regexp(t, `(?m)^  \d\d:\d\d:\d\d  \S+  [a-z][\w.]+  `, printed, "the latest events are shown")
	require.Regexp(t, `(?m)^ALERT  high  OktaPushBombing  T1621\n +Okta Verify pushes .+ By \S+@\S+ \(00u\w+\)\. In \S+\. \d+ events `+
		`within 30m, since .+ UTC\.\n +events, .+: http://localhost:3000/d/okta-investigation\?\S+&var-user=00u\w+&\S+\n +what to do: \S+#oktapushbombing$`,
		printed)
	held, err := strconv.Atoi(found(t, process, `Loki held (\d+) events\.`))
	require.NoError(t, err)
	require.Greater(t, held, 250, "with those of the attack")
}
