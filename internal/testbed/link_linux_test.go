package testbed

import (
	"io"
	"net"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// A port may have connections to several servers; each has a socket of its own.
func TestASocketIsFoundByBothOfItsEnds(t *testing.T) {
	reuse := func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1) })
	}
	local := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}
	for range 3 {
		server, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer server.Close()
		conn, err := (&net.Dialer{LocalAddr: local, Control: reuse}).Dial("tcp", server.Addr().String())
		require.NoError(t, err)
		defer conn.Close()
		local.Port = conn.LocalAddr().(*net.TCPAddr).Port

		var socket syscall.Stat_t
		raw, err := conn.(*net.TCPConn).SyscallConn()
		require.NoError(t, err)
		require.NoError(t, raw.Control(func(fd uintptr) { err = syscall.Fstat(int(fd), &socket) }))
		require.NoError(t, err)
		require.Equal(t, strconv.FormatUint(socket.Ino, 10), socketOf(conn.LocalAddr(), conn.RemoteAddr()))
	}
}

// Once a node is cut off, nothing gets through, also over connections that were made meanwhile.
func TestNothingGetsThroughAfterACut(t *testing.T) {
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer echo.Close()
	go func() {
		for {
			conn, err := echo.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(conn, conn); conn.Close() }()
		}
	}()
	for range 50 {
		n := &Node{Addr: echo.Addr().String()}
		l, err := newLink(n)
		require.NoError(t, err)
		conns := make(chan net.Conn, 20)
		for range cap(conns) {
			go func() {
				conn, err := net.Dial("tcp", l.Addr())
				if err != nil {
					conn = nil
				}
				conns <- conn
			}()
		}
		first := <-conns
		l.cut(n, true)
		for i := range cap(conns) {
			conn := first
			if i > 0 {
				conn = <-conns
			}
			require.NotNil(t, conn)
			_, _ = conn.Write([]byte("x"))
			_ = conn.(*net.TCPConn).CloseWrite()
			got, _ := io.ReadAll(conn)
			require.Empty(t, got)
			conn.Close()
		}
		l.close()
	}
}
