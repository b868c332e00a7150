// Package exposition tells tests what metrics loki.source.okta really exports, by
// running it: the reference page, the dashboard and the alerts are held against that,
// not against a list that somebody keeps.
package exposition

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/internal/component/common/loki"

	"github.com/grafana/alloy/okta/component/loki/source/okta"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

// Metric is one metric family.
type Metric struct {
	Type   string   // "counter", "gauge" or "histogram"
	Help   string   //
	Labels []string // sorted names of its labels
}

func hoursAgo(n int) string {
	return time.Now().Add(time.Duration(-n) * time.Hour).UTC().Format(time.RFC3339)
}

// Of returns every metric of the component by name. It runs one with everything
// switched on against a simulated org and a Loki that has nothing, until all that is
// registered has shown a value, and fails the test when something never does.
func Of(t testing.TB) map[string]Metric {
	t.Helper()
	org := &oktasim.Org{Token: "token"}
	org.Generate(3, time.Minute)
	orgServer := httptest.NewServer(org)
	defer orgServer.Close()
	lokiServer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"streams","result":[]}}`)
	}))
	defer lokiServer.Close()

	receiver := loki.NewLogsReceiver()
	var args okta.Arguments
	args.SetToDefault()
	args.URL, args.APIToken, args.PollInterval = orgServer.URL, "token", 100*time.Millisecond
	args.ForwardTo = []loki.LogsReceiver{receiver}
	args.Options.Reconcile = &okta.Reconcile{}
	args.Options.Reconcile.SetToDefault()
	args.Options.Reconcile.URL = lokiServer.URL
	args.Options.Clustering.Enabled = true // alone
	args.Options.Backfills = []okta.Backfill{{Since: hoursAgo(3), Until: hoursAgo(2)}}
	args.Options.Context = &okta.Context{}
	args.Options.Context.SetToDefault()
	args.Options.Context.Roles, args.Options.Context.Profile = true, []string{"department"}
	require.NoError(t, args.Validate())
	registry := &recorder{Registry: prometheus.NewRegistry()}
	c, err := okta.New(component.Options{
		ID: "loki.source.okta.exposition", Logger: slog.New(slog.DiscardHandler), Registerer: registry, DataPath: t.TempDir(),
	}, args)
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = c.Run(ctx) }()
	go func() {
		for {
			select {
			case <-receiver.Chan():
			case <-done:
				return
			}
		}
	}()
	defer func() { cancel(); <-done }()

	due := registry.described(t)
	var shown map[string]Metric
	require.Eventuallyf(t, func() bool {
		shown = gathered(t, registry)
		return len(shown) >= len(due)
	}, time.Minute, 20*time.Millisecond, "some metrics never have a value; registered: %v", due)
	for name := range shown {
		require.Contains(t, due, name)
	}
	return shown
}

// recorder is a registry that remembers its collectors, since a family without a value
// is registered all the same.
type recorder struct {
	*prometheus.Registry
	collectors []prometheus.Collector
}

func (r *recorder) MustRegister(cs ...prometheus.Collector) {
	r.Registry.MustRegister(cs...)
	r.collectors = append(r.collectors, cs...)
}

func (r *recorder) Register(c prometheus.Collector) error {
	r.collectors = append(r.collectors, c)
	return r.Registry.Register(c)
}

// described returns the names of all that is registered, sorted.
func (r *recorder) described(t testing.TB) []string {
	var names []string
	for _, c := range r.collectors {
		ch := make(chan *prometheus.Desc)
		go func() { defer close(ch); c.Describe(ch) }()
		for d := range ch {
			// A Desc does not give its name away in any other way.
			_, rest, ok := strings.Cut(d.String(), `fqName: "`)
			require.True(t, ok, d.String())
			name, _, _ := strings.Cut(rest, `"`)
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func gathered(t testing.TB, r *recorder) map[string]Metric {
	families, err := r.Gather()
	require.NoError(t, err)
	metrics := map[string]Metric{}
	for _, f := range families {
		m := Metric{Type: strings.ToLower(f.GetType().String()), Help: f.GetHelp()}
		for _, sample := range f.GetMetric() {
			for _, label := range sample.GetLabel() {
				m.Labels = append(m.Labels, label.GetName())
			}
		}
		slices.Sort(m.Labels)
		m.Labels = slices.Compact(m.Labels)
		metrics[f.GetName()] = m
	}
	return metrics
}
