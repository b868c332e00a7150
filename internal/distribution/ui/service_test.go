package ui

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/internal/featuregate"
	"github.com/grafana/alloy/internal/service"
	"github.com/grafana/alloy/internal/service/livedebugging"
)

// host is a runtime with one component.
type host struct{ service.Host }

func (host) ListComponents(string, component.InfoOptions) ([]*component.Info, error) {
	return []*component.Info{{ID: component.ID{LocalID: "loki.echo.e"}, ComponentName: "loki.echo", Label: "e"}}, nil
}

func TestTheServiceServesAPIAndUIBelowItsPrefix(t *testing.T) {
	for prefix, base := range map[string]string{"/": "/", "": "/", "/a/b": "/a/b", "/a/b/": "/a/b", "a": "/a"} {
		t.Run(prefix, func(t *testing.T) {
			s := New(Options{Prefix: prefix, Callbacks: livedebugging.New().Data().(livedebugging.CallbackManager),
				Logger: slog.New(slog.DiscardHandler)})
			got, handler := s.ServiceHandler(host{})
			require.Equal(t, base, got)
			server := httptest.NewServer(handler)
			defer server.Close()
			url := server.URL + base
			if base == "/" {
				url = server.URL
			}

			api, err := http.Get(url + "/api/v0/web/components")
			require.NoError(t, err)
			defer api.Body.Close()
			require.Equal(t, http.StatusOK, api.StatusCode)
			require.Contains(t, body(t, api.Body), `"localID":"loki.echo.e"`)

			for name, words := range map[string]string{"loki.source.okta.md": "# `loki.source.okta`", "operations.md": "### OktaRefused"} {
				manual, err := http.Get(url + "/docs/" + name)
				require.NoError(t, err)
				defer manual.Body.Close()
				require.Equal(t, http.StatusOK, manual.StatusCode)
				require.Contains(t, body(t, manual.Body), words)
			}
			none, err := http.Get(url + "/docs/../pages.go")
			require.NoError(t, err)
			defer none.Body.Close()
			require.NotContains(t, body(t, none.Body), "package ui")

			page, err := http.Get(url + "/graph")
			require.NoError(t, err)
			defer page.Body.Close()
			require.Contains(t, body(t, page.Body), `<base href="`+url[len(server.URL):]+`/" />`)
			if _, err := fs.Stat(dist, "dist/index.html"); err == nil {
				require.Equal(t, http.StatusOK, page.StatusCode)
			} else {
				require.Equal(t, http.StatusNotFound, page.StatusCode)
			}
		})
	}
}

func TestTheServiceIsUpstreamsUIToTheRuntime(t *testing.T) {
	var s Service // validate takes the definition of a zero service
	require.Equal(t, service.Definition{
		Name:      "ui",
		DependsOn: []string{"http", "livedebugging", "remotecfg"},
		Stability: featuregate.StabilityGenerallyAvailable,
	}, s.Definition())
	require.Nil(t, s.Data())
	require.Error(t, s.Update(nil))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, s.Run(ctx, nil))
}
