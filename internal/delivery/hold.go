package delivery

import (
	"time"
)

// Hold is why nothing newer may be delivered.
type Hold string

// The reasons.
const (
	Open    Hold = ""                                                               // deliver
	Missing Hold = "delivered events do not arrive"                                 // for missingAfter
	Full    Hold = "20,000 events, 64 MiB, or 30 minutes of events are unconfirmed" // maxEvents, maxBytes, maxSpan
	Hidden  Hold = "what was delivered cannot be shown yet"                         // maxHidden events of a configuration that is not trusted
)

// Hold returns whether anything newer may be delivered.
func (w *Window[P]) Hold(now time.Time) Hold {
	var events, bytes, hidden, stranded int
	var oldest, newest time.Time
	missing := false
	w.all(func(r *record[P]) {
		switch {
		case w.hides(r, now):
			hidden++
		case r.state == underWay && now.Sub(r.at) >= missingAfter:
			if r.seq >= w.reach {
				missing = true
			} else { // later events of other routes arrive
				stranded++
			}
		default:
			events, bytes = events+1, bytes+r.page.each
			if r.losses > 0 { // later ones arrive; it is behind them by now whatever follows
				return
			}
			oldest, newest = first(oldest, r.time), Latest(newest, r.time)
		}
	})
	switch {
	case missing:
		return Missing
	case events >= maxEvents || bytes >= maxBytes || newest.Sub(oldest) >= maxSpan || stranded >= maxHidden:
		return Full
	case hidden >= maxHidden && !w.Trusts():
		return Hidden
	}
	return Open
}

// Probe reports whether a single event may be delivered in spite of a Hold, to find out
// whether the pipeline works again: only something later can prove that what is in the
// window is lost. When one was found, others follow at once until a second one is: it takes
// two, and a stage may drop the next.
func (w *Window[P]) Probe(hold Hold, now time.Time) bool {
	wait := missingAfter
	for _, rt := range w.routes {
		if rt.open() && rt.newest <= rt.mark {
			wait = overtakenAfter
		}
	}
	return (hold == Missing || hold == Full) && now.Sub(w.delivered) >= wait
}

// Trim lets the oldest of the events go that the destination cannot show, down to maxHidden,
// and returns how many: the log of a long outage must not wait for hours. Delivered after
// each of them was far more than a pipeline keeps in memory, so they have left it. Those that
// the destination would have shown when they were delivered stay: they may be lost. Nothing
// is let go under a configuration that was never seen to work.
func (w *Window[P]) Trim(now time.Time) (unverified int) {
	if !w.Trusts() || len(w.index) <= maxHidden {
		return 0
	}
	var hidden []*record[P]
	w.all(func(r *record[P]) {
		if r.hidden && w.hides(r, now) {
			hidden = append(hidden, r)
		}
	})
	for _, r := range hidden[:max(0, len(hidden)-maxHidden)] {
		w.remove(r)
		unverified++
	}
	return unverified
}

// hides reports whether the destination may have an event and not show it now.
func (w *Window[P]) hides(r *record[P], now time.Time) bool {
	if r.state == underWay {
		return r.hidden && !w.Shown(r.time, r.at, now)
	}
	return !w.Shown(r.time, r.overtaken, now)
}

// shown is when the destination shows a hidden event at the latest, if it has it.
func (w *Window[P]) shown(r *record[P]) time.Time {
	arrived := Latest(r.at, r.overtaken)
	if r.time.After(arrived) {
		return r.time.Add(skew)
	}
	return arrived.Add(w.Rules.Flush)
}

// Stats describes what waits.
type Stats struct {
	Pages   int       // that are not committed
	Waiting int       // events
	Hidden  int       // of them, those that the destination may have and not show
	Shown   time.Time // when it shows the last of them, if it has it; zero when there is none
	Since   time.Time // first delivery of the oldest; zero when there is none
	// Telling is the last delivery of the oldest event that says something about the
	// pipeline: it would be shown, and nothing has overtaken it. Under a configuration that
	// was never seen to work, every event says something. Zero when there is none.
	Telling time.Time
	Arrival time.Time // last time that something was found
}

// Stats returns what waits now.
func (w *Window[P]) Stats(now time.Time) Stats {
	s := Stats{Pages: len(w.pages), Arrival: w.arrival}
	w.all(func(r *record[P]) {
		s.Waiting++
		hidden := w.hides(r, now)
		if hidden {
			s.Hidden++
			s.Shown = Latest(s.Shown, w.shown(r))
		}
		s.Since = first(s.Since, r.since)
		if !w.Trusts() || r.state == underWay && !hidden && r.seq >= w.reach {
			s.Telling = first(s.Telling, r.at)
		}
	})
	return s
}
