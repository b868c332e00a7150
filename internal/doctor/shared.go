package doctor

import "sync"

// shared is what the visits of one [Run] have in common. It is safe for concurrent use.
type shared struct {
	listening sync.Mutex // held while an address for event hooks is tried
	pushes    answers[struct{}]
	configs   answers[*lokiTold]
}

// answers are to questions that many orgs have, and that are asked once. The zero value is ready for use, also at the same time.
type answers[T any] struct {
	mu    sync.Mutex
	known map[any]func() (T, error)
}

// get returns the answer to what key stands for. The first to want it asks, and others wait.
func (a *answers[T]) get(key any, ask func() (T, error)) (T, error) {
	a.mu.Lock()
	if a.known == nil {
		a.known = map[any]func() (T, error){}
	}
	answer := a.known[key]
	if answer == nil {
		answer = sync.OnceValues(ask)
		a.known[key] = answer
	}
	a.mu.Unlock()
	return answer()
}
