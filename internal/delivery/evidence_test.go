package delivery

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLosesOnlyWhatWasOvertaken(t *testing.T) {
	for name, c := range map[string]struct {
		route       uint64        // of the later event
		seen, asked time.Duration // when the later one is found, when the query for the earlier one is sent
		after       time.Duration // its answer comes so much later
		lost        bool
	}{
		"nothing later arrived":        {1, 0, 24 * time.Hour, 0, false},
		"visible for ten seconds":      {1, 5 * time.Second, 15 * time.Second, 0, true},
		"visible for less":             {1, 5 * time.Second, 14 * time.Second, 0, false},
		"the query was sent before":    {1, 5 * time.Second, 14 * time.Second, time.Hour, false},
		"another route":                {2, 5 * time.Second, time.Hour, 0, false},
		"another route, after 2 hours": {2, 5 * time.Second, strandedAfter, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.page(1, 0, "a")
			p := NewPage(1, 2, 1, 1000)
			r.deliver(p, "b", c.route, time.Second, time.Second)
			r.Add(p)
			if c.seen > 0 {
				require.Equal(t, 1, r.ask(c.seen, "b").Arrived)
			}
			r.due(c.asked) // the owner looks before it sends
			r.askAt(c.asked, c.asked+c.after)
			require.Equal(t, c.lost, len(r.lost(c.asked+c.after)) == 1)
		})
	}
}

// Loki takes a part of a batch and answers 429 for one of its streams: loki.write sends all of it again.
func TestALaterBatchIsTheProof(t *testing.T) {
	r := newRig(t)
	r.page(1, 0, "a", "b")
	r.askAt(3*time.Second, 3*time.Second, "b")
	r.due(time.Hour)
	r.askAt(time.Hour, time.Hour)
	require.Empty(t, r.lost(time.Hour), "the batch may be under way again")
	r.page(2, time.Hour, "c")
	r.askAt(time.Hour+3*time.Second, time.Hour+3*time.Second, "c")
	r.due(time.Hour + 4*time.Second)
	r.askAt(time.Hour+4*time.Second, time.Hour+4*time.Second)
	require.Equal(t, []string{"a"}, r.lost(time.Hour+4*time.Second))
}

func TestAnEarlierEventProvesNothing(t *testing.T) {
	r := newRig(t)
	r.page(1, 0, "a")
	r.page(2, 0, "b")
	for now := 5 * time.Second; now < 5*time.Hour; now += time.Minute {
		r.due(now)
		r.askAt(now, now, "a")
	}
	require.Empty(t, r.lost(5*time.Hour))
}

func TestCountsWhatIsAssumedLost(t *testing.T) {
	r := newRig(t)
	r.page(1, 0, "a")
	p := NewPage(1, 2, 1, 1000)
	r.deliver(p, "b", 2, time.Second, time.Second)
	r.Add(p)
	r.ask(5*time.Second, "b")
	assumed := 0
	for now := 10 * time.Second; now < strandedAfter+time.Minute; now += 10 * time.Second {
		if len(r.due(now)) > 0 { // which may be what notices
			assumed += r.ask(now).Assumed
		}
	}
	require.Equal(t, []string{"a"}, r.lost(strandedAfter+time.Minute))
	require.Equal(t, 1, assumed)
}

