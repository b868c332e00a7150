package oktasim

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
)

// Pipe is a network of its own in memory: an http.Server that listens on it and everyone who dials through it, whatever address they name.
// It has no sockets, so it works inside a testing/synctest bubble, where an exchange over it takes no simulated time and waiting for one
// lets the clock run.
type Pipe struct {
	URL string // "http://localhost": loopback, so that clients which insist on TLS elsewhere accept it

	incoming chan net.Conn
	closed   chan struct{}
	once     sync.Once
	server   *http.Server
	serving  sync.WaitGroup
}

// Pipe serves the org over a new network. Close it before the bubble ends:
//
//	pipe := org.Pipe()
//	defer pipe.Close()
//	resp, err := pipe.Client().Get(pipe.URL + "/api/v1/logs")
func (o *Org) Pipe() *Pipe { return Serve(o) }

// Serve puts any handler on a network in memory.
func Serve(h http.Handler) *Pipe {
	p := &Pipe{
		URL: "http://localhost", incoming: make(chan net.Conn), closed: make(chan struct{}),
		server: &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)},
	}
	p.serving.Go(func() { _ = p.server.Serve(pipeListener{p}) }) // http.ErrServerClosed, always
	return p
}

// DialContext connects to the server. It fits http.Transport.
func (p *Pipe) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.incoming <- server:
		return client, nil
	case <-p.closed:
		return nil, &net.OpError{Op: "dial", Net: "pipe", Addr: pipeAddr{}, Err: net.ErrClosed}
	case <-ctx.Done():
		return nil, &net.OpError{Op: "dial", Net: "pipe", Addr: pipeAddr{}, Err: ctx.Err()}
	}
}

// Client returns a new client with a transport of its own over this network.
func (p *Pipe) Client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: p.DialContext}}
}

// Close ends the server and its connections, which ends those of clients as well, and waits until it listens no more.
func (p *Pipe) Close() {
	_ = p.server.Close() // closes the listener as well
	p.serving.Wait()
}

type pipeListener struct{ *Pipe }

func (l pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.incoming:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l pipeListener) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "localhost" }
