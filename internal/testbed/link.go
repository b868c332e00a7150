package testbed

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
)

// Link is a TCP proxy through which the other nodes of a Cluster reach one. It tells by the connection's socket which node is at its
// other end (Linux), so that it can cut off one of them.
type Link struct {
	node     *Node
	listener net.Listener

	mu    sync.Mutex
	off   map[*Node]bool        // nodes that get through no longer; the link's own: none does
	conns map[net.Conn]net.Conn // from the client, to the node; nil: it was refused
}

func newLink(n *Node) (*Link, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("link to %s: %w", n.Name, err)
	}
	l := &Link{node: n, listener: listener, off: map[*Node]bool{}, conns: map[net.Conn]net.Conn{}}
	go l.accept()
	return l, nil
}

// Addr is where the other nodes reach the node.
func (l *Link) Addr() string { return l.listener.Addr().String() }

func (l *Link) accept() {
	for {
		client, err := l.listener.Accept()
		if err != nil {
			return // closed
		}
		go l.serve(client)
	}
}

func (l *Link) serve(client net.Conn) {
	defer func() {
		client.Close()
		l.mu.Lock()
		delete(l.conns, client)
		l.mu.Unlock()
	}()
	to, err := net.Dial("tcp", l.node.Addr)
	if err != nil {
		return
	}
	defer to.Close()
	l.note(client, to) // before it may be refused, so that a cut meanwhile either finds it or is seen here
	if l.refuses(client) {
		to.Close()
		l.note(client, nil)
		_, _ = io.Copy(io.Discard, client) // as a network does that drops packets: no answer, until the client gives up
		return
	}
	go func() { _, _ = io.Copy(client, to); client.Close() }()
	_, _ = io.Copy(to, client)
}

// note keeps a connection, which serve closes.
func (l *Link) note(client, to net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[client] = to
}

// refuses reports whether a connection is from a node that is cut off.
func (l *Link) refuses(client net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.off) == 0 {
		return false
	}
	if l.off[l.node] {
		return true
	}
	inode := socketOf(client.RemoteAddr(), client.LocalAddr())
	for n := range l.off {
		if n.Process != nil && inode != "" && has(n.PID(), inode) {
			return true
		}
	}
	return false
}

// cut has a node no longer get through, or again.
func (l *Link) cut(n *Node, off bool) {
	l.mu.Lock()
	if off {
		l.off[n] = true
	} else {
		delete(l.off, n)
	}
	open := make(map[net.Conn]net.Conn, len(l.conns))
	for client, to := range l.conns {
		open[client] = to
	}
	l.mu.Unlock()
	for client, to := range open {
		switch {
		case to == nil && !off: // packets come through again; a connection that lost some would hang for long
			client.Close()
		case to != nil && off && l.refuses(client):
			client.Close()
			to.Close()
		}
	}
}

func (l *Link) close() { l.listener.Close() }

// socketOf is the inode of the socket at one end of a connection over loopback; "" when there is none. Both ends are looked at: a client's
// port may have connections to others, or have had.
func socketOf(local, remote net.Addr) string {
	from, to := inTable(local), inTable(remote)
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		data, err := os.ReadFile(table)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			if fields := strings.Fields(line); len(fields) > 9 && strings.HasSuffix(fields[1], from) && strings.HasSuffix(fields[2], to) {
				return fields[9]
			}
		}
	}
	return ""
}

// inTable is how an address of loopback ends in the kernel's tables.
func inTable(addr net.Addr) string { return fmt.Sprintf("0100007F:%04X", addr.(*net.TCPAddr).Port) }
