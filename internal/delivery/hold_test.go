package delivery

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestHoldsWhileSomethingIsMissing(t *testing.T) {
	r := newRig(t)
	r.page(1, 0, "a")
	require.Equal(t, Open, r.Hold(at(missingAfter-1)))
	require.Equal(t, Missing, r.Hold(at(missingAfter)))
	require.False(t, r.Probe(Open, at(missingAfter)))
	require.True(t, r.Probe(Missing, at(missingAfter)))

	r.page(2, missingAfter, "probe")
	require.False(t, r.Probe(Missing, at(2*missingAfter-1)))
	require.True(t, r.Probe(Missing, at(2*missingAfter)))
	r.ask(2*missingAfter, "probe")
	now := 2*missingAfter + overtakenAfter
	r.due(now)
	r.ask(now)
	require.Equal(t, Open, r.Hold(at(now)), "the pipeline works, and a retry is due")
	require.Equal(t, []string{"a"}, r.lost(now))
}

// Who reads it at night sees 500 events unconfirmed, and must see that these may be enough.
func TestTheReasonForAHoldNamesTheLimits(t *testing.T) {
	require.Contains(t, string(Full), fmt.Sprintf("%d,000 events, %d MiB, or %.0f minutes of events", maxEvents/1000, maxBytes>>20,
		maxSpan.Minutes()))
}

func TestHoldsWhenFull(t *testing.T) {
	for name, c := range map[string]struct {
		events, bytes int
		step          time.Duration
		want          Hold
	}{
		"few":             {1000, 1000, 0, Open},
		"many":            {maxEvents, 1000, 0, Full},
		"not quite many":  {maxEvents - 1, 1000, 0, Open},
		"large":           {1000, maxBytes/1000 + 1, 0, Full},
		"far apart":       {1000, 1000, maxSpan/999 + 1, Full},
		"not quite apart": {1000, 1000, maxSpan / 1000, Open},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			p := NewPage(0, 1, c.events, c.events*c.bytes)
			now := time.Duration(c.events) * c.step
			for i, uuid := range named("e", c.events) {
				r.deliver(p, uuid, 1, time.Duration(i)*c.step, now)
			}
			r.Add(p)
			require.Equal(t, c.want, r.Hold(at(now)))
			require.Equal(t, c.want == Full, r.Probe(c.want, at(now+missingAfter)))
		})
	}
}

// What was lost and is delivered again is behind the others whatever follows.
func TestALossDoesNotWidenTheSpan(t *testing.T) {
	r := newRig(t)
	p := r.page(1, 0, "a")
	r.page(2, time.Second, "b")
	r.ask(3*time.Second, "b")
	r.due(13 * time.Second)
	r.ask(13 * time.Second)
	r.page(3, maxSpan, "c")
	require.Equal(t, Open, r.Hold(at(maxSpan)))
	r.deliver(p, "a", 1, 0, maxSpan)
	require.Equal(t, Open, r.Hold(at(maxSpan)))
}

func TestStrandedEventsHoldNothingUp(t *testing.T) {
	r := newRig(t)
	r.page(1, 0, "a")
	p := NewPage(1, 2, 1, 1000)
	r.deliver(p, "b", 2, time.Second, time.Second)
	r.Add(p)
	require.Equal(t, Missing, r.Hold(at(missingAfter+time.Second)))
	r.ask(missingAfter+time.Second, "b")
	r.due(missingAfter + time.Minute)
	require.Equal(t, Open, r.Hold(at(missingAfter+time.Minute)), "later events of another route arrive")
	require.Equal(t, Open, r.Hold(at(strandedAfter-1)))
	require.Zero(t, r.Stats(at(missingAfter+time.Minute)).Telling, "it says nothing about the pipeline")

	q := NewPage(2, 3, 1, 1000)
	r.deliver(q, "c", 1, time.Hour, time.Hour)
	r.Add(q)
	require.Equal(t, Missing, r.Hold(at(time.Hour+missingAfter)), "nothing later at all")
}

func TestStrandedEventsAreBounded(t *testing.T) {
	r := newRig(t)
	p := NewPage(0, 1, maxHidden, maxHidden)
	for _, uuid := range named("a", maxHidden) {
		r.deliver(p, uuid, 1, 0, 0)
	}
	r.deliver(p, "b", 2, 0, 0)
	r.Add(p)
	r.ask(missingAfter, "b")
	r.due(missingAfter + time.Minute)
	require.Equal(t, Full, r.Hold(at(missingAfter+time.Minute)))
	r.Drop("a0")
	require.Equal(t, Open, r.Hold(at(missingAfter+time.Minute)))
}

