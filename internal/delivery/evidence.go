package delivery

import (
	"time"
)

// Outcome is what an answer changed.
type Outcome struct {
	Arrived int
	GaveUp  []GaveUp
	Assumed int // events that count as lost without evidence, strandedAfter their delivery
}

// GaveUp is an event that is not delivered again: it was lost maxLosses times, or is no longer in the log.
type GaveUp struct {
	UUID  string
	Since time.Time // first delivery
}

// Due returns what to query for now: the newest page first, without which a long stretch
// that is lost would hide that later events arrive, then the oldest. Nil means nothing.
func (w *Window[P]) Due(now time.Time) (events []Event) {
	w.advance(now)
	add := func(p *Page[P]) {
		for _, r := range p.records {
			if r.state != done {
				events = append(events, Event{UUID: r.uuid, Time: r.time})
			}
		}
	}
	due := func(p *Page[P]) bool { return p.waiting > 0 && !p.next.After(now) }
	newest := len(w.pages) - 1
	for newest >= 0 && !due(w.pages[newest]) {
		newest--
	}
	if newest >= 0 {
		add(w.pages[newest])
	}
	for i := 0; i < newest && len(events) < maxQueried; i++ {
		if due(w.pages[i]) {
			add(w.pages[i])
		}
	}
	return events
}

// Next is when Due, Retry or Probe may have something; zero when nothing waits.
func (w *Window[P]) Next(now time.Time) (at time.Time) {
	for _, p := range w.pages {
		if p.waiting > 0 {
			at = first(at, p.next)
		}
	}
	for _, rt := range w.routes {
		if rt.open() && rt.newest > rt.mark {
			at = first(at, rt.since.Add(overtakenAfter))
		}
	}
	w.all(func(r *record[P]) {
		if r.state == lost && w.tells(r) {
			at = first(at, Latest(w.retried.Add(retryEvery), r.retryAt()))
		}
	})
	return at
}

// Learn notes what a query for events, sent at the time asked, found. An event may be among
// them twice.
func (w *Window[P]) Learn(asked, now time.Time, events []Event, found map[string]bool) (out Outcome) {
	var absent []*record[P]
	for _, e := range events {
		switch r := w.index[e.UUID]; {
		case r == nil:
		case found[e.UUID]:
			w.arrived(r, now)
			out.Arrived++
		default:
			absent = append(absent, r)
		}
	}
	for _, r := range absent {
		// What has waited for long is queried less often.
		r.page.next = asked.Add(min(max(w.Rules.Interval, asked.Sub(r.at)/4), missingAfter))
		if w.countsAsLost(r, asked) {
			if r.state == assumed {
				out.Assumed++
			}
			r.state = lost
			if r.seq > 0 {
				r.losses++
			}
			if r.losses == maxLosses {
				out.GaveUp = append(out.GaveUp, GaveUp{UUID: r.uuid, Since: r.since})
				w.remove(r)
			}
		}
	}
	w.advance(now)
	return out
}

// countsAsLost reports whether an event is lost that a query sent at asked did not find: no copy
// of it can still arrive, or that is assumed after strandedAfter, and one would be shown.
func (w *Window[P]) countsAsLost(r *record[P], asked time.Time) bool {
	return w.tells(r) && r.state != lost && r.state != done && w.gone(r, asked)
}

// tells reports whether it means something that an event is not found.
func (w *Window[P]) tells(r *record[P]) bool { return w.Trusts() || r == w.sample }

// gone reports whether an event that a query sent at asked does not find is not at the destination, nor on its way to it.
func (w *Window[P]) gone(r *record[P], asked time.Time) bool {
	return r.state != underWay && !asked.Before(r.overtaken) && w.Shown(r.time, r.overtaken, asked)
}

// Sample lets one overtaken event count as lost, once, although the configuration was never seen to work: it is delivered again, and
// whether it is found then shows if the configuration works. It is for a log that has ended, where nothing newer can show that.
func (w *Window[P]) Sample(now time.Time) {
	if w.Trusts() || w.sampled == w.Rules.ID {
		return
	}
	w.all(func(r *record[P]) {
		if w.sample == nil && w.gone(r, now) {
			w.sample, r.page.next = r, now
		}
	})
}

// Shown reports whether the destination, if it has had an event of time t since arrived at
// the latest, shows it to a query sent at asked. What is older than Visible may be in memory that is
// not queried for that age, until it is flushed.
func (w *Window[P]) Shown(t, arrived, asked time.Time) bool {
	switch {
	case t.After(asked.Add(-skew)) && t.After(arrived):
		return false
	case w.Rules.Visible == 0 || asked.Sub(t) <= w.Rules.Visible:
		return true
	default:
		return asked.Sub(arrived) >= w.Rules.Flush
	}
}

// arrived takes an event out that was found.
func (w *Window[P]) arrived(r *record[P], now time.Time) {
	w.arrival = now
	if r.seq > 0 {
		w.pass(r, now)
		if w.routes == nil {
			w.routes = make(map[uint64]*route)
		}
		rt := w.routes[r.route]
		if rt == nil {
			rt = &route{}
			w.routes[r.route] = rt
		}
		rt.newest = max(rt.newest, r.seq)
		if r.rules == w.Rules.ID && !w.Trusts() {
			w.Trusted = r.rules
			for _, p := range w.pages { // what was absent until now may be lost
				p.next = now
			}
		}
	}
	w.remove(r)
}

