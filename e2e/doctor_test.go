package e2e

import (
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/doctor"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi/auth"
	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/testbed"
)

// Each thing that is wrong with a real Loki, or with how it is reached, is one failed check.
func TestTheDoctorAndARealLoki(t *testing.T) {
	t.Parallel()
	org := &oktasim.Org{RateLimit: -1}
	org.Generate(20, time.Hour)
	server := httptest.NewServer(org)
	t.Cleanup(server.Close)
	for _, c := range []struct {
		name        string
		change      []string // in Loki's configuration: from, to
		tenants     bool
		push, query string // tenants
		away        bool
		failed      string
	}{
		{name: "as it should be"},
		{name: "tenants", tenants: true, push: "team", query: "team"},
		{name: "no tenant", tenants: true, failed: "loki push"},
		{name: "another tenant", tenants: true, push: "team", query: "others", failed: "tenant"},
		{name: "away", away: true, failed: "loki push"},
		{name: "metadata is off", change: []string{"limits_config:", "limits_config:\n  allow_structured_metadata: false"},
			failed: "structured metadata"},
		{name: "schema 12", change: []string{"limits_config:", "limits_config:\n  allow_structured_metadata: false", "schema: v13", "schema: v12"},
			failed: "structured metadata"},
		{name: "order is kept", change: []string{"limits_config:", "limits_config:\n  unordered_writes: false"}, failed: "loki limits"},
		{name: "the window is small", change: []string{"ingester:\n", "ingester:\n  max_chunk_age: 1h\n"}, failed: "loki limits"},
		{name: "old entries are refused", change: []string{"limits_config:", "limits_config:\n  reject_old_samples_max_age: 1h"}, failed: "loki limits"},
		{name: "tenants may have limits", change: []string{"limits_config:",
			"runtime_config:\n  file: /dev/null\nlimits_config:\n  unordered_writes: false"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			loki := &testbed.Loki{Bin: program(t, "loki"), Dir: t.TempDir(), DefaultLimits: true, Tenants: c.tenants}
			require.NoError(t, loki.Start(t.Context()))
			process := loki.Process
			if len(c.change) > 0 || c.away {
				process.Kill()
			}
			if len(c.change) > 0 {
				file := filepath.Join(loki.Dir, "loki.yaml")
				text, err := os.ReadFile(file)
				require.NoError(t, err)
				config := string(text)
				if !strings.Contains(config, "\nlimits_config:") && c.change[0] == "limits_config:" {
					config += "\nlimits_config:\n"
				}
				require.NoError(t, os.WriteFile(file, []byte(strings.NewReplacer(c.change...).Replace(config)), 0o600))
				process, err = testbed.Command{Name: "loki", Path: loki.Bin, Args: []string{"-config.file=" + file}, Dir: loki.Dir,
					LogFile: filepath.Join(loki.Dir, "changed.log")}.Start()
				require.NoError(t, err)
				require.NoError(t, process.Ready(t.Context(), loki.URL()+"/ready"))
			}
			t.Cleanup(process.Kill)
			address, err := url.Parse(server.URL)
			require.NoError(t, err)
			base, err := url.Parse(loki.URL())
			require.NoError(t, err)
			credential, err := auth.NewSSWS("00hunter2")
			require.NoError(t, err)
			formatter, err := event.New(event.Options{Org: address.Host})
			require.NoError(t, err)
			one := doctor.Org{
				Component: "loki.source.okta.default", URL: address, Auth: credential, Formatter: formatter, PageSize: 1000, Share: 0.5,
				PollInterval: 10 * time.Second, InitialLookback: 2 * time.Hour, OutOfOrder: 50 * time.Minute, DataPath: filepath.Join(t.TempDir(), "data"),
				Loki: &doctor.Query{URL: base, Tenant: c.query, Selector: `{job="loki.source.okta"}`, IngestersWithin: 3 * time.Hour,
					MaxAge: 7 * 24 * time.Hour},
				Push: []doctor.Push{{Component: "loki.write.default", URL: base.JoinPath("loki/api/v1/push"), Tenant: c.push}},
			}
			r := doctor.Run(t.Context(), []doctor.Org{one}, doctor.Options{})[0]
			failed := ""
			for _, check := range r.Checks {
				if check.Status == doctor.Fail {
					failed += check.Name
				}
			}
			require.Equal(t, c.failed, failed, "%+v", r.Checks)
		})
	}
}
