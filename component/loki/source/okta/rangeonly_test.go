// option: backfill, orgs, clustering, event_hook

package okta

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/component"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

// The next owner must not begin while what this one delivered of a range may still arrive.
func TestADrainIncludesTheRange(t *testing.T) {
	org := &oktasim.Org{Token: "right", RateLimit: -1}
	at := time.Now().AddDate(0, 0, -3)
	org.AppendAt(at, fmt.Appendf(nil, `{"uuid":"1","published":%q}`, at.UTC().Format("2006-01-02T15:04:05.000Z")))
	empty := serving(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"status":"success","data":{"resultType":"streams","result":[]}}`))
	}))
	args, err := evaluate(t, fmt.Sprintf("forward_to = [receiver]\nurl = \"http://%s\"\napi_token = \"right\"\ninitial_lookback = \"1m\"\n"+
		"backfill {\n since = %q\n until = %q\n}\nreconcile {\n url = \"http://%s\"\n resume_overlap = \"0s\"\n}\n",
		serving(t, org), day(4), day(2), empty))
	require.NoError(t, err)
	c, err := New(component.Options{DataPath: t.TempDir(), Logger: slog.New(slog.DiscardHandler)}, args)
	require.NoError(t, err)
	stop := running(t, c)
	require.Contains(t, (<-args.ForwardTo[0].Chan()).Line, `"uuid":"1"`)
	until(t, "it was delivered", func() bool { return c.DebugInfo().(debugInfo).More.Backfills[0].Unconfirmed == 1 })
	stop()
	r := c.current()[0].plan.Load().of.fills[0].reading.seat.(*place)
	require.True(t, r.UnderWay())
	over, end := context.WithCancel(t.Context())
	end()
	r.Drain(over) // which is cut short by the process's end
	require.True(t, r.UnderWay(), "what a stopped node says to the next one")
	require.False(t, c.current()[0].live.seat.(*place).UnderWay(), "the live log does not wait for it")
}

// beside runs a component in an Alloy that reads one range and nothing else.
func beside(t *testing.T, dir string, args Arguments) *RangeOnly {
	t.Helper()
	only := &RangeOnly{Backfill: Backfill{Since: day(3), Until: day(2)}}
	c, err := New(component.Options{ID: "loki.source.okta.test", DataPath: dir, Logger: slog.New(slog.DiscardHandler),
		GetServiceData: func(name string) (any, error) {
			if name == RangeOnlyService {
				return only, nil
			}
			return nil, nil
		}}, args)
	require.NoError(t, err)
	running(t, c)
	return only
}

// The listener is the running collector's, and so is the live log. Another Alloy of the same process is not concerned.
func TestARangeAloneLeavesHooksAndTheLogAlone(t *testing.T) {
	org := &oktasim.Org{Token: "right", RateLimit: -1}
	org.Generate(20, 100*time.Hour)
	body := fmt.Sprintf("forward_to = [receiver]\nurl = \"http://%s\"\napi_token = \"right\"\ninitial_lookback = \"2160h\"\n", serving(t, org))
	args, err := evaluate(t, body+hookBlock("")+"clustering {\n enabled = true\n}\n")
	require.NoError(t, err)
	only := beside(t, t.TempDir(), args)
	go func() {
		for range args.ForwardTo[0].Chan() {
		}
	}()
	require.NoError(t, only.components[0].Update(args), "a reload changes nothing")
	until(t, "it is read", func() bool { return only.Ranges()[0].Finished })
	require.Equal(t, "done", only.Ranges()[0].State)
	require.Nil(t, only.components[0].arguments().Options.EventHook)
	require.False(t, only.components[0].arguments().Options.Clustering.Enabled)
	for _, r := range org.Requests() {
		require.Contains(t, r.URL, "until=", "the live log is not read")
	}
	args, err = evaluate(t, body)
	require.NoError(t, err)
	runsIn(t, t.TempDir(), args)
	until(t, "another one reads the log", func() bool { r := org.Requests(); return !strings.Contains(r[len(r)-1].URL, "until=") })
}

// A command does not wait for the service that has its data path.
func TestARangeAloneOnADataPathInUseIsRefused(t *testing.T) {
	dir := t.TempDir()
	service, err := checkpoint.Acquire(dir)
	require.NoError(t, err)
	defer service.Release()
	args, err := evaluate(t, minimal)
	require.NoError(t, err)
	only := beside(t, dir, args)
	until(t, "it is refused", func() bool {
		all := only.Ranges()
		return len(all) == 1 && all[0].Refused != nil && strings.Contains(all[0].Refused.Error(), "give the command a --storage.path of its own")
	})
}

// A command does not wait for a range that one org's own labels keep from being read.
func TestARangeAloneThatAnOrgsLabelsForbidIsRefused(t *testing.T) {
	own := strings.Replace(entry("a", "127.0.0.1:9"), "}", `, labels = {backfill = "x"}}`, 1)
	args, err := evaluate(t, "forward_to = [receiver]\n"+list(own)+"reconcile {\n url = \"http://loki.invalid:3100\"\n}\n")
	require.NoError(t, err)
	all := beside(t, t.TempDir(), args).Ranges()
	require.Len(t, all, 1)
	require.ErrorContains(t, all[0].Refused, "would not be found by the selector of reconcile")
}

// A command does not wait for a component that could not be built, and so never runs; Alloy may build it again.
func TestARangeAloneIsNotThatOfAComponentThatCouldNotBeBuilt(t *testing.T) {
	args, err := evaluate(t, minimal)
	require.NoError(t, err)
	only := &RangeOnly{Backfill: Backfill{Since: day(3), Until: day(2)}}
	registry := prometheus.NewRegistry()
	opts := component.Options{ID: "loki.source.okta.test", DataPath: t.TempDir(), Logger: slog.New(slog.DiscardHandler), Registerer: registry,
		GetServiceData: func(name string) (any, error) {
			if name == RangeOnlyService {
				return only, nil
			}
			return nil, nil
		}}
	taken := prometheus.NewGauge(prometheus.GaugeOpts{Name: "loki_source_okta_orgs",
		Help: "Orgs that the arguments name, those that cannot be collected included."})
	registry.MustRegister(taken)
	_, err = New(opts, args)
	require.ErrorContains(t, err, "registering metrics")
	require.Empty(t, only.Ranges())

	registry.Unregister(taken)
	c, err := New(opts, args)
	require.NoError(t, err)
	require.Len(t, only.Ranges(), 1, "it is there before it runs: the command ends when all of these are done")
	require.NoError(t, c.Update(args))
	require.Len(t, only.Ranges(), 1, "a reload adds nothing")
}
