// option: reconcile

package okta

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/internal/component/common/loki"
	"github.com/grafana/alloy/internal/service/livedebugging"

	"github.com/grafana/alloy/okta/internal/poller"
)

// inAlloy builds a component of an Alloy that has this service.
func inAlloy(t *testing.T, service *livedebugging.Service) *reading {
	t.Helper()
	args := DefaultArguments
	args.URL, args.APIToken, args.ForwardTo = "https://acme.okta.com", "token", []loki.LogsReceiver{loki.NewLogsReceiver()}
	args.Options.Reconcile = &Reconcile{}
	args.Options.Reconcile.SetToDefault()
	args.Options.Reconcile.URL = "http://loki:3100"
	c, err := New(component.Options{ID: "loki.source.okta.test", DataPath: t.TempDir(), Logger: slog.New(slog.DiscardHandler),
		GetServiceData: func(name string) (any, error) {
			if name == livedebugging.ServiceName {
				return service.Data(), nil
			}
			return nil, nil
		}}, args)
	require.NoError(t, err)
	return c.current()[0].live
}

// Two Alloys of one process that read one org and ask one Loki share the org's budget and the rate at which that Loki is asked. What one
// has delivered stays its own, and neither waits for the other to end, as a renamed component does for its old self.
func TestTwoAlloysOfAProcessShareWhatIsNeithers(t *testing.T) {
	one, another := livedebugging.New(), livedebugging.New()
	old, renamed, other := inAlloy(t, one), inAlloy(t, one), inAlloy(t, another)
	require.Same(t, old.k.plan.Load().budget(), other.k.plan.Load().budget(), "the limit is the org's")
	asked := func(r *reading) any {
		server, err := r.k.plan.Load().args.Options.Reconcile.server()
		require.NoError(t, err)
		return server
	}
	require.Same(t, asked(old), asked(other), "the Loki is the same")

	owner := func(r *reading) poller.Owner { return r.owner(r.k.plan.Load()) }
	synctest.Test(t, func(t *testing.T) {
		var all poller.Memories
		first, err := all.Take(t.Context(), owner(old))
		require.NoError(t, err)
		begin := time.Now()
		second, err := all.Take(t.Context(), owner(other))
		require.NoError(t, err)
		require.NotSame(t, first, second)
		require.Zero(t, time.Since(begin), "it waits for nobody")
		all.Release(first)
		third, err := all.Take(t.Context(), owner(renamed))
		require.NoError(t, err)
		require.Same(t, first, third, "a renamed component goes on from what its old self knew")
	})
}
