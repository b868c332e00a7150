package pipesim

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/grafana/loki/pkg/push"
	"github.com/prometheus/common/model"
	"github.com/tidwall/gjson"

	"github.com/grafana/alloy/okta/internal/limits"
)

// Limits are Loki's settings of these names.
type Limits struct {
	MaxChunkAge            time.Duration // half of it is the out-of-order window
	ChunkIdlePeriod        time.Duration
	FlushCheckPeriod       time.Duration
	QueryIngestersWithin   time.Duration // 0: ingesters are always queried
	RejectOldSamplesMaxAge time.Duration // 0: nothing is refused for its age
}

// DefaultLimits are Loki's defaults. Rate limits are not simulated: Faults.Refuse can stand for one.
func DefaultLimits() Limits {
	return Limits{
		MaxChunkAge: limits.MaxChunkAge, ChunkIdlePeriod: limits.ChunkIdlePeriod, FlushCheckPeriod: limits.FlushCheckPeriod,
		QueryIngestersWithin: limits.QueryIngesters, RejectOldSamplesMaxAge: limits.MaxAge,
	}
}

// Faults are what is wrong with a Loki at the moment. The zero value is nothing.
type Faults struct {
	PushDown   bool                          // connections for pushes are refused
	PushStatus int                           // pushes are answered so and not stored; 0: they are stored
	PushTakes  time.Duration                 // until a push is stored and answered, also if the client is gone by then
	Refuse     func(model.LabelSet) int      // the status for entries of a stream, 0 to take them; nil: all are taken
	Lose       func(*Entry) bool             // entries that are acknowledged and not stored; nil: none
	Clock      time.Duration                 // Loki's ahead of ours
	QueryDown  bool                          // connections for queries are refused
	QueryTakes time.Duration                 // until a query is answered, as of when it came
	Hide       func(e *Entry, s string) bool // entries that a query with the selector s does not show although they match; nil: none
}

// Stats count what a Loki did.
type Stats struct {
	Pushes   map[int]int // by status; 0: refused connections
	Repeated int         // entries that loki.write pushed again after they had been stored
	TooFar   int         // entries refused as too far behind, each time
	TooOld   int         // entries refused for their age, or for being in the future, each time
	Limited  int         // entries refused by Faults.Refuse, each time
	Queries  int         // calls of Find
}

// An Entry is what one Send brought.
type Entry struct {
	UUID   string
	Labels model.LabelSet // without internal labels
	Stream string         // Labels as a string
	Time   time.Time
	Size   int // bytes, as loki.write counts
}

// UUID is the uuid of an event in either line format; of a line that is not JSON, the line itself.
func UUID(line string) string {
	if !strings.HasPrefix(line, "{") {
		return strings.Clone(line)
	}
	for _, path := range [...]string{"event.uuid", "uuid"} {
		if uuid := gjson.Get(line, path).Str; uuid != "" {
			return strings.Clone(uuid)
		}
	}
	return ""
}

func newEntry(labels model.LabelSet, e push.Entry) *Entry {
	external := labels
	for name := range labels {
		if strings.HasPrefix(string(name), "__") {
			external = labels.Clone()
			for name := range labels {
				if strings.HasPrefix(string(name), "__") {
					delete(external, name)
				}
			}
			break
		}
	}
	size := len(e.Line)
	for _, pair := range e.StructuredMetadata {
		size += pair.Size()
	}
	return &Entry{UUID: UUID(e.Line), Labels: external, Stream: external.String(), Time: e.Timestamp, Size: size}
}

// Loki is a Loki that a [Write] pushes to. It is safe for concurrent use.
type Loki struct {
	mu      sync.Mutex
	limits  Limits
	faults  Faults
	stats   Stats
	streams map[string]*stream
	held    map[string][]*stored // by uuid
}

// stored is an entry that Loki has.
type stored struct {
	entry *Entry
	chunk *chunk
}

// NewLoki returns an empty Loki.
func NewLoki(limits Limits) *Loki {
	return &Loki{limits: limits, streams: make(map[string]*stream), held: make(map[string][]*stored), stats: Stats{Pushes: make(map[int]int)}}
}

// now is Loki's time. The caller holds mu.
func (l *Loki) now() time.Time { return time.Now().Add(l.faults.Clock) }

