//go:build !race

package doctor

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

// A busy org's pages end before their quarters do.
func TestTheEstimateOfABusyOrg(t *testing.T) {
	s := newScene(t)
	s.sim = &oktasim.Org{Quiet: true}
	server := httptest.NewServer(s.sim)
	t.Cleanup(server.Close)
	s.org.URL = parse(t, server.URL)
	s.sim.Generate(120000, 24*time.Hour)
	r := Run(t.Context(), []Org{s.org}, Options{})[0]
	require.False(t, r.Failed())
	require.NotNil(t, r.Estimate)
	require.InEpsilon(t, 120000, r.Estimate.EventsPerDay, 0.2)
	require.LessOrEqual(t, r.Requests, MostRequests)
}

// The estimate of a quiet day is within a fifth of what the org wrote.
func TestTheEstimateOfAQuietDay(t *testing.T) {
	s := newScene(t)
	s.sim = &oktasim.Org{Quiet: true, Seed: 7}
	server := httptest.NewServer(s.sim)
	t.Cleanup(server.Close)
	s.org.URL = parse(t, server.URL)
	s.sim.Generate(20000, 24*time.Hour)
	size := 0
	v := visit{Org: &s.org}
	events, err := event.Scan([]byte("[" + join(s.sim.Events()) + "]"))
	require.NoError(t, err)
	for _, e := range events {
		size += v.size(e, time.Now())
	}
	r := Run(t.Context(), []Org{s.org}, Options{})[0]
	require.False(t, r.Failed())
	require.NotNil(t, r.Estimate)
	require.InEpsilon(t, len(events), r.Estimate.EventsPerDay, 0.2)
	require.InEpsilon(t, size, r.Estimate.BytesPerDay, 0.2)
	require.Len(t, r.Estimate.Types, mostTypes)
	require.Zero(t, r.Estimate.Large)
	t.Logf("%d events, %d bytes; estimated %.0f, %.0f", len(events), size, r.Estimate.EventsPerDay, r.Estimate.BytesPerDay)
}

func join(all [][]byte) string {
	var parts []string
	for _, b := range all {
		parts = append(parts, string(b))
	}
	return strings.Join(parts, ",")
}
