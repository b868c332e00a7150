package distribution

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheAdvertisedAddressHasTheListenPort(t *testing.T) {
	for name, tc := range map[string]struct {
		flags clusterFlags
		want  string
	}{
		"a host":                 {clusterFlags{enabled: true, advertiseAddress: "node-1"}, "node-1:12345"},
		"a host with a port":     {clusterFlags{enabled: true, advertiseAddress: "node-1:80"}, "node-1:80"},
		"an IPv6 address":        {clusterFlags{enabled: true, advertiseAddress: "::1"}, "[::1]:12345"},
		"clustering is off":      {clusterFlags{advertiseInterfaces: []string{"all"}}, "127.0.0.1:12345"},
		"no such interface":      {clusterFlags{enabled: true, advertiseInterfaces: []string{"nosuch0"}}, "127.0.0.1:12345"},
		"an address without one": {clusterFlags{enabled: true, advertiseInterfaces: []string{"lo"}}, "127.0.0.1:12345"},
	} {
		got, err := tc.flags.advertised(12345, slog.New(slog.DiscardHandler))
		require.NoError(t, err, name)
		require.Equal(t, tc.want, got, name)
	}
}

func TestTheListenPortIs80WithoutOne(t *testing.T) {
	for addr, want := range map[string]int{
		"127.0.0.1:12345": 12345,
		"[::]:9000":       9000,
		"host":            80,
		"host:http":       80,
		"":                80,
	} {
		require.Equal(t, want, portOf(addr), addr)
	}
}

func TestNoPeersIsAnEmptyList(t *testing.T) {
	require.Equal(t, []string{}, splitPeers(""))
	require.Equal(t, []string{"a:1", "b"}, splitPeers("a:1,b"))
}
