package poller

import (
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/delivery"
	"github.com/grafana/alloy/okta/internal/limits"
	"github.com/grafana/alloy/okta/internal/oktaapi"
)

// position is where a poller stands in the log.
type position struct {
	cursor    oktaapi.Cursor
	published time.Time        // latest event time delivered; the start time before the first
	scope     checkpoint.Scope // what the cursor is valid for
}

// Memory is what one poller leaves to the next one on the same org in the same process,
// so that a reload neither repeats nor skips. The zero value is ready. All but its
// warnings belongs to the running poller: [Memories] sees to it that there is only one.
type Memory struct {
	// Taken is what the Sink knows of an entry that only some of its receivers took. It is the Sink's alone.
	Taken any

	at      position
	journal *checkpoint.Journal // of the last poller; that of a renamed component is another file
	recent  recent
	heads   delivery.Heads
	past    past

	window  delivery.Window[position]
	confirm Confirmer // of the last poller

	pages pages         // how many events to ask for
	skew  time.Duration // how far our clock is ahead of Okta's

	sent   time.Time // when the last entry was taken by all receivers
	last   string    // uuid of the last event of the log that was delivered, or known
	probes []string  // uuids of probes, which may be behind it

	told limits.Told

	mu     sync.Mutex
	warned map[string]bool
}

// known reports whether the position is known.
func (m *Memory) known() bool { return m.at != position{} }

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
		log.With(level.Warn(logger), "msg", msg).Log(keyvals...)
	}
}
