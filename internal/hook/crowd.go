package hook

import (
	"container/list"
	"context"
	"net"
	"sync"
)

// crowd limits a listener's connections. At the limit it is not the newest one that has to wait, as with netutil.LimitListener, for
// that may be Okta's: the oldest one that is not serving an authenticated request is closed.
type crowd struct {
	net.Listener
	limit int

	mu    sync.Mutex
	idle  *list.List    // of *conn, oldest first: those that may be closed
	count int           // all that are open
	empty chan struct{} // closed when count falls to 0; nil: nobody waits for that
}

func newCrowd(l net.Listener, limit int) *crowd {
	return &crowd{Listener: l, limit: limit, idle: list.New()}
}

// drained is closed when no connection is open. Call it once, when the listener is closed.
func (c *crowd) drained() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	empty := make(chan struct{})
	if c.count == 0 {
		close(empty)
	} else {
		c.empty = empty
	}
	return empty
}

// Accept implements net.Listener.
func (c *crowd) Accept() (net.Conn, error) {
	for {
		raw, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		own := &conn{Conn: raw, crowd: c}
		if evicted := c.enter(own); evicted != nil {
			_ = evicted.Close()
			if evicted == own {
				continue
			}
		}
		return own, nil
	}
}

// enter admits a connection and returns the one that has to go: all others may be busy.
func (c *crowd) enter(own *conn) (evicted *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count++
	own.place = c.idle.PushBack(own)
	if c.count > c.limit {
		return c.idle.Front().Value.(*conn)
	}
	return nil
}

// conn is a connection that may be closed to make place, except while it is busy.
type conn struct {
	net.Conn
	crowd *crowd
	place *list.Element // in crowd.idle; nil: busy or closed
	left  bool
}

// busy protects the connection until it is called with false.
func (c *conn) busy(on bool) {
	c.crowd.mu.Lock()
	defer c.crowd.mu.Unlock()
	switch {
	case on && c.place != nil:
		c.crowd.idle.Remove(c.place)
		c.place = nil
	case !on && !c.left && c.place == nil:
		c.place = c.crowd.idle.PushBack(c)
	}
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.crowd.mu.Lock()
	if !c.left {
		c.left = true
		c.crowd.count--
		if c.crowd.count == 0 && c.crowd.empty != nil {
			close(c.crowd.empty)
			c.crowd.empty = nil
		}
	}
	if c.place != nil {
		c.crowd.idle.Remove(c.place)
		c.place = nil
	}
	c.crowd.mu.Unlock()
	return c.Conn.Close()
}

type connKey struct{}

// withConn fits http.Server.ConnContext.
func withConn(ctx context.Context, c net.Conn) context.Context {
	if over, ok := c.(interface{ NetConn() net.Conn }); ok { // TLS
		c = over.NetConn()
	}
	return context.WithValue(ctx, connKey{}, c)
}

// authenticated protects the connection of a request until the returned func is called.
func authenticated(ctx context.Context) func() {
	c, ok := ctx.Value(connKey{}).(*conn)
	if !ok { // in a test without a listener
		return func() {}
	}
	c.busy(true)
	return func() { c.busy(false) }
}