// pass notes that an event was found. Once another one that was delivered after that is found too, nothing that was delivered before
// the first is still under way, nor is its batch.
func (w *Window[P]) pass(r *record[P], now time.Time) {
	next := passing{route: r.route, delivered: r.at, found: now}
	switch {
	case w.anchor.route != r.route || w.anchor.found.IsZero():
		w.anchor = next
	case r.at.After(w.anchor.found):
		w.passed, w.anchor = w.anchor, next
	}
}

// Passed returns the time before which everything that was delivered on a route has arrived or is lost; zero when nothing is known.
func (w *Window[P]) Passed(route uint64) time.Time {
	if w.passed.route != route {
		return time.Time{}
	}
	return w.passed.delivered
}

// Overtake notes that no copy of what was delivered on a route so far can still arrive: another window has the evidence.
func (w *Window[P]) Overtake(route uint64, now time.Time) {
	w.all(func(r *record[P]) {
		if r.state == underWay && r.route == route {
			r.state, r.overtaken = overtaken, now.Add(overtakenAfter)
			r.page.next = r.overtaken
		}
	})
}

// open reports whether the candidate is not believed yet.
func (rt *route) open() bool { return rt.candidate > rt.reach }

// proves reports whether the candidate has been visible for long enough, and something that
// was delivered after it was first seen is visible too: until then the candidate's batch may
// be under way again, for the pipeline repeats all of a batch of which a part was refused.
func (rt *route) proves(now time.Time) bool {
	return rt.open() && rt.newest > rt.mark && now.Sub(rt.since) >= overtakenAfter
}

// advance lets events count as overtaken.
func (w *Window[P]) advance(now time.Time) {
	for _, rt := range w.routes {
		if rt.proves(now) {
			rt.reach = rt.candidate
			w.reach = max(w.reach, rt.reach)
		}
		if !rt.open() && rt.newest > rt.reach {
			rt.candidate, rt.since, rt.mark = rt.newest, now, w.seq
		}
	}
	w.all(func(r *record[P]) {
		if r.state != underWay {
			return
		}
		rt := w.routes[r.route]
		proven := rt != nil && r.seq < rt.reach
		if proven || r.seq < w.reach && now.Sub(r.at) >= strandedAfter {
			r.state, r.overtaken, r.page.next = overtaken, now, now
			if !proven {
				r.state = assumed
			}
		}
	})
}

// Retry returns the pages of which events are to be delivered again now, oldest first. The
// owner fetches each and delivers those for which [Window.Redeliver] is true.
func (w *Window[P]) Retry(now time.Time) (pages []*Page[P]) {
	if now.Sub(w.retried) < retryEvery {
		return nil
	}
	w.all(func(r *record[P]) {
		if w.due(r, now) && (len(pages) == 0 || pages[len(pages)-1] != r.page) {
			pages = append(pages, r.page)
		}
	})
	if len(pages) > 0 {
		w.retried = now
	}
	return pages
}

// retryAt is when a lost event is to be delivered again.
func (r *record[P]) retryAt() time.Time {
	if r.losses < maxLosses-1 {
		return time.Time{}
	}
	return r.at.Add(lastRetryAfter)
}

// due reports whether an event is to be delivered again now.
func (w *Window[P]) due(r *record[P], now time.Time) bool {
	return r.state == lost && w.tells(r) && !r.retryAt().After(now)
}

// Redeliver reports whether an event is to be delivered again now.
func (w *Window[P]) Redeliver(uuid string, now time.Time) bool {
	r := w.index[uuid]
	return r != nil && w.due(r, now)
}

// Doubt takes back what counts as lost, until it is queried for once more: another node may have delivered it meanwhile.
func (w *Window[P]) Doubt(now time.Time) {
	w.all(func(r *record[P]) {
		if r.state == lost {
			r.state = overtaken
			if r.seq > 0 {
				r.losses--
			}
		}
		r.page.next = now
	})
}

// Lost returns the uuids of the events of p that are to be delivered again now.
func (w *Window[P]) Lost(p *Page[P], now time.Time) (uuids []string) {
	for _, r := range p.records {
		if w.due(r, now) {
			uuids = append(uuids, r.uuid)
		}
	}
	return uuids
}

// GiveUp takes an event out that is to be delivered again now and is no longer in the log. It returns false when it is not.
func (w *Window[P]) GiveUp(uuid string, now time.Time) (GaveUp, bool) {
	r := w.index[uuid]
	if r == nil || !w.due(r, now) {
		return GaveUp{}, false
	}
	w.remove(r)
	return GaveUp{UUID: uuid, Since: r.since}, true
}

// Drop takes an event out that is no longer wanted.
func (w *Window[P]) Drop(uuid string) {
	if r := w.index[uuid]; r != nil {
		w.remove(r)
	}
}

// first is the earlier of two times, where a zero one so far is none.
func first(sofar, t time.Time) time.Time {
	if sofar.IsZero() || t.Before(sofar) {
		return t
	}
	return sofar
}

// Earliest returns the earlier of two times.
func Earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Latest returns the later of two times.
func Latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
