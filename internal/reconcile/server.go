package reconcile

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"sync"
	"time"
	"weak"
)

const (
	// atOnce is how many requests one Loki gets at a time from this process. Loki cuts each into up to 32 of its own
	// (max_query_parallelism), so a few keep it busy; as many as pages are in memory at most, so that each page's query goes at once.
	atOnce = 8
	// A Loki that is asked too much gets no request before the time it names, within these bounds; if it names none, for a second, and
	// twice as long each time. A request that was refused in this way for patientFor returns the refusal.
	leastHold  = time.Second
	maxHold    = 5 * time.Minute
	maxDoubled = time.Minute
	patientFor = time.Minute
)

// ServerConfig says which Loki to ask. URL and HTTP are required.
type ServerConfig struct {
	URL       *url.URL      // Loki's base address, as for loki.write but without /loki/api/v1/push
	HTTP      *http.Client  // with whatever authentication Loki wants
	TenantID  string        // X-Scope-OrgID; "": not sent
	Timeout   time.Duration // of one request; 0: 30s
	UserAgent string
}

// Server is one Loki, or one tenant of it, for all callers: it bounds their requests, and joins them. It is safe for concurrent use.
type Server struct {
	cfg     ServerConfig
	slots   chan struct{}
	limit   *bound // entries a query
	longest *bound // range of a query for entries, a time.Duration
	search  *bound // range of a query for the newest one, a time.Duration
	joined  *bound // selectors in one query

	mu     sync.Mutex
	queues map[string]*queue
	until  time.Time     // nothing is sent before
	hold   time.Duration // of the last refusal; 0: a request was answered since
}

// NewServer returns a Server. It uses no network.
func NewServer(cfg ServerConfig) *Server {
	if cfg.Timeout == 0 {
		cfg.Timeout = 30 * time.Second
	}
	return &Server{
		cfg: cfg, slots: make(chan struct{}, atOnce), queues: make(map[string]*queue),
		limit: newBound(firstLimit, leastLimit), longest: newBound(int64(maxRange), int64(leastRange)),
		search: newBound(int64(longestSearch), int64(leastSearch)), joined: newBound(mostJoined, 1),
	}
}

// Servers has the Servers of a process. The zero value is ready; it is safe for concurrent use.
type Servers struct {
	mu  sync.Mutex
	all []known
}

type known struct {
	key    any
	server weak.Pointer[Server]
}

// For returns the Server of an equal key while somebody has it, else a new one. Keys must differ for callers that may not share a Server:
// by address, tenant and credentials.
func (s *Servers) For(key any, create func() (*Server, error)) (*Server, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = slices.DeleteFunc(s.all, func(k known) bool { return k.server.Value() == nil })
	for _, k := range s.all {
		if server := k.server.Value(); server != nil && reflect.DeepEqual(k.key, key) {
			return server, nil
		}
	}
	server, err := create()
	if err != nil {
		return nil, err
	}
	s.all = append(s.all, known{key, weak.Make(server)})
	return server, nil
}

// enter waits until a request may be sent. It returns an error only when ctx ends; otherwise leave must follow.
func (s *Server) enter(ctx context.Context) error {
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		s.mu.Lock()
		wait := time.Until(s.until)
		s.mu.Unlock()
		if wait <= 0 {
			return nil
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			s.leave()
			return ctx.Err()
		}
	}
}

func (s *Server) leave() { <-s.slots }

// refused notes that Loki was too busy for a request that was sent at sent, and wants none for the time after; 0: it did not say for how
// long. Of several requests that were under way together, one counts.
func (s *Server) refused(sent time.Time, after time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if sent.Before(s.until) {
		return
	}
	s.hold = min(max(2*s.hold, leastHold), maxDoubled)
	if after > 0 {
		s.hold = min(max(after, leastHold), maxHold)
	}
	s.until = now.Add(s.hold)
}

func (s *Server) answered() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hold = 0
}

// wereJoined notes that a search for so many selectors had an answer. Where only one is searched at a time by now, that counts, too.
func (s *Server) wereJoined(selectors int) {
	if selectors > 1 || s.joined.get() == 1 {
		s.joined.fine()
	}
}

// post sends a request about r. It waits for its turn, and as long as Loki asks for.
func (s *Server) post(ctx context.Context, path string, r interval, form url.Values) ([]byte, error) {
	begin := time.Now()
	for {
		if err := s.enter(ctx); err != nil {
			return nil, &failure{text: "querying Loki: " + err.Error(), causes: []error{err}}
		}
		sent := time.Now()
		body, after, err := s.send(ctx, path, r, form)
		s.leave()
		if !errors.Is(err, errBusy) {
			s.answered()
			return body, err
		}
		s.refused(sent, after)
		if time.Since(begin) >= patientFor {
			return nil, err
		}
	}
}
