package delivery

import (
	"time"
)

// The numbers of the contract.
const (
	// firstQuery is how long after its delivery an event is queried first: loki.write collects
	// before it sends (limits.BatchWait), and Loki takes a moment.
	firstQuery = 2 * time.Second
	// overtakenAfter is how long a later event must have been visible. It covers queries
	// that see one part of a push before another.
	overtakenAfter = 10 * time.Second
	// missingAfter is how long an event may be missing before nothing newer is delivered, and
	// the time between two probes.
	missingAfter = 5 * time.Minute
	// retryEvery is the least time between two passes of retries, so that a pipeline that
	// drops events all the time costs a bounded number of requests.
	retryEvery = time.Minute
	// lastRetryAfter is the wait before the last retry: a series of short outages that drops
	// an event twice is over by then.
	lastRetryAfter = 10 * time.Minute
	maxLosses      = 3
	// strandedAfter is a compromise: loki.write's defaults can keep an event for longer, 22
	// batches (a worker takes a full queue of ten as a list of its own while ten more queue up,
	// one is in flight, one filling) of up to 8.5 minutes each (10 tries, 0.5 s doubling to
	// 5 min); but after limits.QueryIngesters a copy could not be seen before its flush.
	// Source: Alloy v1.19.2, internal/component/common/loki/client/shards.go.
	strandedAfter = 2 * time.Hour
	// The bounds of the window. Loki refuses what is limits.OutOfOrder behind the
	// newest of its stream, so a retry must not be further behind than maxSpan.
	maxEvents = 20_000
	maxBytes  = 64 << 20
	maxSpan   = 30 * time.Minute
	// maxHidden bounds what waits for hours because the destination cannot show it, see Trim,
	// or because nothing later came on its route. Up to it such events hold up the saved
	// position, not the log.
	maxHidden = 50_000
	// maxQueried bounds one query.
	maxQueried = 3000
	// skew is how far the destination's clock may be behind ours.
	skew = 5 * time.Second
)

// Rules are what a configuration means for the window.
type Rules struct {
	// ID names the configuration that decides whether delivered events are found.
	ID string
	// Interval is the least time between two queries about the same page.
	Interval time.Duration
	// Visible is the age up to which the destination shows an event at once; 0: any age.
	// An older one is shown when Flush has passed since it arrived.
	Visible, Flush time.Duration
}

// An Event is what to query for.
type Event struct {
	UUID string
	Time time.Time // the entry's timestamp
}

// A Page is what was delivered between two positions of the log.
type Page[P any] struct {
	Start P // fetches the page again
	End   P // where the log goes on behind it

	records []*record[P] // in the order of delivery; those that are done stay until all are
	waiting int          // records that are not done
	each    int          // bytes of an event, about
	next    time.Time    // when to query next
}

// NewPage returns a page of so many events and bytes. It is not part of a window yet.
func NewPage[P any](start, end P, events, bytes int) *Page[P] {
	return &Page[P]{Start: start, End: end, each: bytes / max(events, 1)}
}

// record is one event that was delivered and not confirmed.
type record[P any] struct {
	page      *Page[P]
	uuid      string
	time      time.Time // of the entry
	since     time.Time // first delivery
	at        time.Time // last delivery
	seq       uint64    // of the last delivery; 0: by a previous process
	route     uint64
	rules     string // Rules.ID of the last delivery
	state     state
	overtaken time.Time // since when no copy can still arrive, unless it is under way
	losses    int8      // of what was delivered here
	hidden    bool      // the destination would not have shown it at delivery
}

// state is what is known of a delivered event.
type state uint8

const (
	underWay  state = iota // a copy of it may still arrive
	overtaken              // none can
	assumed                // none will, without evidence: strandedAfter its delivery
	lost                   // it is not at the destination: to be delivered again
	done                   // it is there, given up, or no longer wanted
)

// route is what is known of one way to the destination.
type route struct {
	newest    uint64 // highest seq confirmed
	candidate uint64 // highest seq confirmed at since
	since     time.Time
	mark      uint64 // last seq delivered at since: what is later is not in the candidate's batch
	reach     uint64 // highest seq of a batch that is done with: earlier ones are overtaken
}

