// option: reconcile, backfill

package takeover_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/grafana/loki/pkg/push"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktaapi/auth"
	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/pipesim"
	"github.com/grafana/alloy/okta/internal/poller"
	"github.com/grafana/alloy/okta/internal/reconcile"
	"github.com/grafana/alloy/okta/internal/takeover"
)

// TestMain keeps checkpoints in memory, as their syncing is not what is simulated.
func TestMain(m *testing.M) {
	if dir, err := os.MkdirTemp("/dev/shm", ""); err == nil && os.Getenv("TMPDIR") == "" {
		_ = os.Remove(dir)
		_ = os.Setenv("TMPDIR", "/dev/shm")
	}
	os.Exit(m.Run())
}

// cluster is a model of several nodes, their network and their ring, on one Loki and several orgs. The delays of its ring are those
// that were measured with three real nodes.
type cluster struct {
	t     *testing.T
	rnd   *rand.Rand
	orgs  []*simOrg
	loki  *pipesim.Loki
	disks bool // nodes keep their folders over a restart
	log   log.Logger

	mu     sync.Mutex
	nodes  map[string]*node // that were started, by name
	cut    map[[2]string]bool
	secret string // that nodes start with
	polls  []poll
}

// poll is a request of a node to an org.
type poll struct {
	node, org string
	at        time.Time
}

// polledBy is when the first node but that one polls an org after a time.
func (c *cluster) polledBy(but, org string, after time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.polls {
		if p.org == org && p.node != but && p.at.After(after) {
			return p.at
		}
	}
	return time.Time{}
}

type simOrg struct {
	url  string
	org  *oktasim.Org
	pipe *oktasim.Pipe
	log  []string // uuids
	at   []time.Time
	part *poller.Range // a range that is read beside it; nil: none
}

// part is the name of the range.
const part = "backfill-range"

// node is one process.
type node struct {
	c      *cluster
	name   string
	dir    string
	x      *takeover.Exchange
	write  *pipesim.Write
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu     sync.Mutex
	secret string // the orgs' credential
	dead   bool
	thaw   chan struct{}   // not nil: it hangs until that is closed
	sees   map[string]bool // the other participants
	reads  map[string]bool // orgs that are read now
}

var (
	errDown  = errors.New("connection refused")
	entryPad = push.LabelsAdapter{{Name: "padding", Value: strings.Repeat("x", 2400)}}
)

func (c *cluster) between(from, to time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return from + time.Duration(c.rnd.Int64N(int64(to-from)))
}

// start starts a node, which takes part in the ring a little later.
func (c *cluster) start(name string) {
	c.mu.Lock()
	before := c.nodes[name]
	dir := ""
	if before != nil && c.disks {
		dir = before.dir
	}
	c.mu.Unlock()
	if dir == "" {
		dir = c.t.TempDir()
	}
	n := &node{c: c, name: name, secret: c.secret, dir: dir, sees: map[string]bool{}, reads: map[string]bool{}}
	n.write = pipesim.NewWrite(n, pipesim.Defaults())
	_ = c.log.Log("node", name, "msg", "started")
	n.x = takeover.New(takeover.Config{
		Ring: n, Dir: dir, Logger: log.With(c.log, "node", name), Client: func() *http.Client { return &http.Client{Transport: n} },
	})
	ctx, cancel := context.WithCancel(context.Background())
	n.cancel = cancel
	c.mu.Lock()
	c.nodes[name] = n
	c.mu.Unlock()
	for _, o := range c.orgs {
		r := &reader{n: n, o: o, memory: &poller.Memory{}, seat: n.x.Seat(o.url, n.credential)}
		n.done.Go(func() { r.seat.Run(ctx, r) })
		if o.part != nil {
			r := &reader{n: n, o: o, memory: &poller.Memory{}, seat: n.x.Part(o.url, part, n.credential), part: o.part}
			n.done.Go(func() { r.seat.Run(ctx, r) })
		}
	}
	c.meet(n, 400*time.Millisecond, 1400*time.Millisecond)
}

