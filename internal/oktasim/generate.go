package oktasim

import (
	"cmp"
	"context"
	"time"
)

// Persistence follows published by this much, as near real time goes. The shortest is longer than any scene lasts.
const (
	shortestLag = 700 * time.Millisecond
	longestLag  = 2500 * time.Millisecond
)

const defaultLateBy = 10 * time.Minute

// Generate appends n lifelike events whose persistence is spread evenly over span before now; span 0 persists all of them now. Times before
// the newest event already visible become its time. With the same Seed, knobs and clock, an org that generates the same amounts in the same
// order has the same bytes.
func (o *Org) Generate(n int, span time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.generate(n, span, nil)
}

// generate is Generate; what is due, in the order of its persistence, goes between the events.
func (o *Org) generate(n int, span time.Duration, due []*scene) {
	now := o.now()
	until := func(at time.Time) {
		for len(due) > 0 && !due[0].persisted.After(at) {
			o.persist(due[0], len(due[0].events))
			due = due[1:]
		}
	}
	for done := 0; done < n; {
		at := now.Add(-span + time.Duration(float64(span)*float64(done+1)/float64(n)))
		until(at)
		done += o.happen(at, n-done)
	}
	until(now)
}

// Live appends events at this many per second until ctx ends, and returns ctx.Err(). Rates below one are fine; at a rate of zero or less
// nothing happens.
func (o *Org) Live(ctx context.Context, perSecond float64) error {
	if perSecond <= 0 {
		<-ctx.Done()
		return ctx.Err()
	}
	step := max(time.Duration(float64(time.Second)/perSecond), 50*time.Millisecond)
	tick := time.NewTicker(step)
	defer tick.Stop()
	start, done := time.Now(), 0
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case now := <-tick.C:
			due := int(now.Sub(start).Seconds()*perSecond + 1e-6)
			o.mu.Lock()
			for done < due {
				done += o.happen(o.now(), due-done)
			}
			o.mu.Unlock()
		}
	}
}

// happen lets one transaction take place, whose events are persisted at the
// given time, and returns how many of them, at most limit, were logged.
func (o *Org) happen(persisted time.Time, limit int) int {
	w := o.company()
	w.quiet = o.Quiet
	lag := w.lag()
	if w.chance(o.LateShare) {
		lag += time.Duration(w.rng.Int64N(int64(cmp.Or(o.LateBy, defaultLateBy))))
	}
	s := w.scene(persisted.Add(-lag))
	s.persisted = persisted
	logged := min(len(s.events), limit)
	o.persist(s, logged)
	return logged
}

// persist logs the first n events of a transaction at its time.
func (o *Org) persist(s *scene, n int) {
	now := o.now().UnixMilli()
	for i, e := range s.events[:n] {
		o.log.add(s.persisted.UnixMilli(), s.published[i].UnixMilli(), now, e)
	}
}

// lag is the time from an event to its persistence.
func (w *world) lag() time.Duration {
	return shortestLag + time.Duration(w.rng.Int64N(int64(longestLag-shortestLag)))
}

// scene lets one transaction happen, its first event published at this time.
func (w *world) scene(at time.Time) *scene {
	sum := 0
	for _, p := range everyday {
		if !w.quiet || !p.Alarming {
			sum += p.Weight
		}
	}
	roll := w.rng.IntN(sum)
	for i := range everyday { // the quiet ones first
		if roll -= everyday[i].Weight; roll < 0 {
			if scenes := w.perform(&everyday[i], at); len(scenes) > 0 {
				return scenes[0]
			}
			break
		}
	}
	return w.scene(at)
}

// company is the world of the org. The caller holds mu.
func (o *Org) company() *world {
	if o.world == nil {
		o.world = newWorld(o.Seed)
	}
	return o.world
}
