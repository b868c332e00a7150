package doctor

import "sync"

// shared is what the visits of one [Run] have in common. It is safe for concurrent use.
type shared struct {
	listening sync.Mutex // held while an address for event hooks is tried
	pushes    answers[struct{}]
	configs   answers[*lokiTold]
}

// answers are those to questions that many orgs have, and of which each is asked once. The zero value is ready, and safe for concurrent
// use.
type answers[T any] struct {
	mu    sync.Mutex
	known map[any]func() (T, error)
}

// get returns the answer to the question of a key. The first caller asks, and others wait.
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
