package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/testbed"
)

// crowd is many orgs, each a loopback address of its own on one port: with a backlog of whole pages, and then one event a second, or
// every some seconds.
// Its answers are made of oktasim's events; an oktasim of its own for each org would take more memory than what is measured.
type crowd struct {
	hosts     []string
	templates [][]byte
	backlog   [][]byte // pages, gzipped
	every     int64    // seconds; 0: 1
	mu        sync.Mutex
	sent      map[string]int // live events by host
}

// startCrowd serves n orgs until the test ends.
func startCrowd(t testing.TB, n, pages int) *crowd {
	t.Helper()
	origin := &oktasim.Org{}
	origin.Generate(1000*max(pages, 1), time.Hour)
	c := &crowd{sent: make(map[string]int)}
	events := origin.Events()
	c.templates = events[:20]
	for i := range pages {
		c.backlog = append(c.backlog, pack(events[1000*i:1000*(i+1)]))
	}
	c.hosts = listenAs(t, n, c)
	return c
}

// listenAs serves n hosts, each a loopback address of its own on one port, until the test ends.
func listenAs(t testing.TB, n int, handler http.Handler) (hosts []string) {
	t.Helper()
	server := &http.Server{Handler: handler}
	t.Cleanup(func() { _ = server.Close() })
	for _, listener := range listenOnOnePort(t, n) {
		hosts = append(hosts, listener.Addr().String())
		go func() { _ = server.Serve(listener) }()
	}
	return hosts
}

// listenOnOnePort holds a port on n loopback addresses. A port that is free on one of them may be in use on the next: then it tries
// another.
func listenOnOnePort(t testing.TB, n int) (listeners []net.Listener) {
	t.Helper()
	port := "0"
	for tries := 0; len(listeners) < n; {
		i := len(listeners)
		listener, err := net.Listen("tcp", net.JoinHostPort(fmt.Sprintf("127.1.%d.%d", i/250, 1+i%250), port))
		if errors.Is(err, syscall.EADDRINUSE) && tries < 20 {
			for _, l := range listeners {
				l.Close()
			}
			listeners, port = nil, "0"
			tries++
			continue
		}
		require.NoError(t, err)
		listeners = append(listeners, listener)
		_, port, err = net.SplitHostPort(listener.Addr().String())
		require.NoError(t, err)
	}
	return listeners
}

func pack(events [][]byte) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	_, _ = z.Write([]byte("["))
	_, _ = z.Write(bytes.Join(events, []byte(",")))
	_, _ = z.Write([]byte("]"))
	_ = z.Close()
	return b.Bytes()
}

var (
	uuidMember = regexp.MustCompile(`"uuid":"[^"]*"`)
	timeMember = regexp.MustCompile(`"published":"[^"]*"`)
)

// ServeHTTP is the System Log of whatever org is asked for. Its cursor is a page of the backlog, or a time.
func (c *crowd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now().Truncate(time.Second)
	after, _ := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	var body []byte
	next := after + 1
	switch {
	case after < int64(len(c.backlog)):
		body = c.backlog[after]
	case after == int64(len(c.backlog)):
		body, next = pack(nil), now.Unix()
	default:
		var events [][]byte
		at, every := after, max(c.every, 1)
		offset := int64(fnv32(r.Host))
		for ; at < now.Unix() && len(events) < 1000; at++ {
			if (at+offset)%every != 0 {
				continue
			}
			e := uuidMember.ReplaceAll(c.templates[at%int64(len(c.templates))], fmt.Appendf(nil, `"uuid":"%08x-%d"`, fnv32(r.Host), at))
			published := time.Unix(at, 0).UTC().Format("2006-01-02T15:04:05.000Z")
			events = append(events, timeMember.ReplaceAll(e, fmt.Appendf(nil, `"published":"%s"`, published)))
		}
		body, next = pack(events), at
		c.mu.Lock()
		c.sent[r.Host] += len(events)
		c.mu.Unlock()
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Encoding", "gzip")
	h.Set("X-Okta-Request-Id", "crowd")
	h.Set("X-Rate-Limit-Limit", "600")
	h.Set("X-Rate-Limit-Remaining", "600")
	h.Set("X-Rate-Limit-Reset", strconv.FormatInt(now.Unix()+60, 10))
	h.Set("Link", fmt.Sprintf(`<http://%s/api/v1/logs?after=%d&limit=1000>; rel="next"`, r.Host, next))
	_, _ = w.Write(body)
}

func fnv32(text string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(text))
	return h.Sum32()
}

