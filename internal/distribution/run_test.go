package distribution

import (
	"archive/zip"
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/distribution/components"
	"github.com/grafana/alloy/okta/internal/testbed"
)

func TestRunServesReloadsAndStops(t *testing.T) {
	config := writeFile(t, "config.alloy", `loki.echo "one" { }`)
	p := start(t, "--server.http.ui-path-prefix=/x", "--disable-reporting", config)

	t.Run("it is ready and healthy", func(t *testing.T) {
		require.Equal(t, "Alloy is ready.\n", p.get(t, "/-/ready", 200))
		require.Equal(t, "All Alloy components are healthy.\n", p.get(t, "/-/healthy", 200))
		require.Equal(t, []string{"loki.echo.one"}, p.components(t, "/x"))
	})

	t.Run("its metrics are those upstream's dashboards read", func(t *testing.T) {
		metrics := p.get(t, "/metrics", 200)
		for _, want := range []string{
			`(?m)^alloy_build_info\{.*version="` + regexp.QuoteMeta(components.Alloy) + `"\} 1$`,
			`(?m)^alloy_okta_build_info\{alloy="` + regexp.QuoteMeta(components.Alloy) + `",.*\} 1$`,
			`(?m)^alloy_config_last_load_successful 1$`,
			`(?m)^alloy_resources_process_resident_memory_bytes [1-9]`,
			`(?m)^alloy_resources_process_cpu_seconds_total `,
			`(?m)^alloy_resources_machine_rx_bytes_total `,
			`(?m)^alloy_component_controller_running_components\{.*\} `,
			`(?m)^go_goroutines `,
		} {
			require.True(t, regexp.MustCompile(want).MatchString(metrics), want)
		}
	})

	t.Run("the interface is below the prefix", func(t *testing.T) {
		response := p.do(t, http.MethodGet, "/x")
		require.Equal(t, http.StatusFound, response.code)
		require.Equal(t, "/x/", response.header.Get("Location"))
		require.Contains(t, p.do(t, http.MethodGet, "/x/clustering").body, `<base href="/x/" />`)
		require.Equal(t, 404, p.do(t, http.MethodGet, "/").code)
		require.Equal(t, 200, p.do(t, http.MethodGet, "/debug/pprof/cmdline").code)
	})

	t.Run("SIGHUP with a broken configuration changes nothing", func(t *testing.T) {
		p.write(t, config, "loki.echo \"two\" { }\n\nprometheus.write.queue \"q\" { }\n")
		require.NoError(t, p.cmd.Process.Signal(syscall.SIGHUP))
		p.waitForLog(t, `msg="failed to reload config"`)
		require.Contains(t, p.log.String(), config+`:3:1: cannot find the definition of component name \"prometheus.write.queue\": it is not `+
			`part of this build`)

		require.Contains(t, p.get(t, "/metrics", 200), "\nalloy_config_last_load_successful 0\n")
		require.Equal(t, "Alloy is ready.\n", p.get(t, "/-/ready", 200))
	})

	t.Run("SIGHUP with a good one takes it", func(t *testing.T) {
		p.write(t, config, `loki.echo "three" { }`)
		require.NoError(t, p.cmd.Process.Signal(syscall.SIGHUP))
		p.waitForLog(t, `msg="config reloaded"`)
		require.Equal(t, []string{"loki.echo.three"}, p.components(t, "/x"))
		require.Contains(t, p.get(t, "/metrics", 200), "\nalloy_config_last_load_successful 1\n")
	})

	t.Run("/-/reload answers what went wrong", func(t *testing.T) {
		p.write(t, config, "loki.echo {\n")
		response := p.do(t, http.MethodPost, "/-/reload")
		require.Equal(t, 400, response.code)
		require.Contains(t, response.body, config+":2:1: expected }, got EOF")
		require.Equal(t, []string{"loki.echo.three"}, p.components(t, "/x"))

		p.write(t, config, `loki.echo "four" { }`)
		for _, method := range []string{http.MethodPost, http.MethodGet} {
			require.Equal(t, reply{200, "config reloaded\n", nil}, p.do(t, method, "/-/reload").withoutHeader())
		}
		require.Equal(t, []string{"loki.echo.four"}, p.components(t, "/x"))
	})

	t.Run("SIGTERM stops it", func(t *testing.T) {
		require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
		require.NoError(t, p.wait(), p.log)
		require.Contains(t, p.log.String(), "interrupt received")
	})
}

