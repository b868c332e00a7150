package roles

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// turn is a holder to ask about.
type turn struct {
	kind kind
	id   string
}

// turns returns all holders to ask about now, in order: those that events were about, those of whom nothing is known, in a refresh those
// whose last answer is the oldest, and last those whom Okta refused to tell about, but for some behind the first ones.
func (t *Table) turns(now time.Time, refresh bool) (all []turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := map[turn]*holder{}
	rank := func(h *holder) int {
		switch {
		case !h.due.IsZero() && !now.Before(h.due):
			return 0
		case h.back:
			return 3
		case h.asked.IsZero() && h.known.IsZero():
			return 1
		}
		return 2
	}
	for k := range kinds {
		for id, h := range t.holders[k] {
			inTurn := refresh && now.After(h.certain) && (k != client || now.Sub(h.asked) >= clientsEvery)
			if !h.gone && (rank(h) < 2 || inTurn) {
				at[turn{k, id}] = h
			}
		}
	}
	all = slices.Collect(maps.Keys(at))
	slices.SortFunc(all, func(a, b turn) int {
		x, y := at[a], at[b]
		if r := rank(x) - rank(y); r != 0 {
			return r
		}
		if o := x.tried.Compare(y.tried); o != 0 {
			return o
		}
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.id, b.id))
	})
	// Behind all others they would never have a turn when those are more than a round asks about; before them, they would seem to be all.
	if last := slices.IndexFunc(all, func(w turn) bool { return rank(at[w]) == 3 }); last > few {
		some := min(last+MaxRequests/12, len(all))
		all = slices.Concat(all[:few], all[last:some], all[few:last], all[some:])
	}
	return all
}

// due is when the first holder is to be asked about that an event was about; zero: there is none.
func (t *Table) due() (first time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, holders := range t.holders {
		for _, h := range holders {
			if !h.gone && !h.due.IsZero() && (first.IsZero() || h.due.Before(first)) {
				first = h.due
			}
		}
	}
	return first
}

// tries notes that a holder is asked about, and returns when it was due. If it is due later by then, an event has come meanwhile.
func (t *Table) tries(w turn, now time.Time) (due time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if h := t.holders[w.kind][w.id]; h != nil {
		due, h.due, h.tried, h.late = h.due, time.Time{}, now, false
	}
	return due
}

// retry makes a holder due as it was, after a try that failed.
func (t *Table) retry(w turn, due time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if h := t.holders[w.kind][w.id]; h != nil && h.due.IsZero() {
		h.due = due
	}
}

// putBack makes a holder whose roles Okta refuses to tell wait for a refresh, behind others, or for an event about it. After
// an event it is asked once more when Okta is certain to know.
func (t *Table) putBack(w turn, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if h := t.holders[w.kind][w.id]; h != nil {
		h.back = true
		if now.Before(h.certain) {
			h.dueBy(h.certain)
		}
	}
}

// groupsDue makes some groups due now, but for those of which an event told all a moment ago.
func (t *Table) groupsDue(now time.Time, which func(id string, g *holder) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, g := range t.holders[group] {
		if !now.Before(g.sure) && which(id, g) {
			g.due = now
		}
	}
}

func (t *Table) setRefresh(every time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lasts, t.whole = max(minLasts, 4*every), true
	t.show()
}
