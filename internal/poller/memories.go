package poller

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// maxUnused bounds what is kept of orgs that nobody reads any more. A reload may remove all of a component's and bring them back.
	maxUnused = 2000
	// ownerEnds is how long a Memory is waited for that another component still has. A reload gives components their new arguments
	// one after the other and stops those that are gone in the end, so an org may come before it went; that takes milliseconds as a
	// rule. Source: Alloy v1.19.2, internal/runtime/alloy.go, Run, and internal/controller/scheduler.go, Synchronize.
	ownerEnds = 10 * time.Second
)

// Owner says whose a Memory is.
type Owner struct {
	Dir string // the component's data path
	Org string // whose log it reads
	// To names the filter and what is delivered to. A component with another data path, one
	// that was renamed or moved into a module, goes on from the Memory of one that ended only
	// when this is the same.
	To string
}

// Memories are all that a process has. The zero value is ready; it is safe for concurrent use.
type Memories struct {
	mu       sync.Mutex
	all      []*kept       // given back first, first
	released chan struct{} // closed at the next Release; nil: nobody waits
}

// kept is a Memory and whose it is, or was last.
type kept struct {
	owner  Owner
	memory *Memory
	used   bool
}

// Take returns the Memory of an owner, for itself alone until Release: the one it had
// before, that of a component that ended and delivered the same to the same receivers, or a
// new one. It waits while such a component has not ended yet, 10 s at most: of two that deliver the same side by side, the second one
// begins that much later. It returns an error only when ctx ends.
func (m *Memories) Take(ctx context.Context, o Owner) (*Memory, error) {
	late := time.NewTimer(ownerEnds)
	defer late.Stop()
	for waits := true; ; {
		memory, released := m.take(o, waits)
		if memory != nil {
			return memory, nil
		}
		select {
		case <-released:
		case <-late.C:
			waits = false
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// take returns nil, and what is closed at the next Release, when somebody else has what the owner may go on from and waits is true.
func (m *Memories) take(o Owner, waits bool) (*Memory, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	alike := func(l *kept) bool { return l.owner.Org == o.Org && l.owner.To == o.To }
	i := slices.IndexFunc(m.all, func(l *kept) bool { return !l.used && l.owner.Dir == o.Dir && l.owner.Org == o.Org })
	if i < 0 {
		i = slices.IndexFunc(m.all, func(l *kept) bool { return !l.used && alike(l) })
	}
	switch {
	case i >= 0:
	case waits && slices.ContainsFunc(m.all, alike):
		if m.released == nil {
			m.released = make(chan struct{})
		}
		return nil, m.released
	default:
		i, m.all = len(m.all), append(m.all, &kept{memory: &Memory{}})
	}
	m.all[i].owner, m.all[i].used = o, true
	return m.all[i].memory, nil
}

// Readdress notes that what goes on with a taken Memory delivers elsewhere from now on.
func (m *Memories) Readdress(memory *Memory, to string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := slices.IndexFunc(m.all, func(l *kept) bool { return l.memory == memory }); i >= 0 {
		m.all[i].owner.To = to
	}
}

// Release gives a Memory back. Its poller must have ended. The one that was given back first
// goes when there are too many.
func (m *Memories) Release(memory *Memory) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.all, func(l *kept) bool { return l.memory == memory })
	if i < 0 {
		return
	}
	if m.released != nil {
		close(m.released)
		m.released = nil
	}
	l := m.all[i]
	l.used = false
	m.all = append(slices.Delete(m.all, i, i+1), l)
	unused := 0
	for _, l := range m.all {
		if !l.used {
			unused++
		}
	}
	if unused > maxUnused {
		oldest := slices.IndexFunc(m.all, func(l *kept) bool { return !l.used })
		m.all = slices.Delete(m.all, oldest, oldest+1)
	}
}