func TestTheSupportBundleHoldsWhatItTakes(t *testing.T) {
	p := start(t, writeFile(t, "config.alloy", `
loki.write "secret" {
	endpoint {
		url = "http://127.0.0.1:1/"

		basic_auth {
			username = "me"
			password = "hunter2"
		}
	}
}
`))
	bundle := p.get(t, "/-/support?duration=1", 200)
	archive, err := zip.NewReader(strings.NewReader(bundle), int64(len(bundle)))
	require.NoError(t, err)

	files := make(map[string]string)
	for _, f := range archive.File {
		r, err := f.Open()
		require.NoError(t, err)
		content, err := io.ReadAll(r)
		require.NoError(t, err)
		files[strings.TrimPrefix(f.Name, "alloy-support-bundle/")] = string(content)
		require.NotContains(t, string(content), "hunter2", f.Name)
	}
	require.Contains(t, files["alloy-metadata.yaml"], "build_version: "+components.Alloy)
	require.Contains(t, files["alloy-runtime-flags.txt"], "server.http.listen-addr="+p.addr)
	require.Contains(t, files["alloy-components.json"], "loki.write.secret")
	require.Contains(t, files["alloy-metrics-sample-start.txt"], "alloy_okta_build_info")
	require.Contains(t, files["sources/config.alloy"], `"(secret)"`)
	require.NotEmpty(t, files["pprof/goroutine.pprof"])
}

func TestASupportBundleCanBeSwitchedOff(t *testing.T) {
	p := start(t, "--server.http.disable-support-bundle", "--server.http.enable-pprof=false", writeFile(t, "config.alloy", ""))
	require.Equal(t, 403, p.do(t, http.MethodGet, "/-/support?duration=1").code)
	require.NotContains(t, p.do(t, http.MethodGet, "/debug/pprof/cmdline").body, p.addr)
}

func TestRunTakesADirectory(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"sink.alloy":       `loki.echo "e" { }`,
		"source.alloy":     "loki.process \"p\" {\n\tforward_to = [loki.echo.e.receiver]\n}\n",
		"notes.txt":        "not read",
		"more/extra.alloy": `loki.echo "not_read" { }`,
	} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
	}
	p := start(t, dir)
	require.Equal(t, []string{"loki.echo.e", "loki.process.p"}, p.components(t, ""))
}

func TestLiveDebuggingShowsEntries(t *testing.T) {
	push := freeAddr(t)
	_, port, err := net.SplitHostPort(push)
	require.NoError(t, err)
	p := start(t, writeFile(t, "config.alloy", `
livedebugging { enabled = true }

loki.source.api "in" {
	http {
		listen_address = "127.0.0.1"
		listen_port    = `+port+`
	}
	forward_to = [loki.process.p.receiver]
}

loki.process "p" {
	forward_to = [loki.echo.e.receiver]
}

loki.echo "e" { }
`))

	stream, err := http.Get("http://" + p.addr + "/api/v0/web/debug/loki.process.p")
	require.NoError(t, err)
	defer stream.Body.Close()
	require.Equal(t, 200, stream.StatusCode)

	// The subscription starts with the stream, and an entry before it is not
	// shown: push until one is.
	shown := make(chan string)
	go func() {
		defer close(shown)
		for chunks := bufio.NewReader(stream.Body); ; {
			chunk, err := chunks.ReadString(';') // each ends with |;|
			if err != nil {
				return
			}
			if strings.Contains(chunk, "hello, debugger") {
				shown <- chunk
				return
			}
		}
	}()
	for deadline := time.Now().Add(patience); ; {
		entry := fmt.Sprintf(`{"streams":[{"stream":{"job":"test"},"values":[["%d","hello, debugger"]]}]}`, time.Now().UnixNano())
		if response, err := http.Post("http://"+push+"/loki/api/v1/push", "application/json", strings.NewReader(entry)); err == nil {
			response.Body.Close()
		}
		select {
		case chunk, ok := <-shown:
			require.True(t, ok, "the stream ended")
			require.Contains(t, chunk, "[IN]")
			return
		case <-time.After(100 * time.Millisecond):
			require.True(t, time.Now().Before(deadline), p.log)
		}
	}
}

func TestNodesFormACluster(t *testing.T) {
	config := writeFile(t, "config.alloy", `loki.echo "e" { }`)
	one := start(t, "--cluster.enabled", "--cluster.name=test", "--cluster.node-name=one", "--cluster.advertise-address=127.0.0.1", config)
	two := start(t, "--cluster.enabled", "--cluster.name=test", "--cluster.node-name=two", "--cluster.advertise-address=127.0.0.1",
		"--cluster.join-addresses="+one.addr, config)

	for _, node := range []*daemonProcess{one, two} {
		require.Eventually(t, func() bool {
			var peers []struct{ Name, State string }
			require.NoError(t, json.Unmarshal([]byte(node.get(t, "/api/v0/web/peers", 200)), &peers))
			names := make([]string, 0, len(peers))
			for _, peer := range peers {
				if peer.State == "participant" {
					names = append(names, peer.Name)
				}
			}
			slices.Sort(names)
			return slices.Equal(names, []string{"one", "two"})
		}, patience, 50*time.Millisecond, node.log)
	}
}