// reload gives a node another credential.
func (n *node) reload(secret string) {
	n.mu.Lock()
	n.secret = secret
	n.mu.Unlock()
	n.x.Changed()
}

func (n *node) credential() []byte { n.mu.Lock(); defer n.mu.Unlock(); return []byte(n.secret) }

// meet has a node and those that it reaches see each other after a while.
func (c *cluster) meet(n *node, from, to time.Duration) {
	for _, other := range c.all() {
		if other == n {
			continue
		}
		after := c.between(from, to)
		time.AfterFunc(after, func() {
			if n.reaches(other.name) && n.up() && other.up() {
				n.see(other.name, true)
				other.see(n.name, true)
			}
		})
	}
}

// lose has the others, and the node them, no longer see each other after a while.
func (c *cluster) lose(n *node, from, to time.Duration, lost func(other *node) bool) {
	for _, other := range c.all() {
		if other == n {
			continue
		}
		for _, pair := range [2][2]*node{{n, other}, {other, n}} {
			time.AfterFunc(c.between(from, to), func() {
				if lost(other) {
					pair[0].see(pair[1].name, false)
				}
			})
		}
	}
}

func (c *cluster) all() (all []*node) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range slices.Sorted(mapKeys(c.nodes)) {
		all = append(all, c.nodes[name])
	}
	return all
}

func mapKeys(m map[string]*node) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// alive are the nodes that run.
func (c *cluster) alive() (names []string) {
	for _, n := range c.all() {
		if n.up() {
			names = append(names, n.name)
		}
	}
	return names
}

// kill is kill -9.
func (c *cluster) kill(name string) {
	_ = c.log.Log("node", name, "msg", "killed")
	n := c.nodes[name]
	n.mu.Lock()
	n.dead = true
	n.mu.Unlock()
	n.write.Kill()
	n.resume()
	n.cancel()
	n.done.Wait()
	c.lose(n, 25*time.Second, 35*time.Second, func(*node) bool { return c.current(n) && !n.up() })
}

// terminate is SIGTERM.
func (c *cluster) terminate(name string) {
	_ = c.log.Log("node", name, "msg", "terminated")
	n := c.nodes[name]
	c.lose(n, 200*time.Millisecond, 700*time.Millisecond, func(*node) bool { return c.current(n) })
	n.cancel()
	n.done.Wait()
	n.write.Stop()
	n.mu.Lock()
	n.dead = true
	n.mu.Unlock()
}

// current reports whether a node is the newest process of its name.
func (c *cluster) current(n *node) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nodes[n.name] == n
}

// hang is SIGSTOP for a while, and SIGCONT.
func (c *cluster) hang(name string, d time.Duration) {
	_ = c.log.Log("node", name, "msg", "hangs", "for", d)
	n := c.nodes[name]
	thaw := make(chan struct{})
	n.mu.Lock()
	n.thaw = thaw
	n.mu.Unlock()
	for _, other := range c.all() { // its own ring does not change
		time.AfterFunc(c.between(31*time.Second, 35*time.Second), func() {
			if n.hangs() && other != n {
				other.see(n.name, false)
			}
		})
	}
	time.Sleep(d)
	n.resume()
	c.meet(n, 100*time.Millisecond, 12*time.Second)
}

// split cuts a node off for a while.
func (c *cluster) split(name string, d time.Duration) {
	_ = c.log.Log("node", name, "msg", "is cut off", "for", d)
	n := c.nodes[name]
	c.mu.Lock()
	for other := range c.nodes {
		c.cut[[2]string{name, other}], c.cut[[2]string{other, name}] = true, true
	}
	c.mu.Unlock()
	c.lose(n, 25*time.Second, 35*time.Second, func(other *node) bool { return !n.reaches(other.name) })
	time.Sleep(d)
	c.mu.Lock()
	clear(c.cut)
	c.mu.Unlock()
	c.meet(n, 100*time.Millisecond, 12*time.Second)
}

