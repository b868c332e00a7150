//go:build !race

package doctor

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
	require.InEpsilon(t, 120000, r.Estimate.EventsPerDay, 0.2)
	require.LessOrEqual(t, r.Requests, MostRequests)
}
