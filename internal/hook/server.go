package hook

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	kitlog "github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"go.uber.org/atomic"
)

const (
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	// writeTimeout counts from the end of the header: reading, a receiver that takes its time, and an answer of a few bytes.
	writeTimeout = 20 * time.Second
	idleTimeout  = time.Minute
	maxHeader    = 16 << 10
	// lastRequests is how long requests under way may take when a listener is closed.
	lastRequests = 2 * time.Second
	// firstRetry and lastRetry bound the wait before another try to listen. A listener that held for longer than lastRetry begins anew.
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
	// warnedEvery is how often the same refusal is logged, and warnings how many different ones are in that time.
	warnedEvery = time.Minute
	warnings    = 8
)

// Server is an event hook listener. Its methods are safe for concurrent use, but Run is called once at a time.
type Server struct {
	logger   kitlog.Logger
	metrics  *Metrics
	config   atomic.Pointer[Config]
	changed  chan struct{} // holds a token when config was replaced
	cert     certificate
	stopping atomic.Bool
	listen   func(ctx context.Context, addr string) (net.Listener, error) // net.Listen, but in tests

	mu     sync.Mutex
	addr   net.Addr  // where it listens; nil: it does not
	err    error     // why it does not
	since  time.Time // since when
	warned time.Time // of refusals, first after a minute without
	about  []string  // what was warned of since
}

// New returns a server that serves nothing yet. With nil metrics it counts for nobody.
func New(logger kitlog.Logger, metrics *Metrics) *Server {
	if metrics == nil {
		metrics = NewMetrics()
	}
	s := &Server{logger: logger, metrics: metrics, changed: make(chan struct{}, 1), cert: certificate{logger: logger}}
	s.listen = func(ctx context.Context, addr string) (net.Listener, error) {
		return (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	}
	s.config.Store(&Config{})
	return s
}

// Configure replaces the configuration, which was validated. It does not wait for anything: requests see new routes at once, and Run
// moves to a new address.
func (s *Server) Configure(c Config) {
	s.config.Store(&c)
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Addr is where the server listens; nil when it does not.
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addr
}

// Err tells why the server does not listen although it should, and since when. It is nil otherwise.
func (s *Server) Err() (since time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.since, s.err
}

// Run serves until ctx ends, and returns its error. It may be called again afterwards.
func (s *Server) Run(ctx context.Context) error {
	var draining sync.WaitGroup
	defer draining.Wait()
	s.stopping.Store(false)
	for fails := 0; ctx.Err() == nil; {
		select { // what was configured before this point is in config
		case <-s.changed:
		default:
		}
		cfg := s.config.Load()
		if cfg.Addr == "" {
			s.note(nil, nil)
			s.pause(ctx, -1)
			continue
		}
		began := time.Now()
		err := s.listening(ctx, cfg, &draining)
		if err == nil || time.Since(began) > lastRetry {
			fails = 0
		}
		if err == nil || ctx.Err() != nil {
			continue
		}
		if s.note(nil, err) {
			level.Warn(s.logger).Log("msg", "event hook listener does not work, retrying", "addr", cfg.Addr, "err", err)
		}
		s.pause(ctx, min(firstRetry<<min(fails, 5), lastRetry))
		fails++
	}
	s.note(nil, nil)
	return ctx.Err()
}

// listening lasts until ctx ends or a configuration needs another listener. Its error is why there is no listener, or none any more.
func (s *Server) listening(ctx context.Context, cfg *Config, draining *sync.WaitGroup) error {
	bound, err := s.bind(ctx, cfg)
	if err != nil {
		return err
	}
	s.note(bound.listener.Addr(), nil)
	level.Info(s.logger).Log("msg", "listening for event hooks", "addr", bound.listener.Addr(), "tls", cfg.TLS != nil)
	err = s.hold(ctx, cfg, bound)
	if ctx.Err() != nil {
		s.stopping.Store(true)
	}
	s.note(nil, nil)
	_ = bound.listener.Close() // at once, so that the next one can have the address
	draining.Go(bound.drain)
	return err
}

// hold returns when ctx ends, when a configuration needs another listener, or with the error that broke this one.
func (s *Server) hold(ctx context.Context, cfg *Config, bound *bound) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-bound.done:
			return fmt.Errorf("listening: %w", bound.err)
		case <-s.changed:
		}
		next := s.config.Load()
		if next.Addr != cfg.Addr || next.ConnLimit != cfg.ConnLimit || (next.TLS == nil) != (cfg.TLS == nil) {
			return nil
		}
		if next.TLS != nil {
			if err := s.cert.set(*next.TLS); err != nil {
				level.Warn(s.logger).Log("msg", "event hook certificate not reloaded, the previous one stays in use", "err", err)
			}
		}
		cfg = next
	}
}

// pause waits for d, for ever if it is negative, or for another configuration or the end of ctx.
func (s *Server) pause(ctx context.Context, d time.Duration) {
	var passed <-chan time.Time
	if d >= 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		passed = t.C
	}
	select {
	case <-passed:
	case <-ctx.Done():
	case <-s.changed:
	}
}

// note says where the server listens or why it does not, and whether that is news.
func (s *Server) note(addr net.Addr, err error) (news bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	news = err != nil && s.err == nil
	if news {
		s.since = time.Now()
	}
	s.addr, s.err = addr, err
	return news
}

// warn logs a refusal, once a minute for what it is about and a few in all: after a rotation it is what one looks for, and attempts to
// guess secrets must not fill the log.
func (s *Server) warn(about, msg string, fields ...any) {
	s.mu.Lock()
	if now := time.Now(); now.Sub(s.warned) >= warnedEvery {
		s.warned, s.about = now, nil
	}
	news := len(s.about) < warnings && !slices.Contains(s.about, msg+about)
	if news {
		s.about = append(s.about, msg+about)
	}
	s.mu.Unlock()
	if news {
		level.Warn(s.logger).Log(append([]any{"msg", msg}, fields...)...)
	}
}

// bound is a listener at work.
type bound struct {
	listener *crowd
	server   *http.Server
	done     chan struct{} // closed when it no longer accepts
	err      error         // why, once done is closed
}

func (s *Server) bind(ctx context.Context, cfg *Config) (*bound, error) {
	if cfg.TLS != nil {
		if err := s.cert.set(*cfg.TLS); err != nil {
			return nil, err
		}
	}
	listener, err := s.listen(ctx, cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	b := &bound{listener: newCrowd(listener, cmp.Or(cfg.ConnLimit, DefaultConnLimit)), done: make(chan struct{})}
	b.server = &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ConnContext:       withConn,
		ErrorLog:          log.New(io.Discard, "", 0), // handshakes of scanners of ports
		Protocols:         new(http.Protocols),
	}
	b.server.Protocols.SetHTTP1(true)
	var accept net.Listener = b.listener
	if cfg.TLS != nil {
		accept = tls.NewListener(accept, &tls.Config{
			GetCertificate: s.cert.get, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		})
	}
	go func() {
		defer close(b.done)
		b.err = b.server.Serve(accept) // ends with the listener
	}()
	return b, nil
}

// drain lets requests under way finish, for a moment, and ends all connections. http.Server.Shutdown would cut those whose header is
// still being read, without an answer, and Okta repeats only what was answered or timed out.
func (b *bound) drain() {
	b.server.SetKeepAlivesEnabled(false)
	t := time.NewTimer(lastRequests)
	defer t.Stop()
	select {
	case <-b.listener.drained():
	case <-t.C:
	}
	_ = b.server.Close()
	<-b.done
}
