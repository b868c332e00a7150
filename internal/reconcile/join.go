package reconcile

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"go.uber.org/atomic"
)

const (
	// mostJoined is how many selectors one query holds: a hundred hosts are some 3 KB, of the 128 KB that Loki reads
	// (maxInputSize in pkg/logql/syntax/parser.go, version 3.7.8), and their streams some hundred KB in an answer.
	mostJoined = 100
	// The least time between two queries for one shape of selectors: what comes meanwhile is joined. The first is for queries that nobody
	// waits for, and for searches through months; the second is less than a page takes.
	unhurriedGap = time.Second
	hurriedGap   = 100 * time.Millisecond
)

type unhurried struct{}

// Unhurried marks queries that nobody waits for: they are joined with what others ask within a second.
func (*Loki) Unhurried(ctx context.Context) context.Context {
	return context.WithValue(ctx, unhurried{}, true)
}

// request is what one caller wants to know: which events are there, or the newest entry.
type request struct {
	ctx     context.Context // the caller's
	loki    *Loki
	hurried bool
	events  []Event       // for Find
	back    time.Duration // for Newest

	mu     sync.Mutex
	parts  int             // not answered yet
	found  map[string]bool // for Find
	newest time.Time       // for Newest
	err    error
	done   chan struct{}
}

// part is one range of time of a request, answered apart from others.
type part struct {
	*request
	selector selector
	interval interval // for Find
	answered atomic.Bool
}

// answer notes that a part has its answer, or never will.
func (p *part) answer(err error) {
	if p.answered.Swap(true) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return // done is closed
	}
	p.err = err
	if p.parts--; p.parts == 0 || err != nil {
		close(p.done)
	}
}

// queue is where requests of one kind wait, for one query to answer many of them.
type queue struct {
	server *Server
	split  func([]*request) [][]*part           // into parts that are searched for together
	search func(context.Context, []*part) error // answers parts; an error is for those without an answer

	mu      sync.Mutex
	waiting []*request
	last    time.Time          // when the last ones left
	leaving context.CancelFunc // stops what takes them to Loki; nil: nobody waits
	hurry   chan struct{}
}

// queue returns the queue of a kind of requests.
func (s *Server) queue(kind string, split func([]*request) [][]*part, search func(context.Context, []*part) error) *queue {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[kind]
	if q == nil {
		q = &queue{server: s, split: split, search: search, hurry: make(chan struct{}, 1)}
		s.queues[kind] = q
	}
	return q
}

// ask waits for the answer to r, or the end of its context.
func (q *queue) ask(r *request) error {
	if r.ctx.Err() != nil {
		return ended(r.ctx)
	}
	q.mu.Lock()
	q.waiting = append(q.waiting, r)
	if q.leaving == nil {
		q.lead()
	}
	q.mu.Unlock()
	if r.hurried {
		select {
		case q.hurry <- struct{}{}:
		default:
		}
	}
	select {
	case <-r.done:
		return r.err
	case <-r.ctx.Done():
		q.abandon(r)
		return ended(r.ctx)
	}
}

// ended is the error of a caller that stopped waiting.
func ended(ctx context.Context) error {
	return &failure{text: "querying Loki: " + ctx.Err().Error(), causes: []error{ctx.Err()}}
}

func (q *queue) abandon(r *request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = slices.DeleteFunc(q.waiting, func(other *request) bool { return other == r })
	if len(q.waiting) == 0 && q.leaving != nil {
		q.leaving()
	}
}

// lead takes what waits to Loki, when it is time and Loki may get another request; the queue is locked.
func (q *queue) lead() {
	ctx, cancel := context.WithCancel(context.Background())
	q.leaving = cancel
	go func() {
		defer cancel()
		err := q.pace(ctx)
		if err == nil {
			err = q.server.enter(ctx)
		}
		var batch []*request
		q.mu.Lock()
		if err == nil {
			batch, q.waiting, q.last = q.waiting, nil, time.Now()
			q.server.leave() // each of its requests gets a turn of its own
		}
		q.leaving = nil
		if len(q.waiting) > 0 {
			q.lead()
		}
		q.mu.Unlock()
		if len(batch) > 0 {
			q.run(batch)
		}
	}()
}

// pace keeps queries apart.
func (q *queue) pace(ctx context.Context) error {
	for {
		q.mu.Lock()
		gap := unhurriedGap
		if slices.ContainsFunc(q.waiting, func(r *request) bool { return r.hurried }) {
			gap = hurriedGap
		}
		wait := time.Until(q.last.Add(gap))
		q.mu.Unlock()
		if wait <= 0 {
			return ctx.Err()
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-q.hurry:
		case <-ctx.Done():
		}
		t.Stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// run answers a batch of requests, until nobody waits for them any more.
func (q *queue) run(batch []*request) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var wanted atomic.Int64
	wanted.Store(int64(len(batch)))
	for _, r := range batch {
		defer context.AfterFunc(r.ctx, func() {
			if wanted.Add(-1) == 0 {
				cancel()
			}
		})()
	}
	var running sync.WaitGroup
	for _, parts := range q.split(batch) {
		for some := range slices.Chunk(parts, int(q.server.joined.get())) {
			running.Go(func() { q.serve(ctx, some) })
		}
	}
	running.Wait()
}

// serve answers parts with one search. When that fails, one of the parts is tried alone. If that works, fewer are joined from then on: an
// answer may be too large, or a gateway may refuse joined queries. If it fails too, all parts get the error.
func (q *queue) serve(ctx context.Context, parts []*part) {
	err := q.search(ctx, parts)
	parts = slices.DeleteFunc(parts, func(p *part) bool { return p.answered.Load() })
	selectors := selectorsOf(parts)
	if len(parts) == 0 {
		return
	}
	if len(selectors) > 1 && ctx.Err() == nil && !errors.Is(err, errAway) && !errors.Is(err, errBusy) {
		first := parts[:1]
		if err = q.search(ctx, slices.Clone(first)); err == nil {
			parts = parts[1:]
			q.server.joined.tooHigh(int64(len(selectors)))
			for n := range slices.Chunk(parts, int(q.server.joined.get())) {
				q.serve(ctx, n)
			}
			return
		}
	}
	for _, p := range parts {
		p.answer(err)
	}
}

// selectorsOf returns the different selectors of parts.
func selectorsOf(parts []*part) []selector {
	var all []selector
	seen := make(map[string]bool)
	for _, p := range parts {
		if !seen[p.selector.key] {
			seen[p.selector.key] = true
			all = append(all, p.selector)
		}
	}
	return all
}