// discard takes pushes and forgets them.
func discard(t testing.TB) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// oneComponent reads all orgs in one component, manyComponents each in one of its own.
func oneComponent(hosts []string, push string) string {
	var b strings.Builder
	b.WriteString("loki.source.okta \"all\" {\n\tforward_to = [loki.write.default.receiver]\n\torgs = [\n")
	for i, host := range hosts {
		fmt.Fprintf(&b, "\t\t{name = \"org%d\", url = \"http://%s\", api_token = \"00token\"},\n", i, host)
	}
	b.WriteString("\t]\n}\n")
	return b.String() + writeTo(push)
}

func manyComponents(hosts []string, push string) string {
	var b strings.Builder
	for i, host := range hosts {
		fmt.Fprintf(&b, "loki.source.okta \"org%d\" {\n\tforward_to = [loki.write.default.receiver]\n\turl = \"http://%s\"\n\tapi_token = \"00token\"\n}\n",
			i, host)
	}
	return b.String() + writeTo(push)
}

func writeTo(push string) string {
	return fmt.Sprintf("loki.write \"default\" {\n\tendpoint {\n\t\turl = \"%s/loki/api/v1/push\"\n\t}\n}\n", push)
}

var entriesOfOrg = regexp.MustCompile(`(?m)^loki_source_okta_entries_total\{.*\} (\S+)$`)

// delivered is how many entries all components have delivered.
func (c *collector) delivered(ctx context.Context) (sum float64, err error) {
	text, err := c.ask(ctx, "/metrics")
	if err != nil {
		return 0, err
	}
	for _, match := range entriesOfOrg.FindAllSubmatch(text, -1) {
		n, err := strconv.ParseFloat(string(match[1]), 64)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// memory is a figure of a process in MB: VmRSS, VmHWM (its peak), RssAnon.
func (c *collector) memory(t testing.TB, name string) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.PID()))
	require.NoError(t, err)
	m := regexp.MustCompile(name + `:\s+(\d+) kB`).FindSubmatch(status)
	require.NotNil(t, m)
	kB, err := strconv.Atoi(string(m[1]))
	require.NoError(t, err)
	return kB / 1024
}

// cpu is what the process has spent so far.
func (c *collector) cpu(t testing.TB) time.Duration { return cpuOf(t, c.PID()) }

// cpuOf is what a process has spent so far. Linux counts in hundredths of a second.
func cpuOf(t testing.TB, pid int) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	require.NoError(t, err)
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')'):]))
	user, err := strconv.Atoi(fields[12])
	require.NoError(t, err)
	system, err := strconv.Atoi(fields[13])
	require.NoError(t, err)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// figures are what a crowd costs.
type figures struct {
	ready, first, drained, reload time.Duration
	peak, rest, anon              int     // MB
	steady                        float64 // percent of a core
	queries                       int     // to Loki, in rested
	rested                        time.Duration
}

