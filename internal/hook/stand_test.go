package hook

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/testbed"
)

const (
	secret = "correct horse battery"
	body   = `{"eventType":"com.okta.event_hook","eventId":"e1","data":{"events":[{"uuid":"u1"},{"uuid":"u2"}]}}`
)

func digest(t testing.TB, text string) Secret {
	t.Helper()
	d, err := ParseSecret(text)
	require.NoError(t, err)
	return d
}

// stand is a server and what it gave to its route.
type stand struct {
	*Server
	cfg     Config
	log     *testbed.Log
	metrics *prometheus.Registry
	pipe    *network

	mu      sync.Mutex
	notices []Notice
	err     error // what Receive returns
}

func newStand(t testing.TB) *stand {
	t.Helper()
	st := &stand{log: &testbed.Log{}, metrics: prometheus.NewRegistry(), pipe: newNetwork()}
	metrics := NewMetrics()
	st.metrics.MustRegister(metrics)
	st.Server = New(log.NewLogfmtLogger(st.log), metrics)
	st.Server.listen = st.pipe.listen
	st.cfg = Config{Addr: "here:1", Routes: map[string]Route{
		"/okta/acme": {Name: "acme", Secrets: []Secret{digest(t, secret)}, Receive: st.receive},
	}}
	require.NoError(t, st.cfg.Validate())
	st.Configure(st.cfg)
	return st
}

func (st *stand) receive(_ context.Context, n Notice) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.err != nil {
		return st.err
	}
	st.notices = append(st.notices, n)
	return nil
}

func (st *stand) received() []Notice {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.notices
}

// run runs the server in a bubble until the returned func is called.
func (st *stand) run(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = st.Run(ctx) }()
	synctest.Wait()
	return func() { cancel(); <-done }
}

// post sends a hook over a connection of its own.
func (st *stand) post(t *testing.T) int {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DialContext: st.pipe.dial, DisableKeepAlives: true}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://here/okta/acme", bytes.NewReader([]byte(body)))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", secret)
	resp, err := client.Do(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode
}

// network is addresses in memory: it works in a bubble, where an exchange takes no time.
type network struct {
	mu    sync.Mutex
	ports map[string]*port
	taken map[string]error // what listening there fails with
	tries int
}

func newNetwork() *network { return &network{ports: map[string]*port{}, taken: map[string]error{}} }

func (n *network) tried() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.tries
}

func (n *network) listen(_ context.Context, addr string) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tries++
	if err := n.taken[addr]; err != nil {
		return nil, err
	}
	if n.ports[addr] != nil {
		return nil, errTaken
	}
	p := &port{network: n, addr: addr, incoming: make(chan net.Conn), closed: make(chan struct{})}
	n.ports[addr] = p
	return p, nil
}

// dial connects to the one port that is open.
func (n *network) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	n.mu.Lock()
	var p *port
	for _, p = range n.ports {
	}
	n.mu.Unlock()
	if p == nil {
		return nil, net.ErrClosed
	}
	client, server := net.Pipe()
	select {
	case p.incoming <- server:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (n *network) open() (addrs []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for addr := range n.ports {
		addrs = append(addrs, addr)
	}
	return addrs
}

type port struct {
	network  *network
	addr     string
	incoming chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

func (p *port) Accept() (net.Conn, error) {
	select {
	case c := <-p.incoming:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *port) Close() error {
	p.once.Do(func() {
		p.network.mu.Lock()
		delete(p.network.ports, p.addr)
		p.network.mu.Unlock()
		close(p.closed)
	})
	return nil
}

func (p *port) Addr() net.Addr  { return p }
func (p *port) Network() string { return "memory" }
func (p *port) String() string  { return p.addr }

var errTaken = &net.OpError{Op: "listen", Net: "memory", Err: net.UnknownNetworkError("address already in use")}
