package testbed

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports that no system gives out by itself, to a connection or to a listener on port 0: those of Linux begin at 32768
// (net.ipv4.ip_local_port_range), of macOS and Windows at 49152.
const firstPort, lastPort = 15000, 32767

// FreeAddr returns a loopback address ("127.0.0.1:21270") with a port that was free a moment ago, for a program that cannot report the
// port it chose. Until that program listens, no connection and no other listener gets the port but another call of FreeAddr, which
// chooses at random: a start that fails because the address is in use is worth one more try with another address.
func FreeAddr() (string, error) {
	for range 100 {
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(firstPort+rand.IntN(lastPort-firstPort+1)))
		if AddrFree(addr) {
			return addr, nil
		}
	}
	return "", errors.New("no free port on 127.0.0.1")
}

// AddrFree tells whether a program could listen on addr now.
func AddrFree(addr string) bool {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return false
	}
	listener.Close()
	return true
}
