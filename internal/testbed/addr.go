package testbed

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// Ports that no system gives out by itself, to a connection or to a listener on port 0: those of Linux begin at 32768
// (net.ipv4.ip_local_port_range), of macOS and Windows at 49152.
const firstPort, lastPort = 15000, 32767

// taken holds the UDP ports beside the TCP ports that FreeAddr gave out, for as long as this process lives.
var taken struct {
	sync.Mutex
	ports []net.PacketConn
}

// FreeAddr returns a loopback address ("127.0.0.1:21270") that nobody listens on, for a program that cannot report the port it chose. It
// does not return the same port again, nor does it in another process while this one lives: who has the UDP port of that number has the
// TCP port. It is safe for concurrent use.
func FreeAddr() (string, error) {
	for range 1000 {
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(firstPort+rand.IntN(lastPort-firstPort+1)))
		hold, err := net.ListenPacket("udp", addr)
		if err != nil {
			continue
		}
		if !AddrFree(addr) {
			hold.Close()
			continue
		}
		taken.Lock()
		taken.ports = append(taken.ports, hold)
		taken.Unlock()
		return addr, nil
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
