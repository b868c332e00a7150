package pipesim

import (
	"context"
	"sync"
	"time"

	"github.com/grafana/dskit/backoff"
	"github.com/prometheus/common/model"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/limits"
)

// Config are loki.write's settings of these names.
type Config struct {
	BatchSize         int
	BatchWait         time.Duration
	RemoteTimeout     time.Duration
	MinBackoff        time.Duration
	MaxBackoff        time.Duration
	MaxBackoffRetries int // 0: for ever
	Capacity          int
	MinShards         int
	DrainTimeout      time.Duration
}

// Defaults are loki.write's.
func Defaults() Config {
	return Config{
		BatchSize: limits.BatchSize, BatchWait: limits.BatchWait, RemoteTimeout: limits.RemoteTimeout,
		MinBackoff: limits.MinBackoff, MaxBackoff: limits.MaxBackoff, MaxBackoffRetries: limits.MaxBackoffRetries,
		Capacity: limits.QueueCapacity, MinShards: 1, DrainTimeout: limits.DrainTimeout,
	}
}

// Endpoint takes a batch and returns the HTTP status of its answer; 0: there was none, because the connection
// was refused or ctx ended. A [Loki] is one.
type Endpoint interface {
	Push(ctx context.Context, batch []*Entry) (status int)
}

// hands is how many entries are on the way to the queue: the goroutines of loki.write's Run, of its entry
// handler and of its consumer hold one each.
const hands = 3

// Write is a loki.write. It is safe for concurrent use, a reload of the poller before it leaves it alone, and
// the end of a process is Stop or Kill.
type Write struct {
	cfg    Config
	to     Endpoint
	in     chan *Entry
	stop   chan struct{} // closed: no more entries
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	fed    chan struct{} // closed when the last entry is in its queue

	mu      sync.Mutex
	shards  []*shard
	process func(event.Entry) (event.Entry, bool)
	sent    int
	dropped int
	once    sync.Once
}

// NewWrite starts a loki.write that pushes to an endpoint.
func NewWrite(to Endpoint, cfg Config) *Write {
	w := &Write{cfg: cfg, to: to, in: make(chan *Entry, hands-1), stop: make(chan struct{}), fed: make(chan struct{})}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	for range max(cfg.MinShards, 1) {
		s := newShard(w)
		w.shards = append(w.shards, s)
		w.wg.Go(s.run)
	}
	w.wg.Go(w.feed)
	return w
}

// Process puts stages before the loki.write, as a loki.process does: they change an entry, or drop it by
// returning false. Nil takes them away.
func (w *Write) Process(stages func(event.Entry) (event.Entry, bool)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.process = stages
}

// Send implements poller.Sink.
func (w *Write) Send(ctx context.Context, e event.Entry) error {
	w.mu.Lock()
	process := w.process
	w.mu.Unlock()
	if process != nil {
		var ok bool
		if e, ok = process(event.Entry{Labels: e.Labels.Clone(), Entry: e.Entry}); !ok {
			return ctx.Err()
		}
	}
	select {
	case w.in <- newEntry(e.Labels, e.Entry):
		w.mu.Lock()
		w.sent++
		w.mu.Unlock()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Sent is the number of entries that were taken, Dropped that of those that loki.write let go.
func (w *Write) Sent() int { w.mu.Lock(); defer w.mu.Unlock(); return w.sent }

// Dropped is the number of entries that were refused or whose retries were over.
func (w *Write) Dropped() int { w.mu.Lock(); defer w.mu.Unlock(); return w.dropped }

// feed brings entries to their queues. Like endpoint.enqueue it waits while one is full, and all others with it.
func (w *Write) feed() {
	defer close(w.fed)
	for {
		select {
		case e := <-w.in:
			w.enqueue(e)
			continue
		case <-w.ctx.Done():
			return
		case <-w.stop:
		}
		select {
		case e := <-w.in: // what was taken before the stop
			w.enqueue(e)
		default:
			return
		}
	}
}

func (w *Write) enqueue(e *Entry) {
	s := w.shards[uint64(fingerprint(e))%uint64(len(w.shards))]
	for !s.append(e) {
		select {
		case <-s.room:
		case <-w.ctx.Done():
			return
		}
	}
}

// fingerprint is loki.write's choice of a shard. The real one includes internal labels, which sources hardly send.
func fingerprint(e *Entry) model.Fingerprint { return e.Labels.FastFingerprint() }

// Stop ends the loki.write as Alloy does when it ends in order: what is queued is sent, for DrainTimeout at most. While a queue is full it
// waits for room first, as the real one does. It returns when all is over. Nothing may be sent any more.
func (w *Write) Stop() {
	w.once.Do(func() { close(w.stop) })
	<-w.fed
	for _, s := range w.shards {
		s.close()
	}
	hard := time.AfterFunc(w.cfg.DrainTimeout, w.cancel)
	w.wg.Wait()
	hard.Stop()
	w.cancel()
}

// Kill ends it at once, as the end of the process does. What it had is lost, but for a push that Loki has already begun to take.
func (w *Write) Kill() {
	w.cancel()
	w.wg.Wait()
}

// send pushes one batch until it is taken or given up. Source: shards.sendBatch.
func (w *Write) send(batch []*Entry) {
	retries := backoff.New(w.ctx, backoff.Config{
		MinBackoff: w.cfg.MinBackoff, MaxBackoff: w.cfg.MaxBackoff, MaxRetries: w.cfg.MaxBackoffRetries,
	})
	for {
		ctx, cancel := context.WithTimeout(w.ctx, w.cfg.RemoteTimeout)
		status := w.to.Push(ctx, batch)
		cancel()
		if status/100 == 2 {
			return
		}
		if status > 0 && status != 429 && status/100 != 5 {
			break
		}
		retries.Wait()
		if !retries.Ongoing() {
			break
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dropped += len(batch)
}