func TestRunExitsWithDiagnosticsOfABadConfiguration(t *testing.T) {
	for name, tc := range map[string]struct {
		config       string
		line, column int
		message      string
	}{
		"syntax":      {"loki.echo \"e\" {\n\ta = \n}\n", 3, 1, "expected expression, got }"},
		"an argument": {"loki.process \"p\" {\n\tforward_to = 1\n}\n", 2, 15, "1 should be array, got number"},
		"a component this build leaves out": {"\nfaro.receiver \"f\" { }\n", 2, 1,
			`cannot find the definition of component name "faro.receiver": it is not part of this build: upstream Alloy ` + components.Alloy +
				` has it, ` +
				`alloy-okta leaves it out; run "alloy-okta components" or see docs/components.md for the list`},
	} {
		t.Run(name, func(t *testing.T) {
			file := writeFile(t, "bad.alloy", tc.config)
			got := execute(t, "", "run", "--storage.path", t.TempDir(), "--server.http.listen-addr", freeAddr(t), file)
			require.Equal(t, 1, got.code)
			requireDiagnostic(t, got.stderr, file, tc.line, tc.column, tc.message)
			require.Contains(t, got.stderr, "\nError: could not perform the initial load successfully\n")
			require.NotContains(t, got.stderr, "interrupt received")
		})
	}

	t.Run("a file that is not there", func(t *testing.T) {
		got := execute(t, "", "run", "--storage.path", t.TempDir(), "--server.http.listen-addr", freeAddr(t), "no/such.alloy")
		require.Equal(t, 1, got.code)
		require.Contains(t, got.stderr, `Error: reading config path "no/such.alloy": stat no/such.alloy: no such file or directory`)
	})
}

// patience bounds waits for another process, which only a failure uses up.
const patience = 30 * time.Second

// daemonProcess is a program that runs until the test ends or stops it.
type daemonProcess struct {
	cmd  *exec.Cmd
	addr string
	log  *testbed.Log
	wait func() error // for its end
}

// start runs the program with args on a free port and waits until it is ready.
func start(t *testing.T, args ...string) *daemonProcess {
	t.Helper()
	p := &daemonProcess{addr: freeAddr(t), log: new(testbed.Log)}
	p.cmd = program(t, append([]string{"run", "--storage.path", t.TempDir(), "--server.http.listen-addr", p.addr}, args...)...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	require.NoError(t, p.cmd.Start())
	p.wait = sync.OnceValue(p.cmd.Wait)
	t.Cleanup(func() {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		_ = p.wait()
	})
	ended := make(chan error, 1)
	go func() { ended <- p.wait() }()

	for deadline := time.After(patience); ; {
		if response, err := http.Get("http://" + p.addr + "/-/ready"); err == nil {
			response.Body.Close()
			if response.StatusCode == 200 {
				return p
			}
		}
		select {
		case err := <-ended:
			require.Fail(t, "it ended", "%v\n%s", err, p.log)
		case <-deadline:
			require.Fail(t, "it did not become ready", p.log.String())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// reply is an HTTP response that was read.
type reply struct {
	code   int
	body   string
	header http.Header
}

func (r reply) withoutHeader() reply {
	r.header = nil
	return r
}

func (p *daemonProcess) do(t *testing.T, method, path string) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+p.addr+path, nil)
	require.NoError(t, err)
	response, err := http.DefaultTransport.RoundTrip(request) // does not follow redirects
	require.NoError(t, err, p.log)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return reply{response.StatusCode, string(body), response.Header}
}

func (p *daemonProcess) get(t *testing.T, path string, code int) string {
	t.Helper()
	response := p.do(t, http.MethodGet, path)
	require.Equal(t, code, response.code, response.body)
	return response.body
}

// components returns the IDs of the running components, sorted.
func (p *daemonProcess) components(t *testing.T, prefix string) []string {
	t.Helper()
	var list []struct{ LocalID string }
	require.NoError(t, json.Unmarshal([]byte(p.get(t, prefix+"/api/v0/web/components", 200)), &list))
	ids := make([]string, len(list))
	for i, c := range list {
		ids[i] = c.LocalID
	}
	slices.Sort(ids)
	return ids
}

func (p *daemonProcess) write(t *testing.T, file, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(file, []byte(content), 0o644))
}

func (p *daemonProcess) waitForLog(t *testing.T, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(p.log.String(), text) }, patience, 10*time.Millisecond, p.log)
}

// freeAddr returns a loopback address nobody listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	addr, err := testbed.FreeAddr()
	require.NoError(t, err)
	return addr
}