// Window is the log of what was delivered and not confirmed. The zero value is empty and
// has no rules. P is the owner's position in its log.
type Window[P any] struct {
	Rules   Rules  // from now on; what is in the window stays when they change
	Trusted string // Rules.ID of the configuration that is known to find what it delivers, "": none

	sample    *record[P]
	sampled   string // Rules.ID under which a sample was delivered again
	pages     []*Page[P]
	index     map[string]*record[P]
	routes    map[uint64]*route
	seq       uint64
	reach     uint64    // highest reach of all routes
	delivered time.Time // last delivery
	retried   time.Time // last pass of retries
	arrival   time.Time // last time that something was found
	anchor    passing
	passed    passing
}

// passing is evidence about a route that outlives its events: what was delivered on it before a time has arrived or is lost.
type passing struct {
	route     uint64
	delivered time.Time
	found     time.Time
}

// Trusts reports whether something was found that was delivered under the present rules.
func (w *Window[P]) Trusts() bool { return w.Trusted == w.Rules.ID }

// Has reports whether an event was delivered and is neither confirmed nor given up.
func (w *Window[P]) Has(uuid string) bool { return w.index[uuid] != nil }

// Empty reports whether nothing waits.
func (w *Window[P]) Empty() bool { return len(w.index) == 0 }

// Deliver notes that an event was delivered now, as part of p; or again, whatever p is.
func (w *Window[P]) Deliver(p *Page[P], e Event, route uint64, now time.Time) {
	r := w.index[e.UUID]
	if r == nil {
		r = w.enter(p, e, now)
	}
	if r == w.sample {
		w.sample, w.sampled = nil, w.Rules.ID
	}
	w.seq++
	w.delivered = now
	r.at, r.seq, r.route, r.rules = now, w.seq, route, w.Rules.ID
	r.state, r.overtaken = underWay, time.Time{}
	r.hidden = !w.Shown(e.Time, now, now)
	r.page.next = now.Add(firstQuery)
}

// Leave notes an event of p that a previous process may have delivered: a copy of it can
// arrive until the time given.
func (w *Window[P]) Leave(p *Page[P], e Event, until, now time.Time) {
	if w.Has(e.UUID) {
		return
	}
	r := w.enter(p, e, now)
	r.at, r.state, r.overtaken = now, overtaken, until
}

func (w *Window[P]) enter(p *Page[P], e Event, now time.Time) *record[P] {
	r := &record[P]{page: p, uuid: e.UUID, time: e.Time, since: now}
	if w.index == nil {
		w.index = make(map[string]*record[P])
	}
	w.index[e.UUID] = r
	p.records = append(p.records, r)
	p.waiting++
	return r
}

// Add puts a page at the end of the log. One of which nothing waits only moves the end of
// the page before it.
func (w *Window[P]) Add(p *Page[P]) {
	if n := len(w.pages); n > 0 && p.waiting == 0 {
		w.pages[n-1].End = p.End
		return
	}
	w.pages = append(w.pages, p)
}

// Commit takes the pages off the front of which nothing waits and returns where the log
// goes on behind the last of them.
func (w *Window[P]) Commit() (end P, moved bool) {
	for len(w.pages) > 0 && w.pages[0].waiting == 0 {
		end, moved = w.pages[0].End, true
		w.pages = w.pages[1:]
	}
	return end, moved
}

// Front returns the start of the oldest page and the earliest event of it that waits.
func (w *Window[P]) Front() (start P, earliest time.Time, ok bool) {
	if len(w.pages) == 0 {
		return start, earliest, false
	}
	for _, r := range w.pages[0].records {
		if r.state != done {
			earliest = first(earliest, r.time)
		}
	}
	return w.pages[0].Start, earliest, true
}

// remove takes an event out.
func (w *Window[P]) remove(r *record[P]) {
	r.state = done
	if r == w.sample {
		w.sample = nil
	}
	delete(w.index, r.uuid)
	if r.page.waiting--; r.page.waiting == 0 {
		r.page.records = nil // the page may have to stay until those before it are done
	}
	if len(w.index) == 0 {
		w.index, w.routes = nil, nil
	}
}

// all calls f for each event that waits, oldest page first.
func (w *Window[P]) all(f func(r *record[P])) {
	for _, p := range w.pages {
		for _, r := range p.records {
			if r.state != done {
				f(r)
			}
		}
	}
}
