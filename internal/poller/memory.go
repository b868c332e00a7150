package poller

import (
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/grafana/alloy/okta/internal/checkpoint"
)

// remembered is how many uuids a Memory keeps: the last 32 full pages, about 3 MB.
// A repeat that comes later than that passes; Okta's feed does not repeat by itself,
// so only a re-read after a refused cursor can reach that far.
const remembered = 32 * 1000

// Memory is what one poller leaves to the next one on the same org in the same process,
// so that a reload neither repeats nor skips. The zero value is ready. It is safe for
// concurrent use, though pollers that share one must not run at the same time.
type Memory struct {
	mu    sync.Mutex
	scope checkpoint.Scope
	pos   position
	known bool
	seen  seen

	ledger  ledger
	began   time.Time        // the server's clock when the process got its first page
	pending *checkpoint.Mark // how far the process before this one had handed over
	landing time.Time        // until when what it sent may still arrive
	earlier []Confirmer      // with the selectors under which it, or those before it, sent that

	warned map[string]bool
}

// warnOnce logs a warning the first time in this process that kind of thing happens.
func (m *Memory) warnOnce(logger log.Logger, kind, msg string, keyvals ...any) {
	m.mu.Lock()
	first := !m.warned[kind]
	if m.warned == nil {
		m.warned = make(map[string]bool)
	}
	m.warned[kind] = true
	m.mu.Unlock()
	if first {
		level.Warn(logger).Log(append([]any{"msg", msg}, keyvals...)...)
	}
}

// left returns the position that was left, and whether it is of the same scope, and
// of the same org, as the scope given.
func (m *Memory) left(scope checkpoint.Scope) (at position, sameScope, sameOrg bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.pos, m.known && m.scope == scope, m.known && m.scope.Org == scope.Org
}

func (m *Memory) put(scope checkpoint.Scope, pos position) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.scope.Org != scope.Org {
		m.seen, m.ledger, m.pending, m.began, m.earlier = seen{}, ledger{}, nil, time.Time{}, nil
	}
	m.scope, m.pos, m.known = scope, pos, true
}

// seen is a set of the last uuids. It belongs to the running poller's goroutine.
type seen struct {
	index map[string]struct{}
	ring  []string
	next  int
}

// has reports whether uuid is in the set. An event without uuid is never in it.
func (s *seen) has(uuid string) bool {
	_, ok := s.index[uuid]
	return ok
}

// add puts uuid in and drops the oldest when full.
func (s *seen) add(uuid string) {
	if uuid == "" || s.has(uuid) {
		return
	}
	if s.index == nil {
		s.index = make(map[string]struct{})
	}
	if len(s.ring) < remembered {
		s.ring = append(s.ring, uuid)
	} else {
		delete(s.index, s.ring[s.next])
		s.ring[s.next] = uuid
		s.next = (s.next + 1) % remembered
	}
	s.index[uuid] = struct{}{}
}