func TestGivesUpAfterThreeLosses(t *testing.T) {
	r := newRig(t)
	p := r.page(1, 0, "a", "other")
	end, now := 1, time.Duration(0)
	retried := []time.Duration{}
	var gaveUp []GaveUp
	for ; now < time.Hour; now += 10 * time.Second {
		end++
		later := named("later"+now.String(), 1)
		r.page(end, now, later...)
		r.due(now + 5*time.Second)
		gaveUp = append(gaveUp, r.ask(now+5*time.Second, later...).GaveUp...)
		r.due(now + 9*time.Second)
		gaveUp = append(gaveUp, r.ask(now+9*time.Second).GaveUp...)
		if r.Redeliver("other", at(now+9*time.Second)) {
			r.Drop("other")
		}
		for _, pg := range r.Retry(at(now + 9*time.Second)) {
			require.Same(t, p, pg)
			require.Equal(t, []string{"a"}, r.Lost(pg, at(now+9*time.Second)))
			r.deliver(p, "a", 1, 0, now+9*time.Second)
			retried = append(retried, now)
		}
	}
	require.Len(t, retried, 2)
	require.Less(t, retried[0], time.Minute, "at once")
	require.GreaterOrEqual(t, retried[1]-retried[0], lastRetryAfter)
	require.Equal(t, []GaveUp{{"a", at(0)}}, gaveUp)
	_, moved := r.Commit()
	require.True(t, moved)
	require.True(t, r.Empty())
}

// A page that is asked about before it is delivered again names what waits twice.
func TestAnEventThatIsAskedForTwice(t *testing.T) {
	r := newRig(t)
	r.page(1, 0, "a", "b")
	r.page(2, time.Second, "c")
	r.ask(3*time.Second, "c")
	a, b := Event{UUID: "a", Time: at(0)}, Event{UUID: "b", Time: at(0)}
	r.due(time.Minute)
	r.index["a"].losses = maxLosses - 1
	out := r.Learn(at(time.Minute), at(time.Minute), []Event{a, a, b}, nil)
	require.Len(t, out.GaveUp, 1)
	require.Equal(t, []string{"b"}, r.lost(time.Minute))
	end, _ := r.Commit()
	require.Zero(t, end, "the other event of the page waits")
}

func TestLosesNothingBeforeTheConfigurationWorks(t *testing.T) {
	r := newRig(t)
	r.Rules = rules("two")
	r.page(1, 0, "a")
	r.page(2, time.Second, "b")
	for now := 5 * time.Second; now < 2*time.Hour; now += time.Minute {
		r.due(now)
		r.ask(now)
		require.Empty(t, r.Retry(at(now)))
	}
	require.Equal(t, "one", r.Trusted)

	// b was delivered under it: it works, and what came before b is lost.
	now := 2 * time.Hour
	r.ask(now, "b")
	require.Equal(t, "two", r.Trusted)
	require.Equal(t, []string{"a"}, r.due(now+overtakenAfter))
	r.ask(now + overtakenAfter)
	require.Equal(t, []string{"a"}, r.lost(now+overtakenAfter))
}

func TestTrustComesFromItsOwnDeliveries(t *testing.T) {
	r := newRig(t)
	r.Rules = rules("one")
	r.Trusted = ""
	r.page(1, 0, "old")
	r.Rules = rules("two")
	p := NewPage(1, 2, 1, 1000)
	r.Leave(p, Event{UUID: "left", Time: at(0)}, at(time.Minute), at(time.Second))
	r.Add(p)
	r.ask(2*time.Second, "old", "left")
	require.Empty(t, r.Trusted, "neither was delivered under it")
	r.page(3, 3*time.Second, "new")
	r.ask(5*time.Second, "new")
	require.Equal(t, "two", r.Trusted)
}

func TestWhatAPreviousProcessLeft(t *testing.T) {
	r := newRig(t)
	p := NewPage(0, 1, 2, 2000)
	for _, uuid := range []string{"a", "b"} {
		r.Leave(p, Event{UUID: uuid, Time: at(0)}, at(10*time.Second), at(0))
	}
	r.Add(p)
	r.Leave(NewPage(5, 6, 1, 1), Event{UUID: "a"}, at(0), at(0)) // is there already
	require.Equal(t, []string{"a", "b"}, r.due(0))
	r.ask(9 * time.Second)
	require.Empty(t, r.lost(9*time.Second), "its last push may be on its way")
	r.ask(10*time.Second, "b")
	require.Equal(t, []string{"a"}, r.lost(10*time.Second))
	r.Retry(at(10 * time.Second))
	r.deliver(p, "a", 1, 0, 10*time.Second)
	require.EqualValues(t, 0, r.index["a"].losses, "its first delivery here")
}

