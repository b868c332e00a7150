// option: clustering, orgs, backfill

package okta

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/grafana/ckit/peer"
	"github.com/grafana/ckit/shard"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/internal/component/common/loki"
	"github.com/grafana/alloy/internal/service/cluster"
	httpservice "github.com/grafana/alloy/internal/service/http"

	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/takeover"
)

// fakeCluster is a cluster service as one node has it.
type fakeCluster struct {
	*sharedCluster
	self string
}

// sharedCluster is what all nodes agree on.
type sharedCluster struct {
	mu    sync.Mutex
	owner string // "": nobody takes part yet
	ready bool
	addrs map[string]string
	asked map[shard.Key]bool
}

func (c *sharedCluster) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

func (c fakeCluster) Ready() bool { c.mu.Lock(); defer c.mu.Unlock(); return c.ready }

func (c fakeCluster) Peers() (all []peer.Peer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, addr := range c.addrs {
		all = append(all, peer.Peer{Name: name, Addr: addr, Self: name == c.self, State: peer.StateParticipant})
	}
	return all
}

func (c fakeCluster) Lookup(key shard.Key, n int, op shard.Op) ([]peer.Peer, error) {
	var owner, other peer.Peer
	peers := c.Peers()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range peers {
		if p.Name == c.owner {
			owner = p
		} else {
			other = p
		}
	}
	c.asked[key] = true
	if c.owner == "" || op != shard.OpReadWrite {
		return nil, errors.New("not enough peers")
	}
	return []peer.Peer{owner, other}[:n], nil
}

func newSharedCluster(ready bool) *sharedCluster {
	return &sharedCluster{addrs: map[string]string{}, asked: map[shard.Key]bool{}, ready: ready}
}

// inCluster is the block with which nodes of [runsAs] reach each other.
const inCluster = `
	clustering {
		enabled = true
		basic_auth {
			username = "alloy"
			password = "hunter2secret"
		}
	}`

