package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/testbed"
)

// What is promised about a take-over: from the kill, or from SIGTERM, to the first request of the next node.
const (
	afterKill = 45 * time.Second
	afterTerm = 3 * time.Second
)

// clustered is three nodes and their orgs on one Loki, under load.
type clustered struct {
	*rand.Rand
	t     *testing.T
	loki  *testbed.Loki
	nodes *testbed.Cluster
	orgs  []*oktasim.Org
	hosts []string
	stop  func() // the load
}

// startCluster starts three nodes that share so many orgs, each of which logs an event a second.
func startCluster(t *testing.T, orgs int, flags ...string) *clustered {
	t.Helper()
	s := startClusterOf(t, orgs, func(config string) string { return config }, flags...)
	s.load()
	s.requirePolled(startWithin) // a Loki that has just started refuses queries for a while
	return s
}

// startClusterOf is the same with another configuration, without load.
func startClusterOf(t *testing.T, orgs int, configure func(string) string, flags ...string) *clustered {
	t.Helper()
	return startClusterOn(t, startLoki(t), orgs, func(_ *clustered, config string) string { return configure(config) }, flags...)
}

// startClusterOn is the same on a Loki that was started, and may change what the orgs have logged.
func startClusterOn(t *testing.T, loki *testbed.Loki, orgs int, configure func(s *clustered, config string) string, flags ...string) *clustered {
	t.Helper()
	seed := rand.Uint64N(1_000_000)
	t.Logf("seed %d", seed)
	s := &clustered{Rand: rand.New(rand.NewPCG(seed, 0)), t: t, loki: loki}
	var config strings.Builder
	fmt.Fprintf(&config, "loki.source.okta \"default\" {\n\tpoll_interval = \"500ms\"\n\tforward_to = [loki.write.default.receiver]\n"+
		"\treconcile {\n\t\turl = %q\n\t\tresume_overlap = \"0s\"\n\t}\n\tclustering {\n\t\tenabled = true\n\t}\n", s.loki.URL())
	for i := range orgs {
		o := &oktasim.Org{Token: token, RateLimit: -1, Seed: int64(seed) + int64(i)}
		server := httptest.NewServer(o)
		t.Cleanup(server.Close)
		s.orgs, s.hosts = append(s.orgs, o), append(s.hosts, strings.TrimPrefix(server.URL, "http://"))
		fmt.Fprintf(&config, "\torg \"o%d\" {\n\t\turl = %q\n\t\tapi_token = %q\n\t}\n", i, server.URL, token)
	}
	fmt.Fprintf(&config, "}\nloki.write \"default\" {\n\tendpoint {\n\t\turl = \"%s/loki/api/v1/push\"\n\t}\n}\n", s.loki.URL())
	s.nodes = &testbed.Cluster{Bin: program(t, "alloy-okta"), Dir: t.TempDir(), Flags: flags}
	s.nodes.Config = filepath.Join(s.nodes.Dir, "config.alloy")
	require.NoError(t, os.WriteFile(s.nodes.Config, []byte(configure(s, config.String())), 0o600))
	t.Cleanup(s.nodes.Close)
	for range 3 {
		s.add()
	}
	return s
}

// load has each org log an event a second, until stop.
func (s *clustered) load() {
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				for _, o := range s.orgs {
					o.Generate(1, 0)
				}
			}
		}
	}()
	s.stop = func() { cancel(); <-done }
	s.t.Cleanup(s.stop)
}

func (s *clustered) start(n *testbed.Node) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), startWithin)
	defer cancel()
	require.NoError(s.t, n.Start(ctx))
}

// add adds a node and starts it.
func (s *clustered) add() *testbed.Node {
	s.t.Helper()
	n, err := s.nodes.Add()
	require.NoError(s.t, err)
	watchLog(s.t, func() *testbed.Process { return n.Process })
	s.start(n)
	return n
}

// requests is how many requests each org got so far.
func (s *clustered) requests() (counts []int) {
	for _, o := range s.orgs {
		counts = append(counts, len(o.Requests()))
	}
	return counts
}

// requirePolled waits until each org has been polled from now on, and returns how long that took.
func (s *clustered) requirePolled(within time.Duration) time.Duration {
	s.t.Helper()
	begin, before := time.Now(), s.requests()
	require.Eventually(s.t, func() bool {
		for i, now := range s.requests() {
			if now <= before[i] {
				return false
			}
		}
		return true
	}, within, 20*time.Millisecond, "an org is not polled")
	return time.Since(begin)
}

// collectorOf is a node as others ask it.
func collectorOf(n *testbed.Node) *collector { return &collector{Process: n.Process, addr: n.Addr} }

