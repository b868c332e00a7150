package e2e

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	collectorv1 "github.com/grafana/alloy-remote-config/api/gen/proto/go/collector/v1"
	"github.com/grafana/alloy-remote-config/api/gen/proto/go/collector/v1/collectorv1connect"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/testbed"
)

// fleet is a server for remotecfg, as Fleet Management is one, which gives every collector the same pipelines and checks nothing.
type fleet struct {
	collectorv1connect.UnimplementedCollectorServiceHandler

	mu        sync.Mutex
	pipelines string
	attribute map[string]string // of who registered
	refused   string            // what a collector said of them
}

func (f *fleet) RegisterCollector(_ context.Context, r *connect.Request[collectorv1.RegisterCollectorRequest]) (
	*connect.Response[collectorv1.RegisterCollectorResponse], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.attribute = r.Msg.GetLocalAttributes()
	return connect.NewResponse(&collectorv1.RegisterCollectorResponse{}), nil
}

func (f *fleet) GetConfig(_ context.Context, r *connect.Request[collectorv1.GetConfigRequest]) (
	*connect.Response[collectorv1.GetConfigResponse], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if message := r.Msg.GetRemoteConfigStatus().GetErrorMessage(); message != "" {
		f.refused = message
	}
	return connect.NewResponse(&collectorv1.GetConfigResponse{Content: f.pipelines}), nil
}

func (f *fleet) set(pipelines string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pipelines = pipelines
}

func (f *fleet) seen(do func() bool) func() bool {
	return func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return do()
	}
}

// What docs/install.md says of remote configuration: pipelines with loki.source.okta come from a server that does not check them, those
// of a component that this Alloy lacks are refused together with all that came with them, and what ran before goes on.
func TestRemotePipelinesMayHaveTheComponent(t *testing.T) {
	t.Parallel()
	org := &oktasim.Org{RateLimit: -1, Token: token}
	go func() { _ = org.Live(t.Context(), 2) }()
	okta := httptest.NewServer(org)
	t.Cleanup(okta.Close)
	pipelines := `loki.source.okta "remote" {
		url           = "` + okta.URL + `"
		api_token     = sys.env("OKTA_API_TOKEN")
		poll_interval = "1s"
		forward_to    = [loki.stdout.default.receiver]
	}
	loki.stdout "default" { }
	`
	f := &fleet{pipelines: pipelines}
	_, handler := collectorv1connect.NewCollectorServiceHandler(f)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)

	dir := t.TempDir()
	addr, err := testbed.FreeAddr()
	require.NoError(t, err)
	c := &collector{bin: program(t, "alloy-okta"), addr: addr, config: filepath.Join(dir, "config.alloy"), storage: filepath.Join(dir, "data"),
		log: filepath.Join(dir, "alloy-okta.log"), env: []string{"OKTA_API_TOKEN=" + token}}
	// 10s is the least that Alloy allows (its internal/service/remotecfg).
	require.NoError(t, os.WriteFile(c.config, []byte(`remotecfg {
		url            = "`+server.URL+`"
		id             = "this"
		attributes     = {"build" = "alloy-okta"}
		poll_frequency = "10s"
	}`), 0o600))
	c.start(t)
	delivered := func(from int) func() bool {
		return func() bool {
			var event struct{ UUID string }
			events := org.EventsFrom(from)
			return len(events) > 0 && json.Unmarshal(events[0], &event) == nil && strings.Contains(c.Log(), event.UUID)
		}
	}
	require.Eventually(t, delivered(0), time.Minute, 100*time.Millisecond)
	require.True(t, f.seen(func() bool {
		return f.attribute["build"] == "alloy-okta" && strings.HasPrefix(f.attribute["collector.version"], "v1.")
	})())

	f.set(pipelines + "\nfaro.receiver \"x\" { }\n")
	require.Eventually(t, f.seen(func() bool { return strings.Contains(f.refused, `"faro.receiver"`) }), time.Minute, 100*time.Millisecond)
	require.Eventually(t, delivered(len(org.Events())), time.Minute, 100*time.Millisecond)
	c.stop(t)
}