// runsAs runs the component as a node until the test ends. Its HTTP server wants a password.
func runsAs(t *testing.T, shared *sharedCluster, name, body string) *site {
	t.Helper()
	args, err := evaluate(t, "forward_to = [receiver]\n"+body)
	require.NoError(t, err)
	s := &site{receiver: loki.NewLogsReceiver(), registry: prometheus.NewRegistry(), dir: t.TempDir(), started: time.Now()}
	args.ForwardTo = []loki.LogsReceiver{s.receiver}
	s.Component, err = New(component.Options{
		ID: "loki.source.okta.test", DataPath: s.dir, Logger: slog.New(slog.NewTextHandler(&s.logs, nil)), Registerer: s.registry,
		GetServiceData: func(service string) (any, error) {
			switch service {
			case cluster.ServiceName:
				return fakeCluster{shared, name}, nil
			case httpservice.ServiceName:
				return httpservice.Data{BaseHTTPPath: "/api/v0/component"}, nil
			}
			return nil, errors.New("no such service")
		},
	}, args)
	require.NoError(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != "hunter2secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		http.StripPrefix("/api/v0/component/loki.source.okta.test", s.Handler()).ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	shared.set(func() { shared.addrs[name] = strings.TrimPrefix(server.URL, "http://") })
	running(t, s.Component)
	return s
}

func TestNodesShareOrgsAndTheirCursors(t *testing.T) {
	org := &oktasim.Org{Token: "right"}
	org.Generate(3, time.Minute)
	host := serving(t, org)
	body := fmt.Sprintf(`
		url           = "http://%s"
		api_token     = "right"
		poll_interval = "100ms"
		replay_window = "0s"
		`+inCluster, host)
	shared := newSharedCluster(true)
	a, b := runsAs(t, shared, "node-a", body), runsAs(t, shared, "node-b", body)
	require.Contains(t, a.CurrentHealth().Message, "no node reads it")

	change := func(f func()) {
		shared.set(f)
		a.NotifyClusterChange()
		b.NotifyClusterChange()
	}
	change(func() { shared.owner = "node-a" })
	for range 3 {
		a.take(t)
	}
	until(t, "an empty page", func() bool { return a.DebugInfo().(debugInfo).PagesForwarded > 1 })
	require.Equal(t, "node-a reads it", b.CurrentHealth().Message)
	require.Equal(t, component.HealthTypeHealthy, b.CurrentHealth().Health)
	require.Equal(t, "node-a reads it", b.DebugInfo().(debugInfo).State)
	require.Equal(t, 1.0, gauge(t, a.registry, "owned", host))
	require.Equal(t, 0.0, gauge(t, b.registry, "owned", host))
	until(t, "the standby has the cursor", func() bool {
		files, _ := filepath.Glob(filepath.Join(b.dir, "*.standby.json"))
		return len(files) == 1
	})

	change(func() { shared.owner = "node-b" })
	org.Generate(2, 0)
	for range 2 {
		b.take(t)
	}
	require.Equal(t, "node-b reads it", a.CurrentHealth().Message)
	families, err := a.registry.Gather()
	require.NoError(t, err)
	for _, f := range families {
		require.NotEqual(t, "loki_source_okta_lag_seconds", f.GetName(), "the lag of an org that another node reads")
	}

	change(func() { shared.ready = false })
	until(t, "nobody reads", func() bool { return strings.HasPrefix(b.CurrentHealth().Message, "no node reads it") })
	change(func() { shared.ready, shared.owner = true, "node-a" })
	org.Generate(2, 0)
	for range 2 { // these, and none that node-b had
		a.take(t)
	}
	until(t, "two empty pages", func() bool { return a.DebugInfo().(debugInfo).State == polling })
	require.Empty(t, a.receiver.Chan())
	require.Empty(t, b.receiver.Chan())
	require.Equal(t, map[shard.Key]bool{shard.StringKey("loki.source.okta.test/http://" + host): true}, shared.asked)
	require.NotContains(t, a.everything(t)+b.everything(t), "hunter2secret")
}

// With wait-for-size unmet, or before this node takes part, nobody reads: health says so and why, and is unhealthy once it lasts.
func TestAnOrgThatNobodyReadsIsUnhealthy(t *testing.T) {
	host := orgOf(t, 1)
	one := fmt.Sprintf("url = \"http://%s\"\napi_token = \"right\"\nclustering {\n\tenabled = true\n}\n", host)
	two := list(entry("a", host), entry("b", orgOf(t, 1))) + "clustering {\n\tenabled = true\n}\n"
	for name, c := range map[string]struct {
		body  string
		ready bool
		why   string
		soon  string
	}{
		"too few nodes": {one, false, "fewer nodes than --cluster.wait-for-size, and this one sees 1 of them", "no node reads it"},
		"not part yet":  {one, true, "this node is not part of the cluster yet", "no node reads it"},
		"two orgs":      {two, false, "fewer nodes than --cluster.wait-for-size", "polling 0 of 2 orgs, 0 are other nodes', but a: no node reads it"},
	} {
		t.Run(name, func(t *testing.T) {
			shared := newSharedCluster(c.ready)
			s := runsAs(t, shared, "node-a", c.body)
			until(t, "health says so", func() bool { return strings.Contains(s.CurrentHealth().Message, c.why) })
			now := s.CurrentHealth()
			require.Equal(t, component.HealthTypeHealthy, now.Health, "a node that has just started")
			require.Contains(t, now.Message, c.soon)
			require.False(t, now.UpdateTime.Before(s.started), "newer than Alloy's own \"component evaluated\", which it shows else")

			for _, m := range s.current() {
				later := m.verdict(time.Now().Add(unreadAfter))
				require.True(t, later.unhealthy())
				require.Contains(t, later.message, c.why)
			}
			all := healthOfAll(s.current(), time.Now().Add(unreadAfter))
			require.Equal(t, component.HealthTypeUnhealthy, all.Health)
			require.Contains(t, all.Message, "not collected")
		})
	}
}

func TestWithoutClusteringPeersGetNoAnswer(t *testing.T) {
	s := runs(t, fmt.Sprintf("url = \"http://%s\"\napi_token = \"right\"\n", orgOf(t, 1)))
	s.take(t)
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/orgs/"+s.only().plan.Load().org.Host, nil))
	require.Equal(t, http.StatusNotFound, w.Code)
}

// oneRing is a ring of two nodes, of which the other one answers what it does about any org.
type oneRing struct {
	owner string
	other takeover.State
}

func (oneRing) Self() string                                 { return "a" }
func (oneRing) Alone() bool                                  { return false }
func (r oneRing) Owner(string) (string, bool)                { return r.owner, r.owner == "a" }
func (oneRing) Standby(string) (p takeover.Peer, there bool) { return p, false }
func (oneRing) Peers() []takeover.Peer                       { return []takeover.Peer{{Name: "b", URL: "http://b/"}} }
func (r oneRing) RoundTrip(*http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	fmt.Fprintf(w, `{"node":"b","state":%q}`, r.other)
	return w.Result(), nil
}

// That no node reads an org, only this component can notice.
func TestAnOrgThatNoNodeReadsIsUnhealthyAfterAMinute(t *testing.T) {
	for name, c := range map[string]struct {
		ring         oneRing
		says, counts string
		unhealthy    bool
	}{
		"the last one waits for Loki": {oneRing{owner: "a", other: takeover.Draining}, "no node reads it: b waits for what it delivered",
			"polling 0 of 2 orgs, 0 are other nodes', but x: no node reads it", true},
		"another one's": {oneRing{owner: "b"}, "b reads it", "polling 0 of 2 orgs, the others are other nodes'", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := takeover.New(takeover.Config{Ring: c.ring, Dir: t.TempDir(), Logger: log.NewNopLogger(),
					Client: func() *http.Client { return &http.Client{Transport: c.ring} }})
				ctx, cancel := context.WithCancel(t.Context())
				var running sync.WaitGroup
				defer running.Wait()
				defer cancel()
				var members []member
				for _, name := range []string{"x", "y"} {
					k := &collector{c: &Component{of: ofComponent{exchange: x}}, org: &url.URL{Scheme: "https", Host: name}}
					k.plan.Store(&plan{args: Arguments{Options: Options{Clustering: Clustering{Enabled: true}}}})
					k.live = newReading(k, "", log.NewNopLogger())
					running.Go(func() { k.live.seat.run(ctx) })
					members = append(members, member{name: name, collector: k})
				}
				begin := time.Now()
				for range 50 {
					time.Sleep(time.Second)
					require.NotContains(t, members[0].verdict(time.Now()).message, "a reads it", "this node does not, yet")
				}
				require.Contains(t, members[0].verdict(time.Now()).message, c.says)
				health := healthOfAll(members, time.Now())
				require.Equal(t, component.HealthTypeHealthy, health.Health)
				require.Contains(t, health.Message, c.counts)
				time.Sleep(15 * time.Second)
				health = healthOfAll(members, time.Now())
				require.Equal(t, c.unhealthy, health.Health == component.HealthTypeUnhealthy)
				if c.unhealthy {
					begin = begin.Add(unreadAfter)
				}
				require.WithinDuration(t, begin, health.UpdateTime, 5*time.Second)
			})
		})
	}
}