// owned is how many orgs a node says are its own.
func (s *clustered) owned(n *testbed.Node) int {
	count, err := collectorOf(n).metric(s.t.Context(), "loki_source_okta_owned")
	require.NoError(s.t, err)
	return int(count)
}

// orgsOf is which orgs a node says are its own.
func (s *clustered) orgsOf(n *testbed.Node) (orgs []int) {
	s.t.Helper()
	metrics, err := collectorOf(n).ask(s.t.Context(), "/metrics")
	require.NoError(s.t, err)
	for i, host := range s.hosts {
		if regexp.MustCompile(`(?m)^loki_source_okta_owned\{.*org="` + regexp.QuoteMeta(host) + `".*\} 1$`).Match(metrics) {
			orgs = append(orgs, i)
		}
	}
	return orgs
}

// requireTaken waits until running nodes have taken over orgs since begin, and have polled them, and returns how long the last one took.
// A node polls an org that it took at once; what it then reads may have to wait until the copies of the node before have arrived.
func (s *clustered) requireTaken(orgs []int, begin time.Time, within time.Duration) (longest time.Duration) {
	s.t.Helper()
	for _, org := range orgs {
		var polled time.Time
		require.Eventually(s.t, func() bool {
			polled = s.polledBy(org, begin)
			return !polled.IsZero()
		}, max(0, time.Until(begin.Add(within)))+time.Millisecond, 20*time.Millisecond, "%s is not taken over and polled", s.hosts[org])
		longest = max(longest, polled.Sub(begin))
	}
	require.Less(s.t, longest, within)
	return longest
}

// polledBy is when who took over an org after begin polled it first; zero: not yet.
func (s *clustered) polledBy(org int, begin time.Time) time.Time {
	taken := regexp.MustCompile(`(?m)^ts=(\S+) .*msg="this node reads the org now" .* org=` + regexp.QuoteMeta(s.hosts[org]) + ` `)
	for _, n := range s.running() {
		for _, line := range taken.FindAllStringSubmatch(n.Log(), -1) {
			at, err := time.Parse(time.RFC3339Nano, line[1])
			require.NoError(s.t, err)
			if at.Before(begin) {
				continue
			}
			for _, r := range s.orgs[org].Requests() {
				if r.Time.After(at) {
					return r.Time
				}
			}
		}
	}
	return time.Time{}
}

// busiest is a running node that owns orgs.
func (s *clustered) busiest() *testbed.Node {
	var most *testbed.Node
	had := -1
	for _, n := range s.running() {
		if count := s.owned(n); count > had {
			most, had = n, count
		}
	}
	require.Positive(s.t, had)
	return most
}

func (s *clustered) running() (all []*testbed.Node) {
	for _, n := range s.nodes.Nodes {
		if n.Process == nil {
			continue
		}
		select {
		case <-n.Exited():
		default:
			all = append(all, n)
		}
	}
	return all
}

// settle ends the load, and returns what all orgs have logged once Loki has it and nothing is under way.
func (s *clustered) settle() (all []record) {
	s.t.Helper()
	s.stop()
	for _, o := range s.orgs {
		for _, e := range o.Events() {
			all = append(all, recordOf(s.t, e))
		}
	}
	waitForCount(s.t, s.loki.Reader(), selector, all, len(all), 3*time.Minute)
	for _, n := range s.running() {
		require.NoError(s.t, n.Stop(stopWithin))
		require.NotContains(s.t, n.Log(), token)
	}
	return all
}

// requireAtLeastOnce checks that nothing is missing, and returns how many events are doubled.
func (s *clustered) requireAtLeastOnce(all []record) (doubled int) {
	s.t.Helper()
	from, to := span(all)
	held, err := s.loki.Reader().Entries(s.t.Context(), selector, from, to)
	require.NoError(s.t, err)
	d := compare(all, held)
	require.Empty(s.t, d.missing)
	require.Empty(s.t, d.foreign)
	count, err := s.loki.Reader().Count(s.t.Context(), selector, from, to)
	require.NoError(s.t, err)
	return count - len(all)
}

// Nodes that crash, are stopped, added and restarted double nothing; where two of them read one org for a while because one hangs or is
// cut off, doubles are bounded. Nothing is ever lost.
func TestAClusterOfNodes(t *testing.T) {
	trials := map[string]func(*testing.T){"a stop and a kill": stopAndKill, "a stop at the default poll_interval": stopAtTheDefault}
	if long() {
		trials["rolled and changed"] = rolledAndChanged
		trials["one hangs"] = oneHangs
		trials["one is cut off"] = func(t *testing.T) { oneIsCutOff(t, 150) }
		trials["a minority with wait-for-size"] = func(t *testing.T) { oneIsCutOff(t, 30, "--cluster.wait-for-size=2") }
	}
	for name, trial := range trials {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trial(t)
		})
	}
}

