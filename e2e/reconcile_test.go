package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/reconcile"
)

// What reconcile asks is asked of a real Loki with its default limits: 5,000 entries a query, 4 MB between its parts. All of the
// lines together are twice that. Half of them another collector wrote, in its own way.
func TestAFullPageIsFoundInALokiWithDefaultLimits(t *testing.T) {
	t.Parallel()
	const n = 4_500
	loki := startLoki(t)
	begin := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	filler := strings.Repeat("x", 1_800)
	wrap := []func(event string) string{
		func(event string) string { return `{"event":` + event + `,"level":"info","msg":"received event"}` },
		func(event string) string { return event },
		func(event string) string {
			quoted, err := json.Marshal(event)
			require.NoError(t, err)
			return `{"log":` + string(quoted) + `,"stream":"stdout"}`
		},
		func(event string) string { return "level=info msg=received event=" + event },
	}
	var wanted, missing []reconcile.Event
	var records []record
	for i := range n {
		e := reconcile.Event{UUID: fmt.Sprintf("00000000-0000-4000-8000-%012d", i), Time: begin.Add(time.Duration(i) * 100 * time.Millisecond)}
		if i%10 == 9 {
			missing = append(missing, e)
			continue
		}
		wanted = append(wanted, e)
		line := wrap[i%len(wrap)](`{"displayMessage":"` + filler + `","uuid":"` + e.UUID + `","version":"0"}`)
		records = append(records, record{time: e.Time, line: line})
	}
	u, err := url.Parse(loki.URL())
	require.NoError(t, err)
	paths := &counted{}
	server := reconcile.NewServer(reconcile.ServerConfig{URL: u, HTTP: &http.Client{Transport: paths}})
	asked := server.Loki(reconcile.Config{Selector: selector})
	newest, err := asked.Newest(t.Context(), 90*24*time.Hour)
	require.NoError(t, err)
	require.Zero(t, newest)
	require.Equal(t, 1, paths.n["/loki/api/v1/query_range"], "where there is no stream, no entry is looked for")

	push(t, loki, map[string]string{"job": "loki.source.okta"}, records)
	newest, err = asked.Newest(t.Context(), 90*24*time.Hour)
	require.NoError(t, err)
	require.True(t, newest.Equal(records[len(records)-1].time))
	found, err := asked.Find(t.Context(), append(missing, wanted...))
	require.NoError(t, err)
	require.Len(t, found, len(wanted))
	for _, e := range missing {
		require.False(t, found[e.UUID])
	}
}

// counted counts requests by path.
type counted struct{ n map[string]int }

func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[r.URL.Path]++
	return http.DefaultTransport.RoundTrip(r)
}