func (n *node) up() bool { n.mu.Lock(); defer n.mu.Unlock(); return !n.dead }

func (n *node) hangs() bool { n.mu.Lock(); defer n.mu.Unlock(); return n.thaw != nil }

func (n *node) reaches(other string) bool {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	return !n.c.cut[[2]string{n.name, other}]
}

// resume ends a hang.
func (n *node) resume() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.thaw != nil {
		close(n.thaw)
		n.thaw = nil
	}
}

// pass is where a process that hangs does not get on: at all of its exchanges with the world, and where it looks at the clock.
func (n *node) pass() {
	n.mu.Lock()
	thaw := n.thaw
	n.mu.Unlock()
	if thaw != nil {
		<-thaw
	}
}

func (n *node) now() time.Time {
	n.pass()
	return time.Now()
}

func (n *node) see(other string, there bool) {
	n.mu.Lock()
	n.sees[other] = there
	n.mu.Unlock()
	n.x.Changed()
}

// ring are the nodes for an org, the owner first.
func (n *node) ring(org string) []string {
	n.mu.Lock()
	all := []string{n.name}
	for other, there := range n.sees {
		if there {
			all = append(all, other)
		}
	}
	n.mu.Unlock()
	weight := func(name string) uint64 {
		h := fnv.New64a()
		fmt.Fprintf(h, "%s/%s/%s", name, org, name)
		return h.Sum64() * 0x9e3779b97f4a7c15
	}
	slices.SortFunc(all, func(a, b string) int {
		if weight(a) > weight(b) {
			return -1
		}
		return 1
	})
	return all
}

// Self implements takeover.Ring.
func (n *node) Self() string { return n.name }

// Alone implements takeover.Ring.
func (n *node) Alone() bool { return false }

// Owner implements takeover.Ring.
func (n *node) Owner(org string) (string, bool) {
	owner := n.ring(org)[0]
	return owner, owner == n.name
}

// Standby implements takeover.Ring.
func (n *node) Standby(org string) (takeover.Peer, bool) {
	for _, name := range n.ring(org) {
		if name != n.name {
			return peer(name), true
		}
	}
	return takeover.Peer{}, false
}

// Peers implements takeover.Ring.
func (n *node) Peers() (peers []takeover.Peer) {
	for _, name := range n.ring("") {
		if name != n.name {
			peers = append(peers, peer(name))
		}
	}
	return peers
}

func peer(name string) takeover.Peer { return takeover.Peer{Name: name, URL: "http://" + name + "/"} }

