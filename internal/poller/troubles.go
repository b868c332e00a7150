package poller

import (
	"sync"
	"time"
)

// toldAgain is how long after a line about a trouble one about another poller in it is news.
const toldAgain = 10 * time.Minute

// Troubles are those that pollers share, since they use one Loki: the first of them logs one, and the last one out of it logs its end. The
// zero value is ready; it is safe for concurrent use.
type Troubles struct {
	mu    sync.Mutex
	kinds map[string]*trouble
}

type trouble struct {
	pollers map[*Poller]bool
	since   time.Time
	told    time.Time
	most    int // pollers in it at once
}

// begins notes that a poller is in trouble and reports whether that is news.
func (t *Troubles) begins(kind string, p *Poller) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	about := t.kinds[kind]
	if about == nil {
		about = &trouble{pollers: make(map[*Poller]bool), since: now}
		if t.kinds == nil {
			t.kinds = make(map[string]*trouble)
		}
		t.kinds[kind] = about
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
func (t *Troubles) ends(kind string, p *Poller) (pollers int, after time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	about := t.kinds[kind]
	if about == nil || !about.pollers[p] {
		return 0, 0
	}
	delete(about.pollers, p)
	if len(about.pollers) > 0 {
		return 0, 0
	}
	delete(t.kinds, kind)
	return about.most, time.Since(about.since).Round(time.Millisecond)
}

// gone forgets a poller that ended.
func (t *Troubles) gone(p *Poller) {
	for _, kind := range []string{"unanswered", "refused", "held", "unconfirmed"} {
		t.ends(kind, p)
	}
}
