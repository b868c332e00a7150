package distribution

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/grafana/ckit/advertise"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/grafana/alloy/internal/service/cluster"
	"github.com/grafana/alloy/internal/service/cluster/discovery"
)

// newCluster builds the cluster service from the flags, as upstream's internal/alloycli/cluster_builder.go does. Components ask for the
// service with clustering off too, so it always exists. Peers talk over the HTTP server, hence its listen address names the default port of
// every other address.
func newCluster(f *clusterFlags, listenAddr string, l *slog.Logger, reg prometheus.Registerer,
	tp trace.TracerProvider) (*cluster.Service, error) {
	nodeName := f.nodeName
	if nodeName == "" {
		hostname, err := os.Hostname()
		if err != nil {
			return nil, fmt.Errorf("generating node name: %w", err)
		}
		nodeName = hostname
	}

	port := portOf(listenAddr)
	advertised, err := f.advertised(port, l)
	if err != nil {
		return nil, err
	}

	peers, err := discovery.NewPeerDiscoveryFn(discovery.Options{
		JoinPeers:     splitPeers(f.joinAddresses),
		DiscoverPeers: f.discoverPeers,
		DefaultPort:   port,
		Logger:        l,
		Tracer:        tp,
	})
	if err != nil {
		return nil, err
	}

	return cluster.New(cluster.Options{
		Log:     l,
		Metrics: reg,
		Tracer:  tp,

		EnableClustering:       f.enabled,
		NodeName:               nodeName,
		AdvertiseAddress:       advertised,
		RejoinInterval:         f.rejoinInterval,
		ClusterMaxJoinPeers:    f.maxJoinPeers,
		ClusterName:            f.name,
		MinimumClusterSize:     f.waitForSize,
		MinimumSizeWaitTimeout: f.waitTimeout,
		DiscoverPeers:          peers,

		EnableTLS:     f.enableTLS,
		TLSCAPath:     f.tlsCAPath,
		TLSCertPath:   f.tlsCertPath,
		TLSKeyPath:    f.tlsKeyPath,
		TLSServerName: f.tlsServerName,
	})
}

// advertised returns the host:port that other nodes reach this one at: the flag, else the first address of the interfaces, else loopback.
func (f *clusterFlags) advertised(port int, l *slog.Logger) (string, error) {
	if f.advertiseAddress != "" {
		if _, _, err := net.SplitHostPort(f.advertiseAddress); err == nil {
			return f.advertiseAddress, nil
		}
		return joinPort(f.advertiseAddress, port), nil
	}
	if !f.enabled {
		return joinPort("127.0.0.1", port), nil
	}

	interfaces := f.advertiseInterfaces
	if len(interfaces) == 1 && interfaces[0] == "all" {
		interfaces = nil // ckit's word for any
	}
	addr, err := advertise.FirstAddress(interfaces)
	if err != nil {
		l.Warn("could not find an address to advertise, falling back to loopback", "interfaces", strings.Join(f.advertiseInterfaces, ","),
			"err", err)
		return joinPort("127.0.0.1", port), nil
	}
	if !addr.Is4() && !addr.Is6() {
		return "", fmt.Errorf("advertising address %q: neither IPv4 nor IPv6", addr)
	}
	return joinPort(addr.String(), port), nil
}

// portOf returns the numeric port of addr, 80 if it has none.
func portOf(addr string) int {
	if _, port, err := net.SplitHostPort(addr); err == nil {
		if n, err := strconv.Atoi(port); err == nil {
			return n
		}
	}
	return 80
}

func joinPort(host string, port int) string {
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// splitPeers returns a list without elements for "", where strings.Split returns one that is empty.
func splitPeers(s string) []string {
	if s == "" {
		return []string{}
	}
	return strings.Split(s, ",")
}
