// option: reconcile

package poller

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/checkpoint"
)

// drainOf stops the poller soon after it delivered something and returns how long it drains.
func (s *site) drainOf(n int) time.Duration {
	s.logged("last", n)
	time.Sleep(10*time.Second + 500*time.Millisecond) // polled, and not landed
	s.stop()
	s.stop = func() {}
	begin := time.Now()
	s.poller.Drain(context.Background())
	return time.Since(begin)
}

// stopWithUnderWay stops the poller after it delivered what is not seen to arrive, because of what fault does.
func (s *site) stopWithUnderWay(fault func()) {
	s.run()
	s.logged("first", 10)
	time.Sleep(5 * time.Minute)
	fault()
	s.logged("last", 100)
	time.Sleep(15 * time.Second)
	s.stop()
	s.stop = func() {}
}

func TestDrainConfirmsWhatIsUnderWay(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.run()
		s.logged("first", 10)
		time.Sleep(5 * time.Minute)
		require.Less(t, s.drainOf(100), 5*time.Second)
		require.True(t, s.memory.window.Empty())
		s.requireExactlyOnce()
		last, _ := s.saved().Last()
		require.Equal(t, string(s.memory.at.cursor), last.Cursor, "another node goes on behind it")
	})
}

// What the poller before it delivered is confirmed, too, by one that was ended before it began: by a reload, its checkpoint unreadable.
func TestDrainConfirmsWhatAnEarlierPollerDelivered(t *testing.T) {
	for name, c := range map[string]struct {
		open   func() (*checkpoint.Journal, error)
		filter string
	}{
		"whose checkpoint cannot be read": {open: func() (*checkpoint.Journal, error) { return nil, os.ErrPermission }},
		"that still waited for its turn":  {},
		"with another filter":             {filter: `severity eq "WARN"`}, // whose cursors are not for that journal
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, s *site) {
				s.stopWithUnderWay(func() { s.to.blind(true) })
				s.configure = func(cfg *Config) {
					if cfg.Open = c.open; c.open == nil {
						cfg.Spread = time.Hour
					}
					cfg.Scope.Filter = c.filter
				}
				s.run()
				time.Sleep(100 * time.Millisecond)
				s.stop()
				s.stop = func() {}
				s.to.blind(false)
				require.True(t, s.poller.UnderWay())
				before, _ := s.saved().Last()
				s.poller.Drain(t.Context())
				if c.filter != "" {
					require.True(t, s.poller.UnderWay(), "as the next reader is told")
					last, _ := s.saved().Last()
					require.Equal(t, before, last)
					return
				}
				require.False(t, s.poller.UnderWay())
				s.requireExactlyOnce()
				last, _ := s.saved().Last()
				require.Equal(t, string(s.memory.at.cursor), last.Cursor, "another node goes on behind it")
			})
		})
	}
}

func TestDrainIsBounded(t *testing.T) {
	for name, c := range map[string]struct {
		lose func(string) bool
		most time.Duration
	}{
		"a pipeline that drops one": {func(uuid string) bool { return uuid == "last99" }, pipelineWorks + 20*time.Second},
		"a pipeline that is stuck":  {func(string) bool { return true }, drainMost + time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, s *site) {
				s.run()
				s.logged("first", 10)
				time.Sleep(5 * time.Minute)
				s.to.lose(c.lose)
				took := s.drainOf(100)
				require.LessOrEqual(t, took, c.most)
				require.Greater(t, took, c.most-30*time.Second)
			})
		})
	}
}

// Who has drained is in no trouble that others share: they would wait for it to be out of that, and never log that Loki answers again.
func TestDrainLeavesNoTroubleBehind(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		var shared Troubles
		s.configure = func(c *Config) { c.Troubles = &shared }
		s.stopWithUnderWay(func() { s.to.down(true) })
		s.poller.Drain(context.Background())
		require.False(t, s.memory.window.Empty())
		require.Error(t, s.status.Snapshot().Unconfirmable().Err, "it did ask")
		require.Empty(t, shared.open)
	})
}

func TestForgottenIsAllThatAPositionDependsOn(t *testing.T) {
	m := &Memory{past: past{unproven: &unproven{newest: time.Now()}}, at: position{cursor: "c"}, sent: time.Now()}
	m.Forget()
	require.Equal(t, &Memory{}, m)
}
