package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/testbed"
)

const (
	startWithin = 2 * time.Minute
	stopWithin  = 30 * time.Second
	token       = "00e2eTokenOfTheSimulatedOrg" // never seen outside the processes: see the assertion in collector.stop
)

// watchLog prints the end of a program's log when the test fails.
func watchLog(t testing.TB, process func() *testbed.Process) {
	t.Cleanup(func() {
		if p := process(); p != nil && t.Failed() {
			t.Log(p.Tail(40))
		}
	})
}

// startLoki starts an empty Loki that lives as long as the test.
func startLoki(t testing.TB) *testbed.Loki {
	t.Helper()
	loki := &testbed.Loki{Bin: program(t, "loki"), Dir: t.TempDir()}
	runLoki(t, loki)
	return loki
}

// runLoki starts a Loki that lives as long as the test.
func runLoki(t testing.TB, loki *testbed.Loki) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startWithin)
	defer cancel()
	require.NoError(t, loki.Start(ctx))
	t.Cleanup(func() { loki.Kill() })
	watchLog(t, func() *testbed.Process { return loki.Process })
}

// org is an oktasim program, to be read with token.
type org struct {
	*testbed.Process
	url string
}

// startOrg starts a simulated org that lives as long as the test. Its knobs are oktasim's flags.
func startOrg(t *testing.T, knobs ...string) *org {
	t.Helper()
	addr, err := testbed.FreeAddr()
	require.NoError(t, err)
	process, err := testbed.Command{
		Name:    "oktasim",
		Path:    program(t, "oktasim"),
		Args:    append([]string{"--listen=" + addr}, knobs...),
		Env:     []string{"OKTASIM_TOKEN=" + token},
		LogFile: filepath.Join(t.TempDir(), "oktasim.log"),
	}.Start()
	require.NoError(t, err)
	t.Cleanup(process.Kill)
	watchLog(t, func() *testbed.Process { return process })
	ctx, cancel := context.WithTimeout(t.Context(), startWithin)
	defer cancel()
	o := &org{Process: process, url: "http://" + addr}
	require.NoError(t, process.Ready(ctx, o.url+"/_oktasim/stats"))
	return o
}

// control asks one of oktasim's control endpoints, such as "POST", "generate?n=10".
func (o *org) control(t *testing.T, method, path string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, o.url+"/_oktasim/"+path, nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equalf(t, 2, resp.StatusCode/100, "%s %s: %s %s", method, path, resp.Status, body)
	return body
}

// generate has the org log n more events now.
func (o *org) generate(t *testing.T, n int) {
	t.Helper()
	o.control(t, http.MethodPost, fmt.Sprintf("generate?n=%d", n))
}

// persisted returns every event that the org has logged, in order, as the bytes it sends.
func (o *org) persisted(t *testing.T) [][]byte {
	t.Helper()
	var events [][]byte
	scanner := bufio.NewScanner(bytes.NewReader(o.control(t, http.MethodGet, "events")))
	scanner.Buffer(nil, 64<<20)
	for scanner.Scan() {
		require.True(t, json.Valid(scanner.Bytes()), "oktasim lists whole events")
		events = append(events, bytes.Clone(scanner.Bytes()))
	}
	require.NoError(t, scanner.Err())
	return events
}

// collector is an alloy-okta with a configuration and a data path, which can be stopped or killed and started again.
type collector struct {
	*testbed.Process
	bin, addr, config, storage, log string
	env                             []string
	flags                           []string // of alloy-okta run, beside those that every trial needs
}

// newCollector prepares an alloy-okta for a configuration, not yet started. The configuration finds the org's address in OKTA_URL,
// its token in OKTA_API_TOKEN and Loki's address in LOKI_URL.
func newCollector(t *testing.T, config []byte, o *org, loki *testbed.Loki) *collector {
	t.Helper()
	dir := t.TempDir()
	addr, err := testbed.FreeAddr()
	require.NoError(t, err)
	c := &collector{
		bin: program(t, "alloy-okta"), addr: addr, config: filepath.Join(dir, "config.alloy"),
		storage: filepath.Join(dir, "data"), log: filepath.Join(dir, "alloy-okta.log"),
		env: []string{"OKTA_URL=" + o.url, "OKTA_API_TOKEN=" + token, "LOKI_URL=" + loki.URL()},
	}
	require.NoError(t, os.WriteFile(c.config, config, 0o600))
	watchLog(t, func() *testbed.Process { return c.Process })
	return c
}

// start starts alloy-okta and waits until it is ready.
func (c *collector) start(t testing.TB) {
	t.Helper()
	c.launch(t)
	ctx, cancel := context.WithTimeout(t.Context(), startWithin)
	defer cancel()
	require.NoError(t, c.Ready(ctx, "http://"+c.addr+"/-/ready"))
}

// launch starts alloy-okta.
func (c *collector) launch(t testing.TB) {
	t.Helper()
	process, err := testbed.Command{
		Name: "alloy-okta",
		Path: c.bin,
		Args: slices.Concat([]string{"run", "--server.http.listen-addr=" + c.addr, "--storage.path=" + c.storage, "--disable-reporting"},
			c.flags, []string{c.config}),
		Env: c.env, LogFile: c.log,
	}.Start()
	require.NoError(t, err)
	c.Process = process
	t.Cleanup(process.Kill)
}

// stop ends alloy-okta as an operator would. It must end well and must not have told its log the token.
func (c *collector) stop(t testing.TB) {
	t.Helper()
	require.NoError(t, c.Stop(stopWithin))
	require.NotContains(t, c.Log(), token)
}

// lokiMetrics is the page of Loki's own metrics.
func lokiMetrics(t testing.TB, loki *testbed.Loki) string {
	t.Helper()
	resp, err := http.Get(loki.URL() + "/metrics")
	require.NoError(t, err)
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(page)
}
