package poller

import (
	"sync"
	"time"
)

// toldAgain is how long after a line about a trouble one about another poller in it is news.
const toldAgain = 10 * time.Minute

// Told is what was logged of troubles that pollers share, since they use one Loki: the first of them tells, and the last one out of it.
// The zero value is ready; it is safe for concurrent use.
type Told struct {
	mu       sync.Mutex
	troubles map[string]*trouble // by kind
}

type trouble struct {
	pollers map[*Poller]bool
	since   time.Time
	told    time.Time
	most    int // pollers in it at once
}

// begins notes that a poller is in trouble and reports whether that is news.
func (t *Told) begins(kind string, p *Poller) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	about := t.troubles[kind]
	if about == nil {
		about = &trouble{pollers: make(map[*Poller]bool), since: now}
		if t.troubles == nil {
			t.troubles = make(map[string]*trouble)
		}
		t.troubles[kind] = about
	}
	if about.pollers[p] {
		return false
	}
	about.pollers[p] = true
	about.most = max(about.most, len(about.pollers))
	if now.Sub(about.told) < toldAgain {
		return false
	}
	about.told = now
	return true
}

// ends notes that a poller is out of trouble. When it was the last one, it returns how many there were, and for how long.
func (t *Told) ends(kind string, p *Poller) (pollers int, after time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	about := t.troubles[kind]
	if about == nil || !about.pollers[p] {
		return 0, 0
	}
	delete(about.pollers, p)
	if len(about.pollers) > 0 {
		return 0, 0
	}
	delete(t.troubles, kind)
	return about.most, time.Since(about.since).Round(time.Millisecond)
}

// gone forgets a poller that ended.
func (t *Told) gone(p *Poller) {
	for _, kind := range []string{"unanswered", "refused", "held", "unconfirmed"} {
		t.ends(kind, p)
	}
}
