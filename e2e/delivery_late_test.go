package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Events that Okta shows an hour and more after they happened, on a live stream. Loki refuses for good what is more than an hour behind the
// newest of its stream; the label late makes it a stream of its own.
func TestEventsAnHourLateArrive(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]string{"with reconcile": quick, "without": unconfirmed} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTrialAlone(t, config)
			s.alloy.start(t)
			soFar := s.logged(t)
			waitForCount(t, s.loki.Reader(), selector, soFar, len(soFar), 2*time.Minute)
			rounds := 2
			if long() {
				rounds = 40
			}
			const each = 3
			for range rounds {
				for _, ago := range []time.Duration{70 * time.Minute, 90 * time.Minute, 20 * time.Hour} {
					s.appendLike(t, each, ago, nil)
				}
				time.Sleep(4 * time.Second)
			}
			all := s.end(t)
			s.flush(t) // Loki does not show what is older than three hours and in memory
			s.waitForAll(t, all)
			late := s.count(t, `{job="loki.source.okta", late=~".+"}`, all)
			require.GreaterOrEqual(t, late, 3*each*rounds)
			hour := time.Now().Add(-20 * time.Hour).UTC().Format("2006-01-02T15")
			require.Positive(t, s.count(t, `{late=~"`+hour+`|`+time.Now().Add(-20*time.Hour-time.Minute).UTC().Format("2006-01-02T15")+`"}`, all))
			if config == quick {
				s.alloy.waitForMetric(t, "loki_source_okta_unconfirmed_events", 0)
			}
			s.alloy.stop(t)
			s.flush(t)
			s.waitForAll(t, all)
			s.requireDelivered(t, all)
		})
	}
}

// The runbook's "start again from some time ago", on a live stream: stop Alloy, move the checkpoint away, start with an initial_lookback
// that reaches far enough and without going on from what Loki has. What Loki has is skipped, what it lacks arrives.
func TestACursorSetBackBy23Hours(t *testing.T) {
	t.Parallel()
	const n = "3000"
	recent := strings.Replace(quick, `"2h"`, `"10m"`, 1)
	s := newTrialAlone(t, recent, "--backlog="+n, "--backlog-span=22h30m")
	s.patience = 6 * time.Minute
	s.alloy.start(t)
	s.waitForMore(t, confirmed, 5)
	time.Sleep(perForm(5*time.Second, 5*time.Minute))
	s.alloy.stop(t)

	files, err := filepath.Glob(filepath.Join(s.alloy.storage, "loki.source.okta.default", "*.json"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	require.NoError(t, os.Rename(files[0], files[0]+".before"))
	back := strings.NewReplacer(`"2h"`, `"23h"`, "reconcile {", "reconcile {\n\t\tresume_overlap = \"0s\"").Replace(quick)
	require.NoError(t, os.WriteFile(s.alloy.config, []byte(back), 0o600))
	s.alloy.start(t)
	s.waitForMore(t, "loki_source_okta_skipped_events_total", 0)
	time.Sleep(perForm(15*time.Second, 2*time.Minute))
	s.flush(t)
	s.requireDelivered(t, s.settle(t))
}
