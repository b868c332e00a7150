package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/testbed"
)

const pushPath = "/loki/api/v1/push"

// tolled is a way to Loki, which counts requests by path, and those that failed.
type tolled struct {
	proxy http.Handler
	mu    sync.Mutex
	n     map[string]int
	bad   int
	push  time.Time // of the first one
}

func toll(t testing.TB, loki string) (*tolled, string) {
	t.Helper()
	u, err := url.Parse(loki)
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(u)
	c := &tolled{proxy: proxy, n: map[string]int{}}
	proxy.ModifyResponse = func(r *http.Response) error {
		if r.StatusCode/100 != 2 {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.bad++
		}
		return nil
	}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	return c, server.URL
}

func (c *tolled) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.n[r.URL.Path]++
	if r.URL.Path == pushPath && c.push.IsZero() {
		c.push = time.Now()
	}
	c.mu.Unlock()
	c.proxy.ServeHTTP(w, r)
}

// counts are all requests and those that failed so far.
func (c *tolled) counts() (all, bad int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.n {
		all += n
	}
	return all, c.bad
}

// queries are the requests so far that were no pushes.
func (c *tolled) queries() int {
	all, _ := c.counts()
	c.mu.Lock()
	defer c.mu.Unlock()
	return all - c.n[pushPath]
}

func (c *tolled) firstPush() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.push
}

// withReconcile is oneComponent with a reconcile block.
func withReconcile(hosts []string, push, query string) string {
	return strings.Replace(oneComponent(hosts, push), "\torgs = [", fmt.Sprintf("\treconcile {\n\t\turl = %q\n\t}\n\torgs = [", query), 1)
}

var (
	polledOrgs   = regexp.MustCompile(`(?m)^loki_source_okta_last_poll_timestamp_seconds\{`)
	innerQueries = regexp.MustCompile(`(?m)^loki_query_(?:scheduler|frontend)_queue_duration_seconds_count\S* (\d+)$`)
)

// Many orgs begin at once on an empty Loki with its default limits, and then have an event each now and then. With 500 of them, in the long
// form, some 66 requests and 4 CPU seconds of Loki are spent until all were polled.
func TestTheFirstStartOfManyOrgsIsCheapForLoki(t *testing.T) {
	// A start asks Loki before each delivery of what happened until a minute after it (startSlack in internal/poller).
	n, settled, rest := 50, 10*time.Second, 20*time.Second
	if long() {
		n, settled, rest = 500, 90*time.Second, time.Minute
	}
	loki := startLoki(t)
	paths, query := toll(t, loki.URL())
	c := startCrowd(t, n, 0)
	c.every = 20
	dir := t.TempDir()
	addr, err := testbed.FreeAddr()
	require.NoError(t, err)
	k := &collector{
		bin: program(t, "alloy-okta"), addr: addr, config: filepath.Join(dir, "config.alloy"),
		storage: filepath.Join(dir, "data"), log: filepath.Join(dir, "alloy-okta.log"),
	}
	require.NoError(t, os.WriteFile(k.config, []byte(withReconcile(c.hosts, loki.URL(), query)), 0o600))
	watchLog(t, func() *testbed.Process { return k.Process })
	spent := cpuOf(t, loki.PID())
	k.start(t)
	var polled int
	require.Eventually(t, func() bool {
		text, err := k.ask(t.Context(), "/metrics")
		polled = len(polledOrgs.FindAll(text, -1))
		return err == nil && polled == n
	}, 12*time.Minute, 200*time.Millisecond)
	cost, queries, inside := cpuOf(t, loki.PID())-spent, paths.queries(), inner(t, loki)
	asked, bad := paths.counts()
	t.Logf("%d orgs: %d requests to Loki (%v), %d failed, %d inner ones, %.1f CPU seconds of Loki", n, asked, paths.n, bad, inside, cost.Seconds())

	time.Sleep(settled)
	before, _ := paths.counts()
	spent = cpuOf(t, loki.PID())
	time.Sleep(rest)
	after, bad := paths.counts()
	perMinute := float64(after-before) * time.Minute.Seconds() / rest.Seconds()
	t.Logf("at rest: %.0f requests a minute, %.2f CPU seconds of Loki a minute; %.0f events not confirmed yet", perMinute,
		(cpuOf(t, loki.PID())-spent).Seconds()*time.Minute.Seconds()/rest.Seconds(), k.sum(t, "loki_source_okta_unconfirmed_events"))
	require.Zero(t, bad)
	require.Less(t, queries, n, "searches are joined: each org by itself would ask more than once")
	require.Less(t, inside, 10*n)
	require.LessOrEqual(t, perMinute, 300.0)
	require.Positive(t, k.sum(t, "loki_source_okta_confirmed_events_total"))
	require.Zero(t, k.sum(t, "loki_source_okta_retried_events_total"))
	k.stop(t)
}

// sum is a metric over all its labels, such as orgs.
func (c *collector) sum(t testing.TB, name string) (sum float64) {
	t.Helper()
	for _, m := range regexp.MustCompile(`(?m)^`+name+`(?:\{.*\})? (\S+)$`).FindAllStringSubmatch(c.fetch(t, "/metrics"), -1) {
		n, err := strconv.ParseFloat(m[1], 64)
		require.NoError(t, err)
		sum += n
	}
	return sum
}

// inner is how many queries Loki made of those that it got.
func inner(t *testing.T, loki *testbed.Loki) (sum int) {
	t.Helper()
	for _, m := range innerQueries.FindAllStringSubmatch(lokiMetrics(t, loki), -1) {
		n, err := strconv.Atoi(m[1])
		require.NoError(t, err)
		sum += n
	}
	return sum
}
