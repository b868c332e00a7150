// option: event_hook

package poller

import (
	"sync"
	"time"

	"github.com/grafana/alloy/okta/internal/delivery"
	"github.com/grafana/alloy/okta/internal/event"
)

const (
	// wakeEvery is the shortest time between two polls that event hooks cause. The budget binds as always.
	wakeEvery = time.Second
	// awaited bounds how many announced events are looked for at once. An org that announces more is polled each second anyway.
	awaited = 4096
	// longest bounds an announced uuid, in bytes: Okta's have 36.
	longest = 128
)

// looks are the times after an announcement at which the event is polled for until it is found: the log may show an event later than
// the hook that announces it arrives.
var looks = []time.Duration{0, 2 * time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second}

// Wakes are the events that event hooks announced, for one poller, whose pause they end. They outlive reloads. Announce is for any
// goroutine; the rest belongs to the running poller.
type Wakes struct {
	signal chan struct{} // holds a token when something was announced

	mu    sync.Mutex
	fresh []announcement // not looked at yet

	open map[string]*announcement // by uuid, not found yet
}

// announcement is one event to look for.
type announcement struct {
	uuid  string
	at    time.Time     // of the hook
	tries int           // polls since
	until time.Duration // how long to look for it
}

// NewWakes returns wakes without announcements.
func NewWakes() *Wakes {
	return &Wakes{signal: make(chan struct{}, 1), open: map[string]*announcement{}}
}

// Announce tells of events that the log has or is about to show, to be looked for during settle. It never waits. A hook may be forged,
// repeated, or about events that the poller's filter leaves out: it costs some polls, within the budget, and nothing else.
func (w *Wakes) Announce(uuids []string, settle time.Duration) {
	now := time.Now()
	w.mu.Lock()
	for _, uuid := range uuids {
		if uuid != "" && len(uuid) <= longest && len(w.fresh) < awaited {
			w.fresh = append(w.fresh, announcement{uuid: uuid, at: now, until: settle})
		}
	}
	w.mu.Unlock()
	select {
	case w.signal <- struct{}{}:
	default:
	}
}

// signals is ready when something was announced. Without hooks it is nil, which is never ready.
func (w *Wakes) signals() <-chan struct{} {
	if w == nil {
		return nil
	}
	return w.signal
}

// take looks at what was announced since. What was delivered before needs no poll, and its delay counts as none.
func (p *Poller) take() {
	w := p.Wakes
	w.mu.Lock()
	fresh := w.fresh
	w.fresh = nil
	w.mu.Unlock()
	for _, a := range fresh {
		switch {
		case p.Memory.recent.has(a.uuid) || p.Memory.window.Has(a.uuid):
			p.Metrics.hookSeen.Inc()
			p.Metrics.hookDelay.Observe(0)
		case w.open[a.uuid] == nil && len(w.open) < awaited:
			w.open[a.uuid] = &a
		}
	}
}

// looked notes that a page was delivered. Announced events that were on it are found; those that were looked for long enough are given up.
func (p *Poller) looked(events []event.Event) {
	if p.Wakes == nil {
		return
	}
	p.take()
	now := time.Now()
	open := p.Wakes.open
	if len(open) == 0 {
		return
	}
	for _, ev := range events {
		if a := open[ev.UUID]; a != nil {
			p.Metrics.hookSeen.Inc()
			p.Metrics.hookDelay.Observe(now.Sub(a.at).Seconds())
			delete(open, ev.UUID)
		}
	}
	for uuid, a := range open {
		age := now.Sub(a.at)
		for a.tries < len(looks) && looks[a.tries] <= age {
			a.tries++
		}
		if age >= a.until {
			p.Metrics.hookUnseen.Inc()
			delete(open, uuid)
		}
	}
}

// before is when to poll: at end, or earlier for an event that was announced. A failure keeps its own pace.
func (p *Poller) before(end time.Time) time.Time {
	if p.Wakes == nil || p.Status.wrong(Okta).Lasts() || p.Status.wrong(Stuck).Kind == oversized {
		return end
	}
	p.take()
	after := p.Status.Snapshot().LastPoll.Add(wakeEvery)
	for _, a := range p.Wakes.open {
		if a.tries < len(looks) && looks[a.tries] < a.until {
			end = delivery.Earliest(end, delivery.Latest(a.at.Add(looks[a.tries]), after))
		}
	}
	return end
}
