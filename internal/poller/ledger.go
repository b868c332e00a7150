package poller

import (
	"slices"
	"time"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/reconcile"
)

// The numbers of DESIGN 5.3.
const (
	// settle is how long after hand-over an event is asked for: loki.write collects for
	// a second before it sends.
	settle = 2 * time.Second
	// overtaken is how long a later event must have been seen at the destination before
	// an earlier one that is not there counts as lost. It covers queries that see one
	// stream of a push before another.
	overtaken = 10 * time.Second
	// grace is when an event counts as lost without a later one to compare with. It is
	// above the 8.5 minutes in which loki.write retries.
	grace = 10 * time.Minute
	// blindGrace is the same for events so old that Loki may not show them before it
	// flushes their chunk: max_chunk_age (2h) and chunk_idle_period (30m) with a margin.
	blindGrace = 4 * time.Hour
	// skew is how far the destination's clock may be behind.
	skew = 5 * time.Second
	// lastPush is how long a push of a process that was killed may still be on its way,
	// in a proxy or in Loki: loki.write gives one ten seconds (remote_timeout).
	lastPush = 10 * time.Second
	// maxAttempts is how often an event is handed over, and overtaken, before it may count
	// as refused, and patience for how long, not counting the time in which nothing arrives:
	// a series of outages can drop an event more often, but not for an hour.
	maxAttempts = 3
	patience    = time.Hour
	// hurry is the patience with events that hold up the feed.
	hurry = 10 * time.Minute
	// maxRest bounds the waits between further hand-overs, which double from a minute.
	maxRest = 16 * time.Minute
	// The bounds of what may be unconfirmed.
	maxUnconfirmedEvents = 20_000
	maxUnconfirmedBytes  = 64 << 20
	// maxAsked bounds one question.
	maxAsked = 3000
)

// ledger is what was handed over and is not known to have arrived. It lives in the
// Memory, for entries outlive a reload, and belongs to the running poller.
type ledger struct {
	pages []*handed // oldest first
	seq   uint64    // of the last hand-over

	trusted string // ConfirmID under which an event that was handed over under it was found

	newest      uint64 // highest seq confirmed
	candidate   uint64 // highest seq confirmed by candidateAt
	candidateAt time.Time
	reach       uint64 // highest seq confirmed for at least `overtaken`: earlier ones were overtaken

	arrival time.Time // when something was found last
	next    time.Time // when to ask again
	futile  int       // questions in a row that found nothing
	askOld  time.Time // when to ask Confirmers of earlier configurations again
	fails   int       // failed questions in a row
	blindly time.Time // when the stretch was last exceeded to find out whether anything arrives
}

// handed is one page that was handed over.
type handed struct {
	cursor  oktaapi.Cursor // of the page itself, to fetch it again
	scope   checkpoint.Scope
	after   position // where the journal may go once the page is confirmed
	waiting map[string]*handover
	events  int
	bytes   int
}

// handover is one event on its way.
type handover struct {
	time     time.Time // of the entry
	since    time.Time // when it was handed over first
	at       time.Time // when it was handed over last
	seq      uint64
	attempts int       // hand-overs, but those of which nothing was seen to arrive; 0: by an earlier process
	doubted  time.Time // when it was first known to have been overtaken; zero: not yet
	confirm  Confirmer // that asks where it was sent
	id       string    // its ConfirmID
	unknown  bool      // whether it arrived could not be asked
}

// add opens a page.
func (l *ledger) add(h *handed) {
	l.pages = append(l.pages, h)
	if len(h.waiting) > 0 {
		l.futile = 0
	}
}

// full reports whether nothing more may be handed over.
func (l *ledger) full() bool {
	events, bytes := l.waiting()
	return events >= maxUnconfirmedEvents || bytes >= maxUnconfirmedBytes
}

// sent returns a new handover under a configuration.
func (l *ledger) sent(entryTime, now time.Time, confirm Confirmer, id string) *handover {
	l.seq++
	return &handover{time: entryTime, since: now, at: now, seq: l.seq, attempts: 1, confirm: confirm, id: id}
}

// due returns what to ask for at once, events that had time to arrive, and their pages:
// the newest page, without which a long stretch that is lost would hide that later
// events arrive, and then the oldest.
func (l *ledger) due(now time.Time) (events []reconcile.Event, of []*handed) {
	add := func(h *handed) (some bool) {
		for uuid, e := range h.waiting {
			if now.Sub(e.at) >= settle {
				events, some = append(events, reconcile.Event{UUID: uuid, Time: e.time}), true
			}
		}
		if some {
			of = append(of, h)
		}
		return some
	}
	newest := len(l.pages) - 1
	for newest >= 0 && !add(l.pages[newest]) {
		newest--
	}
	for i := 0; i < newest && len(events) < maxAsked; i++ {
		add(l.pages[i])
	}
	return events, of
}

