package pipesim

import (
	"math/rand/v2"
	"sync"
	"time"
)

// shard is one queue and its worker. Source: queue and shards.runShard.
type shard struct {
	w     *Write
	start time.Time
	every time.Duration // between ticks
	work  chan struct{} // there may be something to do
	room  chan struct{} // there may be room in the queue

	mu     sync.Mutex
	active []*Entry // the batch being filled
	size   int      // bytes of it
	begun  time.Time
	ready  [][]*Entry
	closed bool
	tick   time.Time // the first one that the worker has not seen
}

func newShard(w *Write) *shard {
	now := time.Now()
	every := max(w.cfg.BatchWait/10, 10*time.Millisecond)
	return &shard{w: w, start: now, every: every, tick: now.Add(every), work: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// append puts an entry into the batch being filled, or returns false when that and the queue are full.
func (s *shard) append(e *Entry) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.active) > 0 && s.size+e.Size > s.w.cfg.BatchSize {
		if len(s.ready) >= s.capacity() {
			return false
		}
		s.ready = append(s.ready, s.active)
		s.active, s.size = nil, 0
		signal(s.work)
	}
	if len(s.active) == 0 {
		s.begun = time.Now()
		signal(s.work)
	}
	s.active = append(s.active, e)
	s.size += e.Size
	return true
}

func (s *shard) capacity() int { return max(s.w.cfg.Capacity/max(s.w.cfg.BatchSize, 1), 1) }

// close lets the worker end once all is sent.
func (s *shard) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	signal(s.work)
}

func (s *shard) run() {
	for s.w.ctx.Err() == nil {
		batches, due, over := s.next(time.Now())
		if over {
			return
		}
		for _, batch := range batches {
			s.w.send(batch)
		}
		if batches == nil {
			s.wait(due)
		}
	}
}

// wait waits for something to do, until due at most. The worker sees ticks pass meanwhile.
func (s *shard) wait(due time.Time) {
	var timer <-chan time.Time
	if !due.IsZero() {
		t := time.NewTimer(time.Until(due))
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-s.w.ctx.Done():
		return
	case <-s.work:
	case <-timer:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := s.tickAt(time.Now()); at.After(s.tick) {
		s.tick = at
	}
}

// tickAt is the first tick at or after a time.
func (s *shard) tickAt(at time.Time) time.Time {
	n := (at.Sub(s.start) + s.every - 1) / s.every
	return s.start.Add(n * s.every)
}

// next returns the batches to send now, or when to look again, zero for when something comes.
func (s *shard) next(now time.Time) (batches [][]*Entry, due time.Time, over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed { // the rest is queued as soon as there is room, which is now
		if len(s.active) > 0 && len(s.ready) < s.capacity() {
			s.ready = append(s.ready, s.active)
			s.active, s.size = nil, 0
		}
		if len(s.ready) == 0 {
			return nil, due, true
		}
	}
	ticked := !now.Before(s.tick)
	// With both at hand the worker's select chooses either.
	if len(s.ready) > 0 && (!ticked || rand.IntN(2) == 0) {
		batches = s.ready[:1:1]
		s.ready = s.ready[1:]
		signal(s.room)
		return batches, due, false
	}
	if ticked {
		s.tick = s.tickAt(now.Add(1))
		batches, s.ready = s.ready, nil
		if len(s.active) > 0 && now.Sub(s.begun) >= s.w.cfg.BatchWait {
			batches = append(batches, s.active)
			s.active, s.size = nil, 0
		}
		signal(s.room)
		if len(batches) > 0 {
			return batches, due, false
		}
	}
	if len(s.active) > 0 {
		due = s.tickAt(s.begun.Add(s.w.cfg.BatchWait))
	}
	return nil, due, false
}
