package poller

import (
	"slices"
	"sync"
)

// maxMemories bounds what is kept beside the components that run.
const maxMemories = 100

// Owner says whose a Memory is.
type Owner struct {
	Dir string // the component's data path
	Org string // whose log it reads
	// To names the filter and what is delivered to. A component with another data path, one
	// that was renamed or moved into a module, goes on from the Memory of one that ended only
	// when this is the same.
	To string
}

// Memories are all of a process. The zero value is ready; it is safe for concurrent use.
type Memories struct {
	mu  sync.Mutex
	all []*lease // oldest first
}

type lease struct {
	owner  Owner
	memory *Memory
	used   bool
}

// Take returns the Memory of an owner, for itself alone until Release: the one it had
// before, that of a component that ended and delivered the same to the same receivers, or a
// new one.
func (m *Memories) Take(o Owner) *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	free := func(match func(Owner) bool) *lease {
		i := slices.IndexFunc(m.all, func(l *lease) bool { return !l.used && match(l.owner) })
		if i < 0 {
			return nil
		}
		return m.all[i]
	}
	l := free(func(had Owner) bool { return had.Dir == o.Dir && had.Org == o.Org })
	if l == nil {
		l = free(func(had Owner) bool { return had.Org == o.Org && had.To == o.To })
	}
	if l == nil {
		if i := slices.IndexFunc(m.all, func(l *lease) bool { return !l.used }); i >= 0 && len(m.all) >= maxMemories {
			m.all = slices.Delete(m.all, i, i+1)
		}
		l = &lease{memory: &Memory{}}
		m.all = append(m.all, l)
	}
	l.owner, l.used = o, true
	return l.memory
}

// Release gives a Memory back. Its poller must have ended.
func (m *Memories) Release(memory *Memory) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.all {
		if l.memory == memory {
			l.used = false
		}
	}
}
