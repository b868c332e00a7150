package poller

import (
	"sync"
	"time"
)

// toldAgain is how long the log gets no second line about a trouble that it has, whichever poller gets into it and whatever kind
// comes back.
const toldAgain = 10 * time.Minute

// Troubles are those that pollers share, since they use one Loki: the first of them logs one, and the last one out of it logs its end. The
// zero value is ready; it is safe for concurrent use.
type Troubles struct {
	mu   sync.Mutex
	open map[joint]*together
}

// joint is a trouble that pollers may be in together. A refusal counts beside the other trouble of its part, since it is news.
type joint struct {
	part    Part
	refusal bool
}

type together struct {
	pollers map[*Reporting]bool
	since   time.Time
	told    time.Time
	most    int // pollers in it at once
}

// begins notes that a poller is in trouble and reports whether that is news.
func (t *Troubles) begins(part Part, refused bool, r *Reporting) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	news := t.begin(joint{part: part}, r)
	return refused && t.begin(joint{part, true}, r) || news
}

func (t *Troubles) begin(in joint, r *Reporting) bool {
	now := time.Now()
	about := t.open[in]
	if about == nil {
		about = &together{pollers: make(map[*Reporting]bool), since: now}
		if t.open == nil {
			t.open = make(map[joint]*together)
		}
		t.open[in] = about
	}
	if about.pollers[r] {
		return false
	}
	about.pollers[r] = true
	about.most = max(about.most, len(about.pollers))
	if now.Sub(about.told) < toldAgain {
		return false
	}
	about.told = now
	return true
}

// ends notes that a poller is out of trouble. When it was the last one, it returns how many there were, and for how long.
func (t *Troubles) ends(part Part, r *Reporting) (pollers int, after time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end(joint{part, true}, r)
	return t.end(joint{part: part}, r)
}

func (t *Troubles) end(in joint, r *Reporting) (pollers int, after time.Duration) {
	about := t.open[in]
	if about == nil || !about.pollers[r] {
		return 0, 0
	}
	delete(about.pollers, r)
	if len(about.pollers) > 0 {
		return 0, 0
	}
	delete(t.open, in)
	return about.most, time.Since(about.since).Round(time.Millisecond)
}

// gone forgets a poller that ended.
func (t *Troubles) gone(r *Reporting) {
	for part := range parts {
		t.ends(part, r)
	}
}
