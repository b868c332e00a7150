//go:build !race

package delivery

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// world is a pipeline and a destination that a window looks at, in steps of a second. Copies of
// one route leave the pipeline in order, one after the other; the one in front may be stuck for
// hours, and is then stored or dropped.
type world struct {
	*rig
	rand   *rand.Rand
	now    time.Duration
	routes [][]*flight
	copies map[string]int // that can still arrive
	stored map[string]int
	times  map[string]time.Duration
	broken time.Duration // the pipeline is stuck until
	drops  float64
	asked  time.Duration // a query is under way since; 0: none
	events []Event
	found  map[string]bool
	done   time.Duration // its answer comes; negative: it fails
	pages  int
	calm   bool

	retried int
	gaveUp  map[string]bool
}

type flight struct{ uuid string }

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{
		rig: newRig(t), rand: rand.New(rand.NewPCG(seed, 12)), copies: map[string]int{},
		stored: map[string]int{}, times: map[string]time.Duration{}, now: time.Second, gaveUp: map[string]bool{},
	}
	w.routes = make([][]*flight, 1+w.rand.IntN(3))
	return w
}

// send delivers an event. No other copy of it may be able to arrive, or have arrived.
func (w *world) send(p *Page[int], uuid string) {
	require.Zero(w.t, w.copies[uuid]+w.stored[uuid], "%s is delivered again at %s while a copy of it can arrive", uuid, w.now)
	route := w.rand.IntN(len(w.routes))
	w.copies[uuid]++
	w.routes[route] = append(w.routes[route], &flight{uuid})
	w.deliver(p, uuid, uint64(route), w.times[uuid], w.now)
}

// flow moves the pipeline on.
func (w *world) flow() {
	if w.now < w.broken {
		return
	}
	if !w.calm && w.rand.IntN(1500) == 0 {
		w.broken = w.now + time.Duration(w.rand.ExpFloat64()*float64(10*time.Minute))
		if len(w.routes) > 1 { // what nothing can judge counts as lost after strandedAfter
			w.broken = min(w.broken, w.now+time.Hour)
		}
		w.drops = w.rand.Float64()
	}
	for i, queue := range w.routes {
		for n := w.rand.IntN(5); n > 0 && len(queue) > 0; n-- {
			uuid := queue[0].uuid
			queue = queue[1:]
			w.copies[uuid]--
			if w.calm || w.rand.Float64() >= w.drops {
				w.stored[uuid]++
			}
		}
		w.routes[i] = queue
	}
	w.drops *= 0.99
}

// query takes the answer that is due and sends the next query. The destination looks at any
// moment between the two.
func (w *world) query() {
	if w.asked > 0 && w.found == nil && (w.rand.IntN(3) == 0 || w.now >= w.done) {
		w.found = map[string]bool{}
		for _, e := range w.events {
			if w.stored[e.UUID] > 0 {
				w.found[e.UUID] = true
			}
		}
	}
	if w.asked > 0 && w.now >= w.done {
		if w.calm || w.rand.IntN(10) > 0 { // else it failed
			for _, g := range w.Learn(at(w.asked), at(w.now), w.events, w.found).GaveUp {
				w.gaveUp[g.UUID] = true
			}
		}
		w.asked, w.found = 0, nil
		w.Commit()
	}
	if w.asked == 0 {
		if w.events = w.Due(at(w.now)); len(w.events) > 0 {
			w.asked, w.done = w.now, w.now+time.Duration(w.rand.IntN(3))*time.Second
			if w.rand.IntN(50) == 0 && !w.calm {
				w.done += 3 * time.Minute
			}
		}
	}
}

// step is a second.
func (w *world) step() {
	w.now += time.Second
	w.flow()
	w.query()
	for _, p := range w.Retry(at(w.now)) {
		for _, rec := range append([]*record[int](nil), p.records...) {
			if w.Redeliver(rec.uuid, at(w.now)) && (w.calm || w.rand.IntN(20) > 0) { // else a stop
				w.send(p, rec.uuid)
				w.retried++
			}
		}
	}
	n := w.rand.IntN(4)
	if w.rand.IntN(3) > 0 {
		n = 0
	}
	if hold := w.Hold(at(w.now)); hold != Open {
		n = 0
		if w.Probe(hold, at(w.now)) {
			n = 1
		}
	}
	p := NewPage(w.pages, w.pages+1, n, 1000*n)
	w.pages++
	for i := range n {
		uuid := fmt.Sprintf("%d-%d", w.pages, i)
		w.times[uuid] = w.now
		w.send(p, uuid)
	}
	w.Add(p)
}

// Random schedules of deliveries, outages, drops, and answers that are late or fail. Never is
// an event delivered again that has arrived or can arrive, and in the end nothing is missing but what was given up.
func TestRandomSchedules(t *testing.T) {
	for i := range 20 {
		seed := rand.Uint64()
		if i < 10 {
			seed = uint64(i)
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newWorld(t, seed)
			for w.now < 4*time.Hour {
				w.step()
			}
			w.calm, w.broken = true, 0
			for end := w.now + 10*time.Hour; w.now < end; {
				w.step()
			}
			for uuid, when := range w.times {
				if when < 4*time.Hour {
					require.False(t, w.Has(uuid), "%s still waits", uuid)
					require.NotEqual(t, w.gaveUp[uuid], w.stored[uuid] > 0, "%s is stored or given up", uuid)
				}
			}
			require.Greater(t, len(w.times), 1000)
			t.Log(len(w.times), "events,", w.retried, "delivered again,", len(w.gaveUp), "given up")
		})
	}
}
