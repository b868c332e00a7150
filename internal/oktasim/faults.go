package oktasim

import "net/http"

// injection is a fault that waits for its turn.
type injection struct {
	answer http.Handler
	left   int
}

// Inject answers the next n System Log requests with h. Injections queue up;
// Intercept, when it has an answer, goes first.
func (o *Org) Inject(h http.Handler, n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if n > 0 {
		o.injected = append(o.injected, injection{h, n})
	}
}

func (o *Org) nextInjected() http.Handler {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.injected) == 0 {
		return nil
	}
	first := &o.injected[0]
	h := first.answer
	if first.left--; first.left == 0 {
		o.injected = o.injected[1:]
	}
	return h
}
