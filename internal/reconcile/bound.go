package reconcile

import "sync"

// A bound that was lowered is tried at twice its value after raiseAfter successes; each time that fails, twice as many successes are needed
// for the next try. So a limit that Loki always has costs little, and a moment's overload is forgotten.
const (
	raiseAfter    = 20
	maxRaiseAfter = 1280
)

// bound is a number that may be too high for Loki. It is safe for concurrent use.
type bound struct {
	mu           sync.Mutex
	value        int64
	first, least int64
	worked       int  // successes since value changed
	needed       int  // successes; 0: raiseAfter
	raised       bool // value was raised, and is being tried
}

func newBound(first, least int64) *bound { return &bound{value: first, first: first, least: least} }

func (b *bound) get() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.value
}

// tooHigh notes that tried was too high for Loki: the bound becomes half of it, unless another query has lowered it already. It returns
// false when tried cannot be halved.
func (b *bound) tooHigh(tried int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if tried/2 < b.least {
		return false
	}
	if b.value < tried {
		return true
	}
	if b.raised {
		b.needed = min(2*max(b.needed, raiseAfter), maxRaiseAfter)
	}
	b.value, b.worked, b.raised = tried/2, 0, false
	return true
}

// fine notes a success.
func (b *bound) fine() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.value == b.first {
		if b.raised {
			b.needed, b.raised = 0, false
		}
		return
	}
	if b.worked++; b.worked >= max(b.needed, raiseAfter) {
		b.value, b.worked, b.raised = min(2*b.value, b.first), 0, true
	}
}
