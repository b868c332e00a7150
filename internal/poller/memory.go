package poller

import (
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/delivery"
	"github.com/grafana/alloy/okta/internal/oktaapi"
)

// remembered is how many uuids a Memory keeps: the last 32 full pages, about 3 MB.
// A repeat that comes later than that passes; Okta's feed does not repeat by itself,
// so only a re-read after a refused cursor can reach that far.
const remembered = 32 * 1000

// position is where a poller stands in the log.
type position struct {
	cursor    oktaapi.Cursor
	published time.Time        // latest event time delivered; the start time before the first
	scope     checkpoint.Scope // what the cursor is valid for
}

// mark is the position as the journal has it.
func (at position) mark(now time.Time) checkpoint.Mark {
	return checkpoint.Mark{Cursor: string(at.cursor), Published: at.published, Delivered: now}
}

// Memory is what one poller leaves to the next one on the same org in the same process,
// so that a reload neither repeats nor skips. The zero value is ready. All but its
// warnings belongs to the running poller: [Memories] sees to it that there is only one.
type Memory struct {
	at        position
	known     bool                // at was set
	journal   *checkpoint.Journal // of the last poller; that of a renamed component is another file
	replaying time.Time           // events up to this time were delivered before; zero: no replay
	seen      seen
	heads     delivery.Heads
	headless  bool // the checkpoint does not say how far the destination's streams have got

	window    delivery.Window[position]
	confirm   Confirmer   // of the last poller
	confirmID string      // of the last poller
	previous  []*previous // what else to query, while anything delivered before the present configuration waits

	outage outage
	skewed bool // it was logged that the clocks differ

	furthest time.Time        // latest event time announced, see announce
	pending  *checkpoint.Mark // how far the previous process had delivered
	landing  time.Time        // until when what it delivered may still arrive
	began    time.Time        // Okta's clock when the process got its first page
	sent     time.Time        // when the last entry was taken by all receivers
	ahead    time.Time        // time of the furthest probe: Loki may have events up to it already

	mu     sync.Mutex
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