// measure runs a configuration of a crowd until its backlog was delivered, and for a while after that. Loki, nil for a server that reads
// and discards, is reached through paths, which counts.
func measure(t testing.TB, c *crowd, config func(hosts []string, push string) string, loki *testbed.Loki, rest time.Duration) (f figures) {
	t.Helper()
	at := discard(t)
	if loki != nil {
		at = loki.URL()
	}
	paths, to := toll(t, at)
	text := config(c.hosts, to)
	dir := t.TempDir()
	addr, err := testbed.FreeAddr()
	require.NoError(t, err)
	k := &collector{
		bin: program(t, "alloy-okta"), addr: addr, config: filepath.Join(dir, "config.alloy"),
		storage: filepath.Join(dir, "data"), log: filepath.Join(dir, "alloy-okta.log"),
	}
	require.NoError(t, os.WriteFile(k.config, []byte(text), 0o600))
	watchLog(t, func() *testbed.Process { return k.Process })
	begin := time.Now()
	k.start(t)
	f.ready = time.Since(begin)

	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	want := float64(len(c.hosts) * len(c.backlog) * 1000)
	for {
		got, err := k.delivered(ctx)
		if err == nil && got >= want {
			break
		}
		require.NoError(t, ctx.Err(), "%v of %v entries: %v", got, want, err)
		time.Sleep(200 * time.Millisecond)
	}
	f.drained = time.Since(begin)
	require.Eventually(t, func() bool { return want == 0 || !paths.firstPush().IsZero() }, time.Minute, 10*time.Millisecond)
	if want > 0 {
		f.first = paths.firstPush().Sub(begin)
	}
	f.peak = k.memory(t, "VmHWM")
	for loki != nil && k.sum(t, "loki_source_okta_unconfirmed_events") > 0 {
		require.NoError(t, ctx.Err())
		time.Sleep(200 * time.Millisecond)
	}
	spent, asked, since := k.cpu(t), paths.queries(), time.Now()
	time.Sleep(rest)
	f.rested, f.queries = time.Since(since), paths.queries()-asked
	f.steady = 100 * (k.cpu(t) - spent).Seconds() / f.rested.Seconds()
	f.rest, f.anon = k.memory(t, "VmRSS"), k.memory(t, "RssAnon")

	require.NoError(t, os.WriteFile(k.config, []byte(strings.Replace(text, "00token", "00another", 1)), 0o600))
	begin = time.Now()
	k.reload(t)
	f.reload = time.Since(begin)

	metrics, err := k.ask(ctx, "/metrics")
	require.NoError(t, err)
	for _, host := range []string{c.hosts[0], c.hosts[len(c.hosts)-1]} {
		series := bytes.Count(metrics, fmt.Appendf(nil, "org=%q", host))
		require.LessOrEqual(t, series, 25)
		require.Positive(t, series)
	}
	k.stop(t)
	require.NotContains(t, k.Log(), "level=error")
	return f
}

func (f figures) String() string {
	return fmt.Sprintf("ready after %.1f s, backlog delivered after %.0f s, reload %.2f s; RSS %d MB at its peak, %d MB (%d MB anonymous) later; "+
		"%.1f %% of a core", f.ready.Seconds(), f.drained.Seconds(), f.reload.Seconds(), f.peak, f.rest, f.anon, f.steady)
}

// Many orgs in one component, each with a backlog of three full pages at once and then an event a second. The long form has 500 of them
// and measures the same with a component for each.
func TestManyOrgsInOneProcess(t *testing.T) {
	if !long() {
		f := measure(t, startCrowd(t, 50, 1), oneComponent, nil, 2*time.Second)
		t.Log("50 orgs: ", f)
		require.LessOrEqual(t, f.peak, 300)
		return
	}
	t.Run("one component", func(t *testing.T) {
		f := measure(t, startCrowd(t, 500, 3), oneComponent, nil, 90*time.Second)
		t.Log(f)
		require.Less(t, f.ready, 5*time.Second)
		require.Less(t, f.reload, 2*time.Second)
		require.LessOrEqual(t, f.peak, 400)
	})
	t.Run("500 components", func(t *testing.T) {
		t.Log(measure(t, startCrowd(t, 500, 3), manyComponents, nil, 90*time.Second))
	})
}