// dueAt is when the next question makes sense; zero when nothing is on its way.
func (l *ledger) dueAt() time.Time {
	var first time.Time
	for _, h := range l.pages {
		for _, e := range h.waiting {
			if t := e.at.Add(settle); first.IsZero() || t.Before(first) {
				first = t
			}
		}
		if !first.IsZero() {
			break // later pages were handed over later
		}
	}
	if first.IsZero() {
		return first
	}
	return latest(first, l.next)
}

// arrived takes the found events out of a page and returns how many there were. One
// that was handed over under id makes that configuration trusted.
func (l *ledger) arrived(h *handed, found map[string]bool, id string) (n int) {
	for uuid, e := range h.waiting {
		if !found[uuid] {
			continue
		}
		delete(h.waiting, uuid)
		n++
		if e.attempts > 0 {
			l.newest = max(l.newest, e.seq)
			if e.id == id {
				l.trusted = id
			}
		}
	}
	h.shrink()
	return n
}

// shrink frees the memory of a page that may have to stay until those before it are
// done: a map keeps its size when its members go.
func (h *handed) shrink() {
	if len(h.waiting) == 0 {
		h.waiting = nil
	}
}

// advance lets events count as overtaken by what has been known long enough. It is
// called before a question, so that an event is overtaken only by what was there well
// before it.
func (l *ledger) advance(now time.Time) {
	if !l.candidateAt.IsZero() && now.Sub(l.candidateAt) >= overtaken {
		l.reach, l.candidateAt = l.candidate, time.Time{}
	}
	if l.candidateAt.IsZero() && l.newest > l.reach {
		l.candidate, l.candidateAt = l.newest, now
	}
}

// finished takes the pages off the front of which everything arrived, and returns the
// last of them.
func (l *ledger) finished() *handed {
	var last *handed
	for len(l.pages) > 0 && len(l.pages[0].waiting) == 0 {
		last = l.pages[0]
		l.pages = l.pages[1:]
	}
	return last
}

// lost returns the uuids of a page that a question put at now did not find and that can
// no longer arrive: a later one did, or they had all the time in which loki.write
// retries. Of events that Loki may hide, only the latter is believed.
func (l *ledger) lost(h *handed, now time.Time) []string {
	var uuids []string
	for uuid, e := range h.waiting {
		if e.unknown {
			continue
		}
		age := now.Sub(e.at)
		blind := hidden(e.confirm, e.time, now)
		if blind && age >= blindGrace || !blind && age >= e.rest() && (age >= grace || e.seq < l.reach) {
			uuids = append(uuids, uuid)
		}
	}
	slices.Sort(uuids)
	return uuids
}

// rest is how long an event is left alone after it was handed over.
func (e *handover) rest() time.Duration {
	if e.attempts < maxAttempts {
		return settle
	}
	return min(time.Minute<<min(e.attempts-maxAttempts, 10), maxRest)
}

// refused returns the uuids of a page that are let go: they were handed over often
// enough, for long enough, while later ones arrived. If none do, the pipeline is broken
// and not the event. There is less patience with the page that holds up all that follow.
func (l *ledger) refused(h *handed, now time.Time) []string {
	var uuids []string
	wait := patience
	if len(l.pages) > 0 && h == l.pages[0] && l.full() {
		wait = hurry
	}
	for uuid, e := range h.waiting {
		age := settle
		if hidden(e.confirm, e.time, now) {
			age = blindGrace
		}
		if !e.unknown && now.Sub(e.at) >= age && e.attempts >= maxAttempts && e.seq < l.reach &&
			now.Sub(e.doubted) >= wait {
			uuids = append(uuids, uuid)
		}
	}
	slices.Sort(uuids)
	return uuids
}

// missed notes that an event did not arrive. If nothing that was handed over after it
// did either, that is not this event's fault and does not count.
func (l *ledger) missed(e *handover, now time.Time) {
	overtaken := e.seq < l.reach
	if e.attempts == 0 || overtaken {
		e.attempts++
	}
	switch {
	case overtaken && e.doubted.IsZero():
		e.doubted = now
	case !overtaken && !e.doubted.IsZero(): // patience stands still while nothing arrives
		e.doubted = e.doubted.Add(now.Sub(e.at))
	}
}

// oldest is when the oldest waiting event was handed over, and the oldest of those that
// say something about the pipeline: the destination would show them, and nothing has
// overtaken them yet. Zero when there is none.
func (l *ledger) oldest(now time.Time) (any, telling time.Time) {
	for _, h := range l.pages {
		for _, e := range h.waiting {
			if any.IsZero() || e.since.Before(any) {
				any = e.since
			}
			if (telling.IsZero() || e.since.Before(telling)) && e.doubted.IsZero() && !hidden(e.confirm, e.time, now) {
				telling = e.since
			}
		}
	}
	return any, telling
}

// waiting is how many events wait for confirmation, and about how many bytes they are.
func (l *ledger) waiting() (events, bytes int) {
	for _, h := range l.pages {
		if n := len(h.waiting); n > 0 {
			events += n
			bytes += h.bytes / max(h.events, 1) * n
		}
	}
	return events, bytes
}
