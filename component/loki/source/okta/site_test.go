package okta

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/internal/component/common/loki"

	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/testbed"
)

// site is a component at work, and all that it shows of itself.
type site struct {
	*Component
	receiver loki.LogsReceiver
	registry *prometheus.Registry
	dir      string
	started  time.Time
	stop     func() // ends Run
	logs     testbed.Log
}

// runs evaluates the body of a block and runs the component until the test ends.
func runs(t *testing.T, body string) *site {
	t.Helper()
	args, err := evaluate(t, "forward_to = [receiver]\n"+body)
	require.NoError(t, err)
	return runsIn(t, t.TempDir(), args)
}

// runsIn runs the component on a data path until the test ends.
func runsIn(t *testing.T, dir string, args Arguments) *site {
	t.Helper()
	s := &site{receiver: args.ForwardTo[0], registry: prometheus.NewRegistry(), dir: dir}
	var err error
	s.Component, err = New(component.Options{
		ID: "loki.source.okta.test", DataPath: s.dir, Logger: slog.New(slog.NewTextHandler(&s.logs, nil)), Registerer: s.registry,
	}, args)
	require.NoError(t, err)
	s.stop = running(t, s.Component)
	return s
}

// running runs a component until stop, or else the end of the test.
func running(t *testing.T, c *Component) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = c.Run(ctx) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

// only is the component's one org.
func (s *site) only() member { return s.current()[0] }

// take waits for one entry.
func (s *site) take(t *testing.T) loki.Entry {
	t.Helper()
	select {
	case e := <-s.receiver.Chan():
		return e
	case <-time.After(20 * time.Second):
		require.FailNow(t, "no entry", "health: %s", s.CurrentHealth().Message)
		panic("not reached")
	}
}

// everything is all that the component tells anybody.
func (s *site) everything(t *testing.T) string {
	t.Helper()
	all := s.logs.String()
	all += s.CurrentHealth().Message + fmt.Sprintf("%+v", s.DebugInfo())
	families, err := s.registry.Gather()
	require.NoError(t, err)
	all += fmt.Sprint(families)
	files, err := filepath.Glob(filepath.Join(s.dir, "*"))
	require.NoError(t, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) { // it was the temporary one of a checkpoint
			continue
		}
		require.NoError(t, err)
		all += string(data)
	}
	return all
}

// watch runs a component on an org.
func watch(t *testing.T, org *oktasim.Org, body string) *site {
	server := httptest.NewServer(org)
	t.Cleanup(server.Close)
	return runs(t, fmt.Sprintf("url = %q\napi_token = \"right\"\npoll_interval = \"100ms\"\n", server.URL)+body)
}

// value is a metric as a scrape would see it now; what has labels is asked for by their values.
func value(t *testing.T, r *prometheus.Registry, name string, labels ...string) (float64, bool) {
	t.Helper()
	families, err := r.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() != "loki_source_okta_"+name {
			continue
		}
		for _, m := range f.GetMetric() {
			var have []string
			for _, l := range m.GetLabel() {
				if l.GetName() != "org" {
					have = append(have, l.GetValue())
				}
			}
			if fmt.Sprint(have) == fmt.Sprint(labels) {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue(), true
			}
		}
	}
	return 0, false
}

func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	require.Eventually(t, f, 20*time.Second, 5*time.Millisecond, what)
}

// orgOf serves an org with some events and returns its host.
func orgOf(t *testing.T, events int) string {
	t.Helper()
	org := &oktasim.Org{Token: "right"}
	org.Generate(events, time.Minute)
	return serving(t, org)
}

func serving(t *testing.T, org http.Handler) string {
	t.Helper()
	server := httptest.NewServer(org)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// reload gives the component other arguments, with the same receiver.
func (s *site) reload(t *testing.T, body string) error {
	t.Helper()
	args, err := evaluate(t, "forward_to = [receiver]\n"+body)
	require.NoError(t, err)
	args.ForwardTo = []loki.LogsReceiver{s.receiver}
	return s.Update(args)
}

// takeFrom takes n entries of each of the orgs.
func (s *site) takeFrom(t *testing.T, n int, hosts ...string) {
	t.Helper()
	missing := map[string]int{}
	for _, host := range hosts {
		missing[host] = n
	}
	for range n * len(hosts) {
		host := string(s.take(t).Labels["org"])
		missing[host]--
		require.GreaterOrEqual(t, missing[host], 0, "%s: an entry too many", host)
	}
}

// nothing is a Loki that has nothing.
var nothing = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
	_, _ = w.Write([]byte(`{"status":"success","data":{"resultType":"streams","result":[]}}`))
})

// counts are the entries that receivers take, by org and uuid.
type counts map[string]int

func (c counts) take(t *testing.T, r loki.LogsReceiver, n int) {
	t.Helper()
	for range n {
		select {
		case e := <-r.Chan():
			c[string(e.Labels["org"])+" "+gjson.Get(e.Line, "event.uuid").Str+gjson.Get(e.Line, "uuid").Str]++
		case <-time.After(20 * time.Second):
			require.FailNow(t, "no entry", "%d so far", len(c))
		}
	}
}

// requireNoMore checks that nothing more comes for a while.
func requireNoMore(t *testing.T, r loki.LogsReceiver) {
	t.Helper()
	select {
	case e := <-r.Chan():
		require.FailNow(t, "delivered twice", "%v %s", e.Labels, e.Line)
	case <-time.After(700 * time.Millisecond):
	}
}

// started is a component that a test stops.
func started(t *testing.T, args Arguments) (s *site, stop func()) {
	t.Helper()
	s = &site{receiver: args.ForwardTo[0], dir: t.TempDir()}
	var err error
	s.Component, err = New(component.Options{
		ID: "loki.source.okta.test", DataPath: s.dir, Logger: slog.New(slog.NewTextHandler(&s.logs, nil)),
	}, args)
	require.NoError(t, err)
	return s, running(t, s.Component)
}
