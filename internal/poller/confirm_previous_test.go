// option: reconcile

package poller

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/reconcile"
)

// locked is a view that refuses everything while its password is wrong.
type locked struct {
	Confirmer
	wrong bool
}

func (l *locked) Find(ctx context.Context, events []reconcile.Event) (map[string]bool, error) {
	if l.wrong {
		return nil, errors.New("401")
	}
	return l.Confirmer.Find(ctx, events)
}

// A reload with the right password also serves what the previous process delivered under another selector.
func TestANewPasswordServesPreviousSelectors(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		first, second := &labeled{s.to, "one", -1}, &labeled{s.to, "two", -1}
		s.sink, s.finds = first, first.selects()
		s.to.blind(true)
		s.run()
		s.org.Generate(100, time.Second)
		time.Sleep(30 * time.Second)
		s.stop()
		s.process()
		s.to.blind(false)
		s.id, s.sink, s.finds = "two", second, second.selects()
		wrong := true
		s.before = func(selector string) Confirmer { return &locked{s.view(selector), wrong} }
		s.run()
		time.Sleep(time.Minute)
		require.ErrorContains(t, s.status.Snapshot().Unconfirmable().Err, "401")
		s.stop()
		wrong = false
		s.run()
		s.org.Generate(10, time.Second)
		time.Sleep(5 * time.Minute)
		require.NoError(t, s.status.Snapshot().Unconfirmable().Err)
		s.requireExactlyOnce()
	})
}

func TestASilentPreviousLokiCostsFewQueries(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Generate(100, time.Minute)
		s.run()
		time.Sleep(3 * time.Minute)
		s.to.down(true)
		s.to.lose(everything)
		s.org.Generate(100, time.Second)
		time.Sleep(20 * time.Second)
		s.stop()
		s.id, s.to = "two", newPipeline(t)
		s.run()
		time.Sleep(9 * time.Minute)
		require.LessOrEqual(t, s.to.Stats().Queries, 9*6+5, "one an interval")
	})
}

// A rename has another file: what was under way is known to the next process all the same.
func TestARenameTakesItsJournalAlong(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.to.hide(3 * time.Hour)
		s.org.Generate(3000, 20*time.Hour)
		s.run()
		time.Sleep(10 * time.Minute)
		s.stop()
		s.dir = t.TempDir()
		s.run()
		time.Sleep(time.Minute)
		s.stop()
		s.process() // and then the process is killed
		s.run()
		time.Sleep(10 * time.Minute)
		sent, _ := s.to.counts()
		require.Equal(t, map[int]int{1: 3000}, sent)
	})
}