func stopAndKill(t *testing.T) {
	orgs, within := 6, 2*afterTerm // beside other trials on a machine with two cores
	if long() {
		orgs, within = 30, afterTerm
	}
	s := startCluster(t, orgs)
	time.Sleep(5 * time.Second)

	n := s.busiest()
	orgsOfIt, begin, stopped := s.orgsOf(n), time.Now(), make(chan error, 1)
	go func() { stopped <- n.Stop(stopWithin) }()
	t.Logf("its %d orgs are polled %s after SIGTERM", len(orgsOfIt), s.requireTaken(orgsOfIt, begin, within))
	require.NoError(t, <-stopped)
	time.Sleep(2 * time.Second)

	n = s.busiest()
	orgsOfIt, begin = s.orgsOf(n), time.Now()
	n.Kill()
	t.Logf("its %d orgs are polled %s after kill -9", len(orgsOfIt), s.requireTaken(orgsOfIt, begin, afterKill))
	time.Sleep(2 * time.Second)

	all := s.settle()
	requireExactlyOnce(t, s.loki.Reader(), selector, all)
	t.Logf("%d events", len(all))
}

// stopAtTheDefault stops a node whose orgs are polled every ten seconds: who takes them polls them at once.
func stopAtTheDefault(t *testing.T) {
	s := startClusterOf(t, 12, func(config string) string { return strings.Replace(config, "\tpoll_interval = \"500ms\"\n", "", 1) })
	s.load()
	s.requirePolled(startWithin)
	time.Sleep(15 * time.Second)

	n := s.busiest()
	orgs, begin := s.orgsOf(n), time.Now()
	require.NoError(t, n.Stop(stopWithin))
	t.Logf("its %d orgs are polled %s after SIGTERM", len(orgs), s.requireTaken(orgs, begin, 2*afterTerm))
	requireExactlyOnce(t, s.loki.Reader(), selector, s.settle())
}

// rolledAndChanged restarts nodes one after the other, adds, removes and kills one.
func rolledAndChanged(t *testing.T) {
	s := startCluster(t, 30)
	for range 2 {
		for _, n := range s.running() {
			require.NoError(t, n.Stop(stopWithin))
			time.Sleep(time.Duration(s.IntN(3000)) * time.Millisecond)
			s.start(n)
			time.Sleep(time.Duration(5000+s.IntN(10_000)) * time.Millisecond)
		}
		s.requirePolled(20 * time.Second)
		added := s.add()
		time.Sleep(15 * time.Second)
		require.Positive(t, s.owned(added))
		require.NoError(t, added.Stop(stopWithin))
		n := s.busiest()
		n.Kill()
		time.Sleep(time.Duration(s.IntN(45)) * time.Second)
		s.start(n)
		s.requirePolled(afterKill)
	}
	all := s.settle()
	requireExactlyOnce(t, s.loki.Reader(), selector, all)
	t.Logf("%d events", len(all))
}

// oneHangs stops a process for a minute without its noticing.
func oneHangs(t *testing.T) {
	s := startCluster(t, 30)
	time.Sleep(15 * time.Second)
	for range 3 {
		n := s.busiest()
		require.NoError(t, n.Signal(syscall.SIGSTOP))
		time.Sleep(time.Minute)
		require.NoError(t, n.Signal(syscall.SIGCONT))
		time.Sleep(30 * time.Second)
		require.Positive(t, s.owned(n))
	}
	all := s.settle()
	doubled := s.requireAtLeastOnce(all)
	t.Logf("%d of %d events are doubled", doubled, len(all))
	require.Less(t, doubled, 3*3*30, "more than what was under way, three seconds of each org, when it began to hang")
}

// oneIsCutOff cuts a node off from the others, not from Okta and Loki. most is how many seconds' events may be doubled.
func oneIsCutOff(t *testing.T, most int, flags ...string) {
	s := startCluster(t, 30, flags...)
	time.Sleep(15 * time.Second)
	n := s.busiest()
	s.nodes.Isolate(n, true)
	time.Sleep(2 * time.Minute)
	if len(flags) > 0 {
		require.Zero(t, s.owned(n), "a minority works on")
	} else {
		require.Equal(t, 30, s.owned(n), "it has taken all orgs")
	}
	s.nodes.Isolate(n, false)
	require.Eventually(t, func() bool { return s.owned(n) > 0 && s.owned(n) < 30 }, 3*time.Minute, time.Second, "it takes part again")
	s.requirePolled(20 * time.Second)
	all := s.settle()
	doubled := s.requireAtLeastOnce(all)
	t.Logf("%d of %d events are doubled", doubled, len(all))
	require.LessOrEqual(t, doubled, 30*most)
}
