// option: clustering

package okta

import (
	"fmt"
	"net/http"
	"time"

	promconfig "github.com/prometheus/common/config"
	"go.uber.org/atomic"

	"github.com/grafana/ckit/peer"
	"github.com/grafana/ckit/shard"

	"github.com/grafana/alloy/internal/component/common/config"
	"github.com/grafana/alloy/internal/service/cluster"
	httpservice "github.com/grafana/alloy/internal/service/http"

	"github.com/grafana/alloy/okta/internal/takeover"
)

const (
	// acquiringAfter is how long a node may wait for another one to stop reading an org before health is unhealthy, and unreadAfter how
	// long no node may read it: that a node was killed is noticed after 25 to 40 s.
	acquiringAfter = 15 * time.Minute
	unreadAfter    = time.Minute
)

// Clustering spreads orgs over the nodes of an Alloy cluster, which ask each other for an org's checkpoint.
type Clustering struct {
	Enabled bool `alloy:"enabled,attr"`
	// How the other nodes' HTTP servers are reached: with tls_config, over https.
	BasicAuth *config.BasicAuth `alloy:"basic_auth,block,optional"`
	TLSConfig *config.TLSConfig `alloy:"tls_config,block,optional"`
}

func (c *Clustering) httpClient() (*http.Client, error) {
	cfg := promconfig.HTTPClientConfig{BasicAuth: c.BasicAuth.Convert()}
	if c.TLSConfig != nil {
		cfg.TLSConfig = *c.TLSConfig.Convert()
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return promconfig.NewClientFromConfig(cfg, "loki.source.okta clustering")
}

// clustered is the option: an org is read by one node of several.
type clustered struct{ idle }

var (
	_ cluster.Component     = (*Component)(nil)
	_ httpservice.Component = (*Component)(nil)
)

func (clustered) build(c *Component) error {
	nodes, err := service[cluster.Cluster](c.opts, cluster.ServiceName)
	if err != nil {
		return fmt.Errorf("cluster service: %w", err)
	}
	served, err := service[httpservice.Data](c.opts, httpservice.ServiceName)
	if err != nil {
		return fmt.Errorf("http service: %w", err)
	}
	c.of.nodes = &ring{c: c, cluster: nodes, path: served.HTTPPathForComponent(c.opts.ID)}
	c.of.exchange = takeover.New(takeover.Config{Ring: c.of.nodes, Dir: c.opts.DataPath, Logger: c.logger, Client: c.of.peers.Load,
		Writes: c.writes.Load, Announced: c.announced})
	return nil
}

func (clustered) update(c *Component, args *Arguments, _ []wanted) (do func(), err error) {
	peers, err := args.Options.Clustering.httpClient()
	if err != nil {
		return nil, fmt.Errorf("clustering: %w", err)
	}
	return func() {
		orgs := map[string]bool{}
		for _, m := range collected(c.current()) {
			orgs[m.org.String()] = true
		}
		c.of.peers.Store(peers)
		c.of.exchange.Keep(orgs)
		c.of.exchange.Changed() // clustering may have been switched
	}, nil
}

// ring implements [takeover.Ring] with Alloy's cluster service. Without that service, this node owns every org.
type ring struct {
	c       *Component
	cluster cluster.Cluster           // nil: unit tests
	path    string                    // of the component, on each node
	unowned atomic.Pointer[time.Time] // since when orgs have no owner; nil: they have one
}

// Alone implements takeover.Ring.
func (r *ring) Alone() bool { return r.cluster == nil || !r.c.arguments().Options.Clustering.Enabled }

// Self implements takeover.Ring.
func (r *ring) Self() string {
	for _, p := range r.cluster.Peers() {
		if p.Self {
			return p.Name
		}
	}
	return ""
}

// Owner implements takeover.Ring. Before the cluster is ready, and before this node takes part in it, there is none.
func (r *ring) Owner(org string) (string, bool) {
	if r.Alone() {
		return "", true
	}
	owners := r.owners(org, 1)
	if len(owners) == 0 {
		now := time.Now()
		r.unowned.CompareAndSwap(nil, &now)
		return "", false
	}
	r.unowned.Store(nil)
	return owners[0].Name, owners[0].Self
}

// noOwner says why orgs have no owner, and since when.
func (r *ring) noOwner() (why string, since time.Time) {
	since = time.Now()
	if at := r.unowned.Load(); at != nil {
		since = *at
	}
	if r.cluster == nil || r.cluster.Ready() {
		return "this node is not part of the cluster yet", since
	}
	nodes := 0
	for _, p := range r.cluster.Peers() {
		if p.State == peer.StateParticipant {
			nodes++
		}
	}
	return fmt.Sprintf("the cluster has fewer nodes than --cluster.wait-for-size, and this one sees %d of them, itself included", nodes), since
}

// Standby implements takeover.Ring.
func (r *ring) Standby(org string) (takeover.Peer, bool) {
	if r.Alone() {
		return takeover.Peer{}, false
	}
	for _, p := range r.owners(org, 2) {
		if !p.Self {
			return r.peer(p), true
		}
	}
	return takeover.Peer{}, false
}

func (r *ring) owners(org string, n int) []peer.Peer {
	if !r.cluster.Ready() {
		return nil
	}
	owners, err := r.cluster.Lookup(shard.StringKey(r.c.opts.ID+"/"+org), n, shard.OpReadWrite)
	if err != nil {
		return nil
	}
	return owners
}

// Peers implements takeover.Ring.
func (r *ring) Peers() (peers []takeover.Peer) {
	if r.Alone() {
		return nil
	}
	for _, p := range r.cluster.Peers() {
		if !p.Self && p.State == peer.StateParticipant {
			peers = append(peers, r.peer(p))
		}
	}
	return peers
}

func (r *ring) peer(p peer.Peer) takeover.Peer {
	scheme := "http://"
	if r.c.arguments().Options.Clustering.TLSConfig != nil {
		scheme = "https://"
	}
	return takeover.Peer{Name: p.Name, URL: scheme + p.Addr + r.path}
}

// NotifyClusterChange implements cluster.Component.
func (c *Component) NotifyClusterChange() { c.of.exchange.Changed() }

// Handler implements the HTTP service's Component: what the other nodes ask.
func (c *Component) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !c.arguments().Options.Clustering.Enabled {
			http.Error(w, "clustering is not enabled", http.StatusNotFound)
			return
		}
		c.of.exchange.ServeHTTP(w, r)
	})
}

// secret is known to the nodes that may read the org, and to nobody else.
func (k *collector) secret() []byte {
	p := k.plan.Load()
	if p == nil {
		return nil
	}
	if credential, ok := p.auth.(interface{ Secret() []byte }); ok {
		return credential.Secret()
	}
	return nil
}

// announced wakes an org's poller for events that were announced to another node.
func (c *Component) announced(org string, uuids []string) {
	c.wake(org, uuids) // option: event_hook
}