// Set changes what is wrong.
func (l *Loki) Set(change func(*Faults)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(&l.faults)
}

// Push implements [Endpoint].
func (l *Loki) Push(ctx context.Context, batch []*Entry) int {
	l.mu.Lock()
	f := l.faults
	if f.PushDown || f.PushStatus != 0 {
		status := f.PushStatus
		if f.PushDown {
			status = 0
		}
		l.stats.Pushes[status]++
		l.mu.Unlock()
		return status
	}
	if f.PushTakes <= 0 {
		defer l.mu.Unlock()
		return l.store(batch)
	}
	l.mu.Unlock()
	answer := make(chan int, 1)
	time.AfterFunc(f.PushTakes, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		answer <- l.store(batch)
	})
	select {
	case status := <-answer:
		return status
	case <-ctx.Done():
		return 0
	}
}

// store takes what it can of a batch. The status is that of the last refusal, as Loki's ingester has it.
func (l *Loki) store(batch []*Entry) int {
	now, status := l.now(), http.StatusNoContent
	for _, e := range batch {
		if refused := l.take(e, now); refused != 0 {
			status = refused
		}
	}
	l.stats.Pushes[status]++
	return status
}

// take stores one entry, or returns the status with which it is refused.
func (l *Loki) take(e *Entry, now time.Time) int {
	if old := l.limits.RejectOldSamplesMaxAge; old > 0 && now.Sub(e.Time) > old || e.Time.Sub(now) > limits.MaxAhead {
		l.stats.TooOld++
		return http.StatusBadRequest
	}
	if l.faults.Refuse != nil {
		if status := l.faults.Refuse(e.Labels); status != 0 {
			l.stats.Limited++
			return status
		}
	}
	if l.faults.Lose != nil && l.faults.Lose(e) {
		return 0
	}
	s := l.streams[e.Stream]
	if s == nil {
		s = &stream{}
		l.streams[e.Stream] = s
	}
	s.sweep(&l.limits, now)
	if !s.newest.IsZero() && e.Time.Before(s.newest.Add(-l.limits.MaxChunkAge/2)) {
		l.stats.TooFar++
		return http.StatusBadRequest
	}
	s.add(&l.limits, e.Time, now)
	for _, had := range l.held[e.UUID] {
		if had.entry == e {
			l.stats.Repeated++
			return 0
		}
	}
	l.held[e.UUID] = append(l.held[e.UUID], &stored{e, s.chunk})
	return 0
}

// Put stores an event as another collector would, whatever the limits are.
func (l *Loki) Put(uuid string, labels model.LabelSet, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := &Entry{UUID: uuid, Labels: labels, Stream: labels.String(), Time: at}
	l.held[uuid] = append(l.held[uuid], &stored{e, &chunk{flushed: l.now()}})
}

// Remove takes events out of Loki for which gone returns true, as a deletion or the loss of a disk does.
func (l *Loki) Remove(gone func(*Entry) bool) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for uuid, all := range l.held {
		if gone(all[0].entry) {
			n++
			delete(l.held, uuid)
		}
	}
	return n
}

// Counts tells how many events Loki has so often.
func (l *Loki) Counts() map[int]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	counts := make(map[int]int)
	for _, copies := range l.held {
		counts[len(copies)]++
	}
	return counts
}

// Copies is how often Loki has an event: how many Sends of it were stored.
func (l *Loki) Copies(uuid string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.held[uuid])
}

// Compare returns which of uuids, each listed once, Loki lacks and which it has more than once, and the number
// of events that it has and that are not listed.
func (l *Loki) Compare(uuids []string) (missing, doubled []string, foreign int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	foreign = len(l.held)
	for _, uuid := range uuids {
		n := len(l.held[uuid])
		switch {
		case n == 0:
			missing = append(missing, uuid)
			continue
		case n > 1:
			doubled = append(doubled, uuid)
		}
		foreign--
	}
	return missing, doubled, foreign
}

// Stats returns what happened so far.
func (l *Loki) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	s.Pushes = make(map[int]int, len(l.stats.Pushes))
	for status, n := range l.stats.Pushes {
		s.Pushes[status] = n
	}
	return s
}
