package testbed

import (
	"fmt"
	"net"
)

// FreeAddr returns a loopback address ("127.0.0.1:43127") with a port that was free a moment ago. Programs that cannot report
// the port they chose need one beforehand; between this call and theirs another program may take it, so a start that fails
// because the address is in use is worth one more try with another address.
func FreeAddr() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("looking for a free port: %w", err)
	}
	defer listener.Close()
	return listener.Addr().String(), nil
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
