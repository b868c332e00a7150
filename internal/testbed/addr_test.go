package testbed

import (
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNoPortIsGivenOutTwice(t *testing.T) {
	const each, all = 10, 20
	var mu sync.Mutex
	given := map[string]bool{}
	var asking sync.WaitGroup
	for range all {
		asking.Go(func() {
			for range each {
				addr, err := FreeAddr()
				mu.Lock()
				if err == nil {
					given[addr] = true
				}
				mu.Unlock()
			}
		})
	}
	asking.Wait()
	require.Len(t, given, each*all)
	for addr := range given {
		listener, err := net.Listen("tcp", addr)
		require.NoError(t, err)
		listener.Close()
		_, err = net.ListenPacket("udp", addr)
		require.Error(t, err, "another process would take it")
	}
}
