package okta

import (
	"log/slog"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/component"
)

// A metric that is taken refuses the component with an error, and the others do not stay behind.
func TestAMetricThatIsTakenIsNoPanic(t *testing.T) {
	args, err := evaluate(t, `
		url        = "https://acme.okta.com"
		api_token  = "00token"
		forward_to = [receiver]`)
	require.NoError(t, err)
	registry := prometheus.NewRegistry()
	opts := component.Options{
		ID: "loki.source.okta.test", DataPath: t.TempDir(), Logger: slog.New(slog.DiscardHandler), Registerer: registry,
	}
	taken := prometheus.NewGauge(prometheus.GaugeOpts{Name: "loki_source_okta_orgs",
		Help: "Orgs that the arguments name, those that cannot be collected included."})
	registry.MustRegister(taken)
	_, err = New(opts, args)
	require.ErrorContains(t, err, "building loki.source.okta: registering metrics: ")

	registry.Unregister(taken)
	_, err = New(opts, args)
	require.NoError(t, err, "nothing was left behind")
}
