package limits_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/grafana/loki/pkg/push"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/limits"
	"github.com/grafana/alloy/okta/internal/limits/limitstest"
)

func TestRefusals(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	refused := map[string]bool{}
	for _, c := range limitstest.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			require.Equal(t, c.Reason, limits.OfEntry(c.Labels, c.Entry("a line", now), now, limits.MaxAge).Reason)
		})
		refused[c.Reason] = true
	}
	require.Equal(t, testutil.CollectAndCount(limits.NewCounter("x_"))+1, len(refused), "every reason has a case, and so has none")
}

// The age that Loki takes is what reconcile says of it.
func TestTheAgeThatIsRefusedIsConfigured(t *testing.T) {
	now := time.Now()
	e := push.Entry{Timestamp: now.Add(-8 * 24 * time.Hour)}
	labels := model.LabelSet{"job": "j"}
	require.Equal(t, limits.TooOld, limits.OfEntry(labels, e, now, limits.MaxAge).Reason)
	require.Empty(t, limits.OfEntry(labels, e, now, 90*24*time.Hour).Reason)
	require.Empty(t, limits.OfEntry(labels, e, now, 0).Reason)
}

func TestARefusalIsToldOnceAndShowsNoValue(t *testing.T) {
	now := time.Now()
	for _, c := range limitstest.Cases() {
		if c.Reason == "" {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			var logged bytes.Buffer
			var told limits.Told
			counter := limits.NewCounter("x_")
			for _, uuid := range []string{"first", "second", "third"} {
				told.Tell(log.NewLogfmtLogger(&logged), counter, limits.OfEntry(c.Labels, c.Entry("a line", now), now, limits.MaxAge), uuid)
			}
			require.InDelta(t, 3, testutil.ToFloat64(counter.WithLabelValues(c.Reason)), 0)
			require.Equal(t, 1, strings.Count(logged.String(), "\n"))
			for _, want := range []string{"reason=" + c.Reason, "uuid=first", "limit=", "remedy="} {
				require.Contains(t, logged.String(), want)
			}
			require.NotContains(t, logged.String(), strings.Repeat("x", 65))
			require.Less(t, logged.Len(), 400)
		})
	}
}