func TestHiddenEventsHoldOnlyTheUnknown(t *testing.T) {
	r := newRig(t)
	r.Trusted = ""
	p := NewPage(0, 1, maxHidden, maxHidden)
	for _, uuid := range named("old", maxHidden) {
		r.deliver(p, uuid, 1, -10*time.Hour, 0)
	}
	r.Add(p)
	require.Equal(t, Hidden, r.Hold(at(0)), "a configuration that was never seen to work")
	require.Zero(t, r.Trim(at(0)))
	require.False(t, r.Probe(Hidden, at(time.Hour)))
	require.Equal(t, at(0), r.Stats(at(0)).Telling, "everything says something then")
	require.Equal(t, maxHidden, r.Stats(at(0)).Hidden)
	require.Equal(t, at(4*time.Hour), r.Stats(at(0)).Shown)

	r.Trusted = "one"
	require.Equal(t, Open, r.Hold(at(time.Hour)))
	require.Zero(t, r.Stats(at(0)).Telling)
	require.Zero(t, r.Trim(at(0)))
}

func TestTrimsTheOldestHidden(t *testing.T) {
	r := newRig(t)
	p := NewPage(0, 1, maxHidden+10, maxHidden+10)
	for _, uuid := range named("fresh", 10) { // may be lost
		r.deliver(p, uuid, 1, 0, 0)
	}
	for _, uuid := range named("old", maxHidden+10) {
		r.deliver(p, uuid, 1, -10*time.Hour, 0)
	}
	r.Add(p)
	require.Equal(t, 10, r.Trim(at(0)))
	require.False(t, r.Has("old9"))
	require.True(t, r.Has("old10"))
	require.True(t, r.Has("fresh0"))
	require.Zero(t, r.Trim(at(0)))
}

// With our clock behind Okta's every event lies in the future at first.
func TestAFutureEventIsHiddenUntilItsTime(t *testing.T) {
	r := newRig(t)
	p := NewPage(0, 1, 1, 1000)
	r.deliver(p, "a", 1, time.Minute, 0)
	r.Add(p)
	require.Equal(t, 1, r.Stats(at(time.Minute)).Hidden)
	require.Equal(t, at(time.Minute+skew), r.Stats(at(time.Minute)).Shown)
	require.Zero(t, r.Stats(at(time.Minute+skew)).Hidden)
	require.Equal(t, at(0), r.Stats(at(time.Minute+skew)).Telling)
	require.Equal(t, Missing, r.Hold(at(missingAfter)), "a dead pipeline is noticed all the same")
}

// A back-fill into a dead pipeline is noticed when Loki must have shown it.
func TestAnOldEventIsMissingOnceFlushed(t *testing.T) {
	r := newRig(t)
	p := NewPage(0, 1, 1, 1000)
	r.deliver(p, "a", 1, -10*time.Hour, 0)
	r.Add(p)
	require.Equal(t, Open, r.Hold(at(4*time.Hour-1)))
	require.Equal(t, Missing, r.Hold(at(4*time.Hour)))
}

func TestStats(t *testing.T) {
	r := newRig(t)
	require.Equal(t, Stats{}, r.Stats(at(0)))
	p := r.page(1, 0, "a")
	r.page(2, time.Second, "b", "c")
	r.ask(3*time.Second, "c")
	r.due(13 * time.Second)
	r.ask(13 * time.Second)
	r.deliver(p, "a", 1, 0, 20*time.Second)
	require.Equal(t, Stats{Pages: 2, Waiting: 2, Since: at(0), Telling: at(20 * time.Second),
		Arrival: at(3 * time.Second)}, r.Stats(at(time.Minute)))
}

// Half of the proof is there, and a stage drops the event that would be the other half.
func TestProbesUntilTheProofIsThere(t *testing.T) {
	r := newRig(t)
	r.page(1, 0, "a", "b")
	r.askAt(missingAfter, missingAfter, "b")
	require.True(t, r.Probe(Missing, at(missingAfter)))
	r.page(2, missingAfter, "dropped")
	require.False(t, r.Probe(Missing, at(missingAfter+overtakenAfter-1)))
	require.True(t, r.Probe(Missing, at(missingAfter+overtakenAfter)))
	now := missingAfter + overtakenAfter
	r.page(3, now, "c")
	r.askAt(now+firstQuery, now+firstQuery, "c")
	r.due(now + overtakenAfter)
	require.Equal(t, Open, r.Hold(at(now+overtakenAfter)), "the proof is there")
}
