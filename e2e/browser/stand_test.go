package browser

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grafana/loki/pkg/push"
	"github.com/klauspost/compress/snappy"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/testbed"
)

const (
	startWithin = 2 * time.Minute
	token       = "00uiTokenOfTheSimulatedOrg"
	component   = "loki.source.okta.acme"
)

// program returns the path of a binary, see doc.go.
func program(t *testing.T, name, variable string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		require.NoError(t, makePrograms())
		path = filepath.Join("..", "..", "build", name)
	}
	_, err := os.Stat(path) // so that go test runs again when the binary changes
	require.NoErrorf(t, err, "%s is needed by this test: run `make build`, or set %s", name, variable)
	return path
}

var makePrograms = sync.OnceValue(func() error {
	output, err := exec.Command("make", "-C", filepath.Join("..", ".."), "build").CombinedOutput()
	if err != nil {
		return fmt.Errorf("make build: %w\n%s", err, output)
	}
	return nil
})

// sink is where loki.write sends: it keeps the lines.
type sink struct {
	*httptest.Server
	mu    sync.Mutex
	lines []string
}

func newSink(t *testing.T) *sink {
	s := &sink{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		compressed, err := io.ReadAll(r.Body)
		if err == nil {
			err = s.take(compressed)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *sink) take(compressed []byte) error {
	body, err := snappy.Decode(nil, compressed)
	if err != nil {
		return err
	}
	var req push.PushRequest
	if err := req.Unmarshal(body); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, stream := range req.Streams {
		for _, entry := range stream.Entries {
			s.lines = append(s.lines, entry.Line)
		}
	}
	return nil
}

// sorted returns the lines so far.
func (s *sink) sorted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(slices.Values(s.lines))
}

// stand is an org and an alloy-okta that reads it into a sink.
type stand struct {
	t    *testing.T
	org  string // the org's URL
	base string // the UI's URL, without a slash at the end
	sink *sink
}

// config is what the collector runs; more goes into the okta component, and hidden says what the UI must not show.
const config = `
livedebugging {
	enabled = true
}

loki.source.okta "acme" {
	url           = sys.env("OKTA_URL")
	api_token     = sys.env("OKTA_API_TOKEN")
	poll_interval = "500ms"
	labels        = {env = "demo"}
	forward_to    = [loki.process.security.receiver]
	%s
}

loki.process "security" {
	forward_to = [loki.write.default.receiver]

	stage.structured_metadata {
		values = {team = "security"}
	}
}

loki.write "default" {
	endpoint {
		url = sys.env("LOKI_URL")
	}
}
`

// start starts both and waits until they are ready. prefix is where the UI is mounted ("" or "/ops/alloy"), knobs are oktasim's flags.
func start(t *testing.T, prefix, more string, knobs ...string) *stand {
	t.Helper()
	dir := t.TempDir()
	s := &stand{t: t, sink: newSink(t)}
	addr := s.serve("/_oktasim/stats", func(addr string) testbed.Command {
		return testbed.Command{
			Name: "oktasim", Path: program(t, "oktasim", "OKTASIM_BIN"), LogFile: filepath.Join(dir, "oktasim.log"),
			Args: append([]string{"--listen=" + addr, "--rate-limit=6000", "--seed=7"}, knobs...), Env: []string{"OKTASIM_TOKEN=" + token},
		}
	})
	s.org = "http://" + addr

	file := filepath.Join(dir, "config.alloy")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, config, more), 0o600))
	addr = s.serve("/-/ready", func(addr string) testbed.Command {
		return testbed.Command{
			Name: "alloy-okta", Path: program(t, "alloy-okta", "ALLOY_OKTA_BIN"), LogFile: filepath.Join(dir, "alloy-okta.log"),
			Args: []string{"run", "--server.http.listen-addr=" + addr, "--server.http.ui-path-prefix=" + prefix + "/",
				"--storage.path=" + filepath.Join(dir, "data"), "--disable-reporting", file},
			Env: []string{"OKTA_URL=" + s.org, "OKTA_API_TOKEN=" + token, "LOKI_URL=" + s.sink.URL},
		}
	})
	s.base = "http://" + addr + prefix

	require.NotContains(t, s.get("/"), "not in this binary",
		"this alloy-okta was built without the UI: run `make ui build` (it needs Node and npm), or set ALLOY_OKTA_BIN to one with it")
	return s
}

// serve starts a program on a free port, waits until it answers at path, and returns its address. The port may be taken between
// looking for it and listening on it: then another one is tried.
func (s *stand) serve(path string, command func(addr string) testbed.Command) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), startWithin)
	defer cancel()
	for {
		addr, err := testbed.FreeAddr()
		require.NoError(s.t, err)
		process, err := command(addr).Start()
		require.NoError(s.t, err)
		s.t.Cleanup(process.Kill)
		err = process.Ready(ctx, "http://"+addr+path)
		if err != nil && strings.Contains(process.Log(), "address already in use") && ctx.Err() == nil {
			continue
		}
		require.NoError(s.t, err)
		s.t.Cleanup(func() {
			if s.t.Failed() {
				s.t.Log(process.Tail(40))
			}
		})
		return addr
	}
}

// control posts to one of oktasim's control endpoints, such as "generate?n=10".
func (s *stand) control(path string) {
	s.t.Helper()
	resp, err := http.Post(s.org+"/_oktasim/"+path, "", nil)
	require.NoError(s.t, err)
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	require.Equalf(s.t, http.StatusNoContent, resp.StatusCode, "%s: %s", path, body)
}

// events returns what the org has logged, as it sends it.
func (s *stand) events() []string {
	s.t.Helper()
	resp, err := http.Get(s.org + "/_oktasim/events")
	require.NoError(s.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	return strings.Split(string(bytes.TrimSpace(body)), "\n")
}

// get returns what the UI serves at a path below its prefix.
func (s *stand) get(path string) string {
	s.t.Helper()
	resp, err := http.Get(s.base + path)
	require.NoError(s.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	require.Equalf(s.t, http.StatusOK, resp.StatusCode, "%s: %s", path, body)
	return string(body)
}
