package poller

import (
	"cmp"
	"slices"
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
// so that a reload neither repeats nor skips. The zero value is ready. It belongs to the running poller: [Memories] sees to it that there
// is only one.
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

	pages pages // how many events to ask for

	sent   time.Time // when the last entry was taken by all receivers
	last   string    // uuid of the last event of the log that was delivered, or known
	probes []string  // uuids of probes, which may be behind it

	told limits.Told

	warned map[string]bool // see warnOnce
}

func (m *Memory) known() bool { return m.at != position{} }

// Forget makes the next poller with this Memory start from its checkpoint, as a new process does: another node has read on meanwhile.
func (m *Memory) Forget() {
	m.Taken = nil
	m.at, m.journal, m.past = position{}, nil, past{}
	m.recent, m.heads = recent{}, delivery.Heads{}
	m.window, m.confirm = delivery.Window[position]{}, nil
	m.sent, m.last, m.probes = time.Time{}, "", nil
}

// warnOnce logs a warning the first time in this process that kind of thing happens.
func (m *Memory) warnOnce(logger log.Logger, kind, msg string, keyvals ...any) {
	if m.warned[kind] {
		return
	}
	if m.warned == nil {
		m.warned = make(map[string]bool)
	}
	m.warned[kind] = true
	log.With(level.Warn(logger), "msg", msg).Log(keyvals...)
}

// past is what somebody may have delivered before: a previous process, another node, another collector, the poller before a reload, or a
// probe of this one.
type past struct {
	// Loki is asked about events up to this time: Okta's clock at the first page of the process, or after a suspension, or the time of a
	// probe since. Zero: before that page.
	until     time.Time
	replaying time.Time        // events up to this time were delivered before; zero: no replay
	pending   *checkpoint.Mark // how far the previous process had delivered
	landing   time.Time        // until when what it delivered may still arrive
	previous  []*previous      // where else to look, while anything delivered before the present configuration waits
	headless  bool             // nobody says how far the destination's streams have got
	unproven  *unproven        // option: reconcile. The position came from the destination and was not held against the log yet
}

// previous finds what was delivered before the present configuration, by this process or
// one before it.
type previous struct {
	confirm  Confirmer
	required bool      // it is the present Loki with another selector: never forgotten
	failing  time.Time // since when it does not answer
}

// read notes that all of it that Okta has was read.
func (p *past) read() { p.replaying, p.pending = time.Time{}, nil }

// mayHave reports whether the previous process may have delivered an event of a time.
func (p *past) mayHave(t time.Time) bool { return p.pending != nil && !t.After(p.pending.Published) }

// mayLand reports whether one of events that was not found was delivered by the previous process.
func (p *past) mayLand(events []delivery.Event, found map[string]bool) bool {
	return slices.ContainsFunc(events, func(e delivery.Event) bool { return !found[e.UUID] && p.mayHave(e.Time) })
}

// inherit takes over from a previous process how far it had delivered.
func (p *Poller) inherit() {
	m := p.Memory
	m.heads.SetFloor(p.journal.Newest)
	// There is no checkpoint, or one that was written by hand or by an older version. A range has streams of its own.
	m.past.headless = !p.ends() && p.journal.Newest.IsZero()
	pending := p.journal.Delivery.Pending
	if pending == nil {
		return
	}
	m.heads.SetFloor(pending.Published)
	m.past.pending, m.past.landing = pending, time.Now().Add(cmp.Or(p.LastPush, limits.LastPush))
	p.ledger.searchUnder(p.journal.Delivery.Selectors)
}
