package poller

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
)

// An event of a back-fill is lost, and older than Loki accepts before that shows: it is delivered once more and not looked for any more.
func TestReconcileDoesNotRepeatWhatBecameTooOld(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		at := time.Now().Add(-7*24*time.Hour + 30*time.Minute)
		s.org.AppendAt(at, fmt.Appendf(nil, `{"uuid":"old","published":%q}`, at.UTC().Format("2006-01-02T15:04:05.000Z")))
		s.org.Generate(10, time.Minute)
		s.configure = func(c *Config) { c.InitialLookback = 8 * 24 * time.Hour }
		s.to.lose(func(uuid string) bool { return uuid == "old" })
		s.run()
		for range 100 {
			s.org.Generate(5, time.Second)
			time.Sleep(5 * time.Minute)
		}
		synctest.Wait()
		require.Equal(t, 2, s.to.deliveries("old"))
		require.Zero(t, testutil.ToFloat64(s.metrics.givenUp))
		require.Less(t, s.status.Snapshot().Unconfirmed, 10, "the cursor goes on")
	})
}

// A stage that drops a quarter of a busy org's events has the window's pages read once more a minute, and no more than that.
func TestReconcileAStageThatDropsCostsAPassAMinute(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		n := 0
		s.to.lose(func(string) bool { n++; return n%4 == 0 })
		s.run()
		time.Sleep(time.Minute)
		before, begin := len(s.org.Requests()), time.Now()
		for range 6 * 15 {
			s.org.Generate(200, 10*time.Second)
			time.Sleep(10 * time.Second)
		}
		minutes := time.Since(begin).Minutes()
		a := float64(len(s.org.Requests())-before) / minutes
		t.Logf("%.1f requests a minute", a)
		require.Less(t, a, 6+20.0, "6 for the log, 1 for each 1,000 events of the window")
	})
}
