package okta_event_hook

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/internal/component/common/loki"
	"github.com/grafana/alloy/syntax/alloytypes"

	"github.com/grafana/alloy/okta/component/loki/source/okta"
	"github.com/grafana/alloy/okta/internal/limits"
	"github.com/grafana/alloy/okta/internal/limits/limitstest"
	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/testbed"
)

// configured is how a case comes about: the arguments of either component, and an event.
type configured struct {
	limitstest.Case
	receiver loki.LogsReceiver
}

// labels has the case's and no other: "" takes a component's own away.
func (c configured) labels() map[string]string {
	all := map[string]string{"job": "", "org": "", hookLabel: ""}
	for name, value := range c.Labels {
		all[string(name)] = string(value)
	}
	return all
}

// metadata has the case's, each from the member of the event that has its name.
func (c configured) metadata() map[string]string {
	all := map[string]string{}
	for _, m := range c.Metadata {
		all[m.Name] = m.Name
	}
	return all
}

// event is as long as the case's line.
func (c configured) event(t *testing.T, uuid string) string {
	t.Helper()
	members := map[string]string{"uuid": uuid, "published": time.Now().Add(-c.Age).UTC().Format("2006-01-02T15:04:05.000Z")}
	for _, m := range c.Metadata {
		members[m.Name] = m.Value
	}
	raw, err := json.Marshal(members)
	require.NoError(t, err)
	if n := c.Pad - len(raw) - len(`,"":""`); n > 0 {
		raw = fmt.Appendf(raw[:len(raw)-1], `,"":"%s"}`, strings.Repeat("x", n))
	}
	return string(raw)
}

// Both components count and tell alike what a Loki with default limits refuses.
func TestBothComponentsTellOfWhatLokiRefuses(t *testing.T) {
	for source, forward := range map[string]struct {
		metric string
		run    func(t *testing.T, c configured, opts component.Options)
		less   int // labels of the source's own
	}{
		"loki.source.okta": {metric: "loki_source_okta_over_limit_entries_total", run: live},
		"loki.source.okta, a back-fill": {metric: "loki_source_okta_over_limit_entries_total", less: 1,
			run: func(t *testing.T, c configured, opts component.Options) { backfill(t, c, opts) }},
		"loki.source.okta_event_hook": {metric: "loki_source_okta_event_hook_over_limit_entries_total", run: hooked},
	} {
		for _, c := range limitstest.Cases() {
			switch {
			case len(c.Labels) == 0 || strings.Contains(c.Name, "value that is not UTF-8"): // refused when the configuration is read
				continue
			case forward.less > 0 && (c.Age != 0 || c.Reason == limits.Labels): // not in a range of the past, or below
				continue
			}
			want := c.Reason
			if forward.less > 0 && strings.HasPrefix(c.Name, "15 labels") {
				want = limits.Labels
			}
			t.Run(source+"/"+c.Name, func(t *testing.T) {
				var logs testbed.Log
				registry := prometheus.NewRegistry()
				x := configured{Case: c, receiver: loki.NewLogsReceiver()}
				forward.run(t, x, component.Options{ID: "test", DataPath: t.TempDir(), Registerer: registry,
					Logger: slog.New(slog.NewTextHandler(&logs, nil))})
				counted := map[string]float64{}
				require.Eventually(t, func() bool {
					families, err := registry.Gather()
					require.NoError(t, err)
					for _, f := range families {
						for _, m := range f.GetMetric() {
							if n := m.GetCounter().GetValue(); f.GetName() == forward.metric && n > 0 {
								counted[m.GetLabel()[0].GetValue()] = n
							}
						}
					}
					return want == "" || len(counted) > 0
				}, 10*time.Second, 10*time.Millisecond)
				if want == "" {
					require.Empty(t, counted)
					require.NotContains(t, logs.String(), "beyond Loki's default limits")
					return
				}
				require.Equal(t, map[string]float64{want: 1}, counted)
				require.Eventually(t, func() bool { return strings.Contains(logs.String(), "reason="+want) }, 10*time.Second, 10*time.Millisecond)
				require.Contains(t, logs.String(), "uuid=odd")
			})
		}
	}
}

func hooked(t *testing.T, c configured, opts component.Options) {
	t.Helper()
	var args Arguments
	args.SetToDefault()
	args.ForwardTo, args.LineFormat = []loki.LogsReceiver{c.receiver}, "event"
	args.Labels, args.StructuredMetadata = c.labels(), c.metadata()
	args.Orgs = []Org{{Name: "acme", URL: "https://acme.okta.com", Secrets: []alloytypes.Secret{secret}}}
	h, err := New(opts, args)
	require.NoError(t, err)
	got, stop := drain(c.receiver)
	defer stop()
	require.NoError(t, h.receive(t.Context(), noticeOf("acme", c.event(t, "odd"))))
	require.Eventually(t, func() bool { return len(got()) == 1 }, 10*time.Second, time.Millisecond)
}

func arguments(c configured, url string) okta.Arguments {
	var args okta.Arguments
	args.SetToDefault()
	args.URL, args.APIToken, args.ForwardTo, args.LineFormat = url, "right", []loki.LogsReceiver{c.receiver}, "event"
	args.Labels, args.StructuredMetadata = c.labels(), c.metadata()
	args.InitialLookback = 89 * 24 * time.Hour
	return args
}

func live(t *testing.T, c configured, opts component.Options) {
	t.Helper()
	org := &oktasim.Org{Token: "right", RateLimit: -1}
	org.Append([]byte(c.event(t, "odd")))
	server := httptest.NewServer(org)
	t.Cleanup(server.Close)
	run(t, arguments(c, server.URL), opts, c.receiver)
}

func backfill(t *testing.T, c configured, opts component.Options) {
	t.Helper()
	org := &oktasim.Org{Token: "right", RateLimit: -1}
	then := time.Now().Add(-30 * time.Hour)
	c.Age = 30 * time.Hour
	org.AppendAt(then, []byte(c.event(t, "odd")))
	server := httptest.NewServer(org)
	t.Cleanup(server.Close)
	args := arguments(c, server.URL)
	args.InitialLookback = 0
	at := func(d time.Duration) string { return then.Add(d).UTC().Format(time.RFC3339) }
	args.Options.Backfills = []okta.Backfill{{Since: at(-time.Hour), Until: at(time.Hour)}}
	run(t, args, opts, c.receiver)
}

// run runs a loki.source.okta until it has forwarded an entry, and beyond.
func run(t *testing.T, args okta.Arguments, opts component.Options, receiver loki.LogsReceiver) {
	t.Helper()
	require.NoError(t, args.Validate())
	c, err := okta.New(opts, args)
	require.NoError(t, err)
	done := make(chan struct{})
	go func() { defer close(done); _ = c.Run(t.Context()) }()
	t.Cleanup(func() { <-done })
	got, stop := drain(receiver)
	defer stop()
	require.Eventually(t, func() bool { return len(got()) == 1 }, 20*time.Second, time.Millisecond, "health: %s", c.CurrentHealth().Message)
}