func TestWhatIsNoLongerInTheLogIsGivenUp(t *testing.T) {
	r := newRig(t)
	p := r.page(1, 0, "a")
	_, lost := r.GiveUp("a", at(0))
	require.False(t, lost, "it may still arrive")
	for i := 0; !r.Empty(); i++ {
		now := time.Duration(i) * 10 * time.Second
		require.Less(t, now, time.Minute, "at once")
		later := named("later"+now.String(), 1)
		r.page(i+2, now+time.Second, later...)
		r.due(now + 4*time.Second)
		require.Empty(t, r.ask(now+4*time.Second, later...).GaveUp)
		for _, pg := range r.Retry(at(now + 5*time.Second)) {
			require.Same(t, p, pg)
			gaveUp, lost := r.GiveUp("a", at(now+5*time.Second))
			require.True(t, lost)
			require.Equal(t, GaveUp{"a", at(0)}, gaveUp)
			require.Empty(t, r.Lost(pg, at(now+5*time.Second)))
		}
	}
	r.Commit()
	require.True(t, r.Empty())
}

func TestShown(t *testing.T) {
	const m, h = time.Minute, time.Hour
	for name, c := range map[string]struct {
		event, arrived, asked time.Duration
		want                  bool
	}{
		"fresh":                           {0, 0, 0, true},
		"in the future":                   {m, 0, 0, false},
		"its time has come":               {m, 0, m + skew, true},
		"its time has almost come":        {m, 0, m, false},
		"it arrived after its time":       {m, 2 * m, 2 * m, true},
		"as old as is shown":              {0, 150 * m, 150 * m, true},
		"too old, not flushed":            {0, 151 * m, 151 * m, false},
		"too old, flushed":                {0, 151 * m, 151*m + 4*h, true},
		"arrived fresh, asked too late":   {0, 0, 151 * m, false},
		"arrived fresh, asked much later": {0, 0, 4 * h, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			require.Equal(t, c.want, r.Shown(at(c.event), at(c.arrived), at(c.asked)))
			r.Rules = Rules{ID: "all"}
			require.Equal(t, c.want || c.event <= 0, r.Shown(at(c.event), at(c.arrived), at(c.asked)), "a Loki that shows any age")
		})
	}
}

func TestHiddenEventsAreNotLostBeforeTheyShow(t *testing.T) {
	r := newRig(t)
	p := NewPage(0, 1, 1, 1000)
	r.deliver(p, "old", 1, -10*time.Hour, 0)
	r.deliver(p, "fresh", 1, 0, 0)
	r.Add(p)
	r.ask(5*time.Second, "fresh")
	overtaken := 15 * time.Second
	r.due(overtaken)
	for now := overtaken; now < overtaken+4*time.Hour; now += 5 * time.Minute {
		r.ask(now)
		require.Empty(t, r.lost(now), "at %s", now)
	}
	r.ask(overtaken + 4*time.Hour)
	require.Equal(t, []string{"old"}, r.lost(overtaken+4*time.Hour))
}

// Another node may have delivered what was lost while this process was suspended: only a new answer can tell.
func TestDoubtAsksAgain(t *testing.T) {
	r := newRig(t)
	r.page(1, 0, "a", "b")
	r.page(2, time.Second, "c")
	r.askAt(5*time.Second, 5*time.Second, "b")
	r.due(6 * time.Second)
	r.page(3, 7*time.Second, "d")
	r.askAt(20*time.Second, 20*time.Second, "c", "d")
	r.due(40 * time.Second)
	r.askAt(40*time.Second, 40*time.Second)
	require.Equal(t, []string{"a"}, r.lost(40*time.Second))
	r.Doubt(at(41 * time.Second))
	require.Empty(t, r.lost(41*time.Second))
	require.Equal(t, 1, len(r.Due(at(41*time.Second))), "it is queried for at once")
	r.askAt(42*time.Second, 42*time.Second)
	require.Equal(t, []string{"a"}, r.lost(42*time.Second))
}
