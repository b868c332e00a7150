// option: reconcile, backfill

package takeover_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/stretchr/testify/require"
	"go.uber.org/atomic"

	"github.com/grafana/alloy/okta/internal/takeover"
)

// hermit is a script whose node may be alone.
type hermit struct {
	*script
	alone atomic.Bool
}

func (h *hermit) Alone() bool { return h.alone.Load() }

func (h *hermit) Owner(org string) (string, bool) {
	if h.Alone() {
		return "", true
	}
	return h.script.Owner(org)
}

// goroutines counts those that are in a package's code.
func goroutines(in string) (n int) {
	buf := make([]byte, 8<<20)
	for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(stack, in) {
			n++
		}
	}
	return n
}

// An org on a node that is alone needs no goroutine beside the one that reads it.
func TestASeatThatIsAloneStartsNoGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const seats = 20
		h := &hermit{script: &script{started: make(chan takeover.Start, seats)}}
		h.alone.Store(true)
		x := exchangeOf(t, h)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		for i := range seats {
			s := x.Seat(acme+strings.Repeat("x", i), credential)
			running.Go(func() { s.Run(ctx, h) })
		}
		for range seats {
			<-h.started
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, seats, goroutines("takeover.(*Seat)"))
		cancel()
		running.Wait()
	})
}

// Clustering may be switched on and off by a reload. Who was alone and keeps the org asks the others; who does not keep it drains.
func TestANodeThatWasAloneAsksTheOthers(t *testing.T) {
	for name, c := range map[string]struct {
		mine  bool
		other takeover.State
		want  takeover.State
	}{
		"it keeps the org, and nobody reads it": {true, takeover.None, takeover.Owned},
		"it keeps the org, and another reads":   {true, takeover.Owned, takeover.Acquiring},
		"it does not keep it":                   {false, takeover.Acquiring, takeover.Released},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &hermit{script: &script{started: make(chan takeover.Start, 1), mine: c.mine, secrets: map[string]string{"node2": secret},
					answers: map[string]takeover.Answer{"node2": {State: c.other}}}}
				h.alone.Store(true)
				x := exchangeOf(t, h)
				seat := x.Seat(acme, credential)
				leave := sits(t, seat, h)
				<-h.started
				time.Sleep(time.Minute)
				h.alone.Store(false)
				x.Changed()
				time.Sleep(4 * time.Second)
				state, _, _ := seat.State()
				require.Equal(t, c.want, state)
				if c.want == takeover.Owned {
					<-h.started
				}
				h.alone.Store(true)
				x.Changed()
				<-h.started
				state, _, _ = seat.State()
				require.Equal(t, takeover.Owned, state)
				leave()
			})
		})
	}
}

// One whose org leaves before it has asked gives it up all the same: who says that it reads an org is waited for without a bound.
func TestANodeThatWasAloneDoesNotKeepWhatLeavesBeforeItAsks(t *testing.T) {
	for name, underWay := range map[string]bool{"nothing is under way": false, "something is": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &hermit{script: &script{started: make(chan takeover.Start, 1), mine: true, secrets: map[string]string{"node2": secret},
					answers: map[string]takeover.Answer{"node2": {State: takeover.None}}}}
				h.alone.Store(true)
				x := exchangeOf(t, h)
				seat, r := x.Seat(acme, credential), &slowHermit{h, &slow{h.script, make(chan struct{})}}
				if !underWay {
					close(r.landed)
				}
				leave := sits(t, seat, r)
				<-h.started
				h.alone.Store(false) // in the first seconds of the process, when nobody is asked yet
				x.Changed()
				time.Sleep(time.Second)
				state, _, _ := seat.State()
				require.Equal(t, takeover.Acquiring, state)
				h.mu.Lock()
				h.mine = false
				h.mu.Unlock()
				x.Changed()
				time.Sleep(10 * time.Second)
				state, _, _ = seat.State()
				if underWay {
					require.Equal(t, takeover.Draining, state)
					close(r.landed)
					synctest.Wait()
					state, _, _ = seat.State()
					require.Equal(t, takeover.Released, state)
				} else {
					require.Equal(t, takeover.None, state)
				}
				leave()
			})
		})
	}
}

// slowHermit is a hermit that reads as slow does.
type slowHermit struct {
	*hermit
	*slow
}

func (h *slowHermit) Read(ctx context.Context, start takeover.Start) { h.slow.Read(ctx, start) }
func (h *slowHermit) Drain(ctx context.Context)                      { h.slow.Drain(ctx) }
func (h *slowHermit) UnderWay() bool                                 { return h.slow.UnderWay() }

// Who no longer wants an org, as a range that was removed, keeps nobody waiting for it.
func TestWhoWithdrawsSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{mine: true, secrets: map[string]string{"node2": secret},
			answers: map[string]takeover.Answer{"node2": {State: takeover.Owned}}}
		x := exchangeOf(t, s)
		seat, r := x.Seat(acme, credential), &slow{s, make(chan struct{})}
		close(r.landed)
		leave := sits(t, seat, r)
		time.Sleep(10 * time.Second)
		require.Contains(t, get(x, "").Body.String(), `"state":"acquiring"`)
		leave()
		require.Contains(t, get(x, "").Body.String(), `"state":"none"`)
	})
}

// Unless something is under way that it delivered before the org left and came back.
func TestWhoWithdrawsTellsWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{mine: true, started: make(chan takeover.Start, 1), secrets: map[string]string{"node2": secret},
			answers: map[string]takeover.Answer{"node2": {State: takeover.None}}}
		x := exchangeOf(t, s)
		seat, r := x.Seat(acme, credential), &slow{s, make(chan struct{})}
		leave := sits(t, seat, r)
		<-s.started
		for _, mine := range []bool{false, true} {
			s.mu.Lock()
			s.mine, s.answers["node2"] = mine, takeover.Answer{State: takeover.Owned}
			s.mu.Unlock()
			x.Changed()
			time.Sleep(5 * time.Second)
		}
		require.Contains(t, get(x, "").Body.String(), `"state":"acquiring"`)
		leave()
		require.Contains(t, get(x, "").Body.String(), `"state":"stopping"`)
	})
}

// A folder that is another process's is not written: the copy is kept in memory, and used.
func TestACopyDoesNotGoIntoAnothersFolder(t *testing.T) {
	var writes atomic.Bool
	dir := t.TempDir()
	x := takeover.New(takeover.Config{Ring: &script{}, Dir: dir, Logger: log.NewNopLogger(), Writes: writes.Load,
		Client: func() *http.Client { return http.DefaultClient }})
	x.Seat(acme, credential)
	send := func(at time.Time) []string {
		t.Helper()
		body := message(t, takeover.Answer{Node: "node2", State: takeover.Owned, Journal: journal(t, acme, at)})
		require.Equal(t, 204, deliver(x, secret, "tell", "PUT", "/orgs/acme.okta.com", body).Code)
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		require.NoError(t, err)
		return files
	}
	require.Empty(t, send(time.Now()))
	require.Contains(t, get(x, "").Body.String(), `"journal"`)
	writes.Store(true)
	require.Len(t, send(time.Now().Add(time.Second)), 1)
	_, err := os.Stat(filepath.Join(dir, "acme.okta.com.standby.json"))
	require.NoError(t, err)
}
