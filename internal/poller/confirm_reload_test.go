package poller

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/reconcile"
)

// view is how one configuration sees a destination.
type view struct {
	*destination
	sees func(uuid string) bool // nil: everything
	name string                 // its selector; "": the destination's

	takes time.Duration // from looking to answering
}

func (v *view) Selector() string {
	if v.name == "" {
		return v.destination.Selector()
	}
	return v.name
}

func (v *view) Find(ctx context.Context, events []reconcile.Event) (map[string]bool, error) {
	found, err := v.destination.Find(ctx, events)
	for uuid := range found {
		if v.sees != nil && !v.sees(uuid) {
			delete(found, uuid)
		}
	}
	time.Sleep(v.takes)
	return found, err
}

// labeled notes under which configuration each event was sent, and blocks when it has taken so many.
type labeled struct {
	*destination
	id   string
	by   map[string]string
	left int // negative: takes everything
}

func (l *labeled) Send(ctx context.Context, e event.Entry) error {
	if l.left == 0 {
		<-ctx.Done()
		return ctx.Err()
	}
	l.left--
	l.by[e.Line] = l.id
	return l.destination.Send(ctx, e)
}

func TestReconcileGoesOnWhenAReloadPutsTheSelectorRight(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Generate(3000, time.Hour)
		s.sees = func(string) bool { return false }
		s.run()
		time.Sleep(5 * time.Minute)
		require.ErrorIs(t, s.status.Snapshot().Unconfirmable().Err, ErrNothingArrives)

		s.stop()
		s.id, s.sees = "two", nil
		s.run()
		s.org.Generate(10, time.Second)
		time.Sleep(2 * time.Minute)
		s.requireExactlyOnce()
		require.NoError(t, s.status.Snapshot().Unconfirmable().Err)
		require.Zero(t, s.status.Snapshot().Unconfirmed)
		last, _ := s.saved().Last()
		require.Contains(t, last.Cursor, "after=")
	})
}

func TestReconcileMidPageReloadWithNewLabels(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Generate(10, time.Second)
		by := map[string]string{}
		s.sink, s.sees = &labeled{s.to, "one", by, 410}, func(uuid string) bool { return by[uuid] == "one" }
		s.run()
		time.Sleep(time.Minute)
		s.org.Generate(1000, time.Second)
		time.Sleep(time.Minute) // 400 of the page are sent

		s.stop()
		s.id = "two"
		s.sink, s.sees = &labeled{s.to, "two", by, -1}, func(uuid string) bool { return by[uuid] == "two" }
		s.run()
		for range 10 {
			s.org.Generate(10, time.Second)
			time.Sleep(time.Minute)
		}
		s.requireExactlyOnce()
		require.Zero(t, s.status.Snapshot().Unconfirmed)
	})
}

func TestReconcileDoesNotWaitForARemovedDestination(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Generate(100, time.Minute)
		s.run()
		time.Sleep(3 * time.Minute) // what comes now is of this process
		old := s.to
		old.set(func() { old.down, old.lose = true, func(string) bool { return true } })
		s.org.Generate(100, time.Second)
		time.Sleep(20 * time.Second) // delivered; the old Loki is switched off

		s.stop()
		s.id, s.to = "two", newDestination()
		s.run()
		s.org.Generate(100, time.Second)
		time.Sleep(time.Minute)
		_, arrived := s.to.counts()
		require.Equal(t, map[int]int{1: 100}, arrived, "what is new is delivered")
		for range 3 {
			time.Sleep(10 * time.Minute)
			s.org.Generate(10, time.Second)
		}
		time.Sleep(time.Minute)
		_, arrived = s.to.counts()
		require.Equal(t, map[int]int{1: 230}, arrived, "what the old one cannot be asked about goes to the new one in the end")
		require.Zero(t, s.status.Snapshot().Unconfirmed)
		require.NoError(t, s.status.Snapshot().Unconfirmable().Err)
	})
}

func TestReconcileStartWaitsForAKilledProcessPush(t *testing.T) {
	for name, takes := range map[string]time.Duration{"at once": 0, "an answer that takes longer than the push": 12 * time.Second} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, s *site) {
				s.org.Generate(100, time.Minute)
				s.run()
				time.Sleep(62 * time.Second)
				s.org.Generate(100, time.Second)
				for sent, _ := s.to.counts(); sent[1] < 200; sent, _ = s.to.counts() {
					time.Sleep(100 * time.Millisecond)
				}
				// All is in a push that a slow Loki has taken but not stored when the process is killed.
				s.to.set(func() {
					for i := range s.to.flying {
						s.to.flying[i].lands = time.Now().Add(5 * time.Second)
					}
				})
				s.stop()
				s.process()
				s.takes = takes
				s.run()
				time.Sleep(2 * time.Minute)
				s.requireExactlyOnce()
			})
		})
	}
}

func TestReconcileStartWithNewLabelsFindsTheOldOnes(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		by := map[string]string{}
		labels := func(label string) {
			s.sink = &labeled{s.to, label, by, -1}
			s.id, s.finds, s.sees = label, label, func(uuid string) bool { return by[uuid] == label }
		}
		s.before = func(label string) Confirmer {
			return &view{s.to, func(uuid string) bool { return by[uuid] == label }, label, 0}
		}
		for _, label := range []string{"one", "two", "three"} {
			labels(label)
			s.run()
			s.org.Generate(2500, time.Second)
			time.Sleep(time.Second) // all of it is delivered, and none of it confirmed
			s.stop()
			time.Sleep(10 * time.Second) // loki.write drains
			s.process()
		}
		labels("four")
		s.run()
		for range 10 {
			s.org.Generate(10, time.Second)
			time.Sleep(time.Minute)
		}
		s.requireExactlyOnce()
		require.Zero(t, s.status.Snapshot().Unconfirmed)
		require.Empty(t, s.saved().Delivery.Selectors, "nothing is under way any more")
	})
}

// Loki does not show a flushed chunk before the time of its first entry has come.
func TestReconcileDoesNotTakeWhatLiesInTheFutureForLost(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Set(func(o *oktasim.Org) { o.Clock = 10 * time.Minute })
		s.takes = 2 * time.Second // in which the time of an event can come
		var mu sync.Mutex
		published := map[string]time.Time{}
		feed := func() {
			s.org.Generate(20, time.Second)
			mu.Lock()
			defer mu.Unlock()
			for _, raw := range s.org.Events() {
				events, err := event.Scan([]byte("[" + string(raw) + "]"))
				require.NoError(t, err)
				published[string([]byte(events[0].UUID))] = events[0].Published
			}
		}
		feed()
		s.run()
		time.Sleep(time.Minute) // the configuration is known to work
		s.stop()
		hidden := 0
		s.sees = func(uuid string) bool { // every other chunk is flushed
			mu.Lock()
			defer mu.Unlock()
			if published[uuid].Unix()/60%2 == 0 && published[uuid].After(time.Now()) {
				hidden++
				return false
			}
			return true
		}
		s.run()
		for i := range 30 {
			feed()
			time.Sleep(30 * time.Second)
			if i == 20 {
				s.stop()
				s.to.die()
				s.process()
				s.run()
			}
		}
		time.Sleep(time.Hour)
		s.requireExactlyOnce()
		require.Positive(t, hidden)
		require.Zero(t, s.status.Snapshot().Unconfirmed)
	})
}
