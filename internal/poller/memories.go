package poller

import (
	"slices"
	"sync"
)

// maxUnused bounds what is kept of orgs that nobody reads any more. A reload gives all of a component's
// back before it takes them again, and a cluster moves orgs to and fro.
const maxUnused = 2000

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
	all []*lease // given back first, first
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
		l = &lease{memory: &Memory{}}
		m.all = append(m.all, l)
	}
	l.owner, l.used = o, true
	return l.memory
}

// Release gives a Memory back. Its poller must have ended. The one that was given back first
// goes when there are too many.
func (m *Memories) Release(memory *Memory) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.all, func(l *lease) bool { return l.memory == memory })
	if i < 0 {
		return
	}
	l := m.all[i]
	l.used = false
	m.all = append(slices.Delete(m.all, i, i+1), l)
	unused, oldest := 0, -1
	for i, l := range m.all {
		if !l.used {
			if unused++; oldest < 0 {
				oldest = i
			}
		}
	}
	if unused > maxUnused {
		m.all = slices.Delete(m.all, oldest, oldest+1)
	}
}