// RoundTrip is the network between nodes.
func (n *node) RoundTrip(req *http.Request) (*http.Response, error) {
	n.pass()
	n.c.mu.Lock()
	other := n.c.nodes[req.URL.Host]
	n.c.mu.Unlock()
	time.Sleep(time.Millisecond)
	switch {
	case req.Context().Err() != nil:
		return nil, req.Context().Err()
	case other == nil || !n.up() || !other.up():
		return nil, errDown
	case !n.reaches(other.name):
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	answered := make(chan *http.Response, 1)
	go func() {
		other.pass()
		w := httptest.NewRecorder()
		other.x.ServeHTTP(w, req)
		answered <- w.Result()
	}()
	select {
	case resp := <-answered:
		n.pass()
		return resp, nil
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
}

// Push implements pipesim.Endpoint: a node's way to Loki.
func (n *node) Push(ctx context.Context, batch []*pipesim.Entry) int {
	n.pass()
	if ctx.Err() != nil {
		return 0
	}
	status := n.c.loki.Push(ctx, batch)
	n.pass()
	return status
}

// Send implements poller.Sink.
func (n *node) Send(ctx context.Context, e event.Entry) error {
	n.pass()
	return n.write.Send(ctx, e)
}

// view is a node's way to query Loki.
type view struct {
	*pipesim.View
	n *node
}

func (v view) Find(ctx context.Context, events []reconcile.Event) (map[string]bool, error) {
	v.n.pass()
	found, err := v.View.Find(ctx, events)
	v.n.pass()
	return found, err
}

// okta is a node's way to an org.
type okta struct {
	http.RoundTripper
	n *node
}

func (o okta) RoundTrip(req *http.Request) (*http.Response, error) {
	o.n.pass()
	o.n.c.mu.Lock()
	o.n.c.polls = append(o.n.c.polls, poll{o.n.name, "http://" + req.URL.Host, time.Now()})
	o.n.c.mu.Unlock()
	resp, err := o.RoundTripper.RoundTrip(req)
	o.n.pass()
	return resp, err
}

// reader implements takeover.Reader with a real poller.
type reader struct {
	n      *node
	o      *simOrg
	seat   *takeover.Seat
	memory *poller.Memory
	poller *poller.Poller
	part   *poller.Range // nil: the log
}

func (r *reader) Read(ctx context.Context, start takeover.Start) {
	if start.Others {
		r.memory.Forget()
	}
	org, _, err := oktaapi.ParseOrg(r.o.url)
	require.NoError(r.n.c.t, err)
	ssws, err := auth.NewSSWS("00token")
	require.NoError(r.n.c.t, err)
	loki, err := r.n.c.loki.View(fmt.Sprintf(`{org=%q}`, org.Host))
	require.NoError(r.n.c.t, err)
	client := r.o.pipe.Client()
	client.Transport = okta{client.Transport, r.n}
	scope := checkpoint.Scope{Org: org.String(), PageSize: oktaapi.MaxPageSize}
	source := oktaapi.Config{Org: org, Auth: ssws, HTTP: client, Share: 1, PageSize: oktaapi.MaxPageSize}
	dir, labels := r.n.dir, model.LabelSet{"org": model.LabelValue(org.Host)}
	if r.part != nil {
		source.Until, dir, labels["backfill"] = r.part.Until, filepath.Join(dir, part), "range"
	}
	r.poller = poller.New(poller.Config{
		Source: oktaapi.New(source), Range: r.part,
		Sink: r.n,
		Format: func(e event.Event, _ time.Time) event.Entry {
			return event.Entry{Labels: labels, LabelsKey: labels.Fingerprint(),
				Entry: push.Entry{Timestamp: e.Published, Line: strings.Clone(e.UUID), StructuredMetadata: entryPad}}
		},
		Open: func() (*checkpoint.Journal, error) {
			j, _, err := checkpoint.Open(dir, scope, 0, start.Copies...)
			if j != nil {
				j.Saved = r.seat.Saved
			}
			return j, err
		},
		Scope: scope, PollInterval: 10 * time.Second, InitialLookback: time.Hour, OutOfOrder: 50 * time.Minute,
		Confirming: poller.Confirming{Confirm: view{loki, r.n}, ConfirmID: "one"}, LastPush: start.LastPush,
		Owned: r.seat.Owned, Clock: r.n.now,
		Memory:    r.memory,
		Reporting: poller.Reporting{Status: &poller.Status{}, Logger: log.With(r.n.c.log, "node", r.n.name, "org", r.o.url)},
	})
	if r.part == nil {
		r.n.reading(r.o.url, true)
		defer r.n.reading(r.o.url, false)
	}
	if err := r.poller.Run(ctx); err == nil { // a range that is done
		<-ctx.Done()
	}
	client.CloseIdleConnections()
}

// Drain does as the component's.
func (r *reader) Drain(ctx context.Context) {
	if r.poller.Drain(ctx); ctx.Err() == nil {
		r.memory.Forget()
	}
}

func (r *reader) UnderWay() bool { return r.poller != nil && r.poller.UnderWay() }

func (n *node) reading(org string, now bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.reads[org] = now
}
