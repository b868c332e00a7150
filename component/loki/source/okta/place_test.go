// option: clustering, orgs

package okta

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/component"

	"github.com/grafana/alloy/okta/internal/poller"
	"github.com/grafana/alloy/okta/internal/takeover"
)

// What a node begins with when it takes over an org is for its first poller only: later ones are spread as always, and less time is left in
// which what the node before delivered may still arrive.
func TestOnlyTheFirstPollerBeginsAtOnce(t *testing.T) {
	host := orgOf(t, 1)
	args, err := evaluate(t, "forward_to = [receiver]\n"+list(entry("a", host), entry("b", orgOf(t, 0))))
	require.NoError(t, err)
	c, err := New(component.Options{DataPath: t.TempDir(), Logger: slog.New(slog.DiscardHandler)}, args)
	require.NoError(t, err)
	r := c.current()[0].live
	r.memory = &poller.Memory{}
	read := func(start takeover.Start, replace bool) *poller.Poller {
		ctx, cancel := context.WithCancel(t.Context())
		done, before := make(chan struct{}), r.replace.Load()
		begun := func() bool { return r.replace.Load() != before }
		go func() { defer close(done); r.seat.(*place).Read(ctx, start) }()
		until(t, "there is a poller", begun)
		until(t, "it polls", func() bool { return !r.status.Snapshot().LastPoll.IsZero() })
		if replace {
			before = r.replace.Load()
			r.replaced()
			until(t, "there is another poller", begun)
		}
		cancel()
		<-done
		return r.poller
	}
	go func() {
		for range args.ForwardTo[0].Chan() {
		}
	}()
	start := takeover.Start{AtOnce: true, LastPush: 25 * time.Second}
	first := read(start, false)
	require.Zero(t, first.Spread)
	require.InDelta(t, 25, first.LastPush.Seconds(), 1)
	second := read(start, true)
	require.Equal(t, apart, second.Spread)
	require.Less(t, second.LastPush, first.LastPush)
	r.seat.(*place).lands = time.Now().Add(-time.Hour)
	require.Equal(t, time.Duration(1), r.newPoller(r.k.plan.Load()).LastPush, "nothing arrives any more; 0 is for what is not known")
}
