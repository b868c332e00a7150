// option: reconcile

package poller

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/delivery"
)

// sharing runs n orgs of one component in a bubble, each with an event now and then, and returns the lines that they log about Loki.
func sharing(t *testing.T, n int, f func(sites []*site)) []string {
	t.Parallel()
	var shared Troubles
	var text strings.Builder
	logger := log.NewLogfmtLogger(log.NewSyncWriter(&text))
	synctest.Test(t, func(t *testing.T) {
		var sites []*site
		for range n {
			s := newSite(t)
			defer s.pipe.Close()
			s.org.Generate(100, time.Hour)
			s.configure = func(c *Config) { c.Troubles, c.Logger = &shared, log.With(logger, "org", s.pipe.URL) }
			s.run()
			defer func() { s.stop() }()
			sites = append(sites, s)
		}
		wait(5 * time.Minute)
		f(sites)
		synctest.Wait()
	})
	var lines []string
	for line := range strings.Lines(text.String()) {
		for _, about := range []string{"reconcile quer", "deliveries cannot", "nothing newer", "delivery continues"} {
			if strings.Contains(line, about) {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

func all(sites []*site, change func(p *pipeline)) {
	for _, s := range sites {
		change(s.to)
	}
}

func TestAnOutageOfLokiIsLoggedOnceForAllOrgs(t *testing.T) {
	const n = 10
	lines := sharing(t, n, func(sites []*site) {
		all(sites, func(p *pipeline) { p.down(true) })
		for i, s := range sites {
			s.org.Generate(1, 0)
			if i == n/2 { // a reload of one is no news
				s.stop()
				s.run()
			}
		}
		wait(40 * time.Minute)
		all(sites, func(p *pipeline) { p.down(false) })
		wait(5 * time.Minute)
		for _, s := range sites {
			require.NoError(t, s.status.Snapshot().Unconfirmable().Err)
		}
	})
	require.Len(t, lines, 4, strings.Join(lines, ""))
	for i, want := range []string{"reconcile query failed, retrying", "nothing newer is delivered", "reconcile queries succeed again",
		"delivery continues"} {
		require.Contains(t, lines[i], want)
		require.Equal(t, i >= 2, strings.Contains(lines[i], "orgs=10"))
	}
	require.Regexp(t, `reason="`+string(delivery.Missing)+`" unconfirmed=1 oldest=2000-01-\d+T`, lines[1])
}

func TestWhatDoesNotArriveIsLoggedOnceForAllOrgs(t *testing.T) {
	lines := sharing(t, 6, func(sites []*site) {
		all(sites, func(p *pipeline) { p.lose(everything) })
		for _, s := range sites {
			s.org.Generate(5, 0)
		}
		wait(20 * time.Minute)
		all(sites, func(p *pipeline) { p.lose(nil) })
		for range 4 {
			for _, s := range sites {
				s.org.Generate(5, 0)
			}
			wait(10 * time.Minute)
		}
	})
	for _, about := range []string{"deliveries cannot be confirmed", "nothing newer is delivered", "delivery continues"} {
		got := 0
		for _, line := range lines {
			if strings.Contains(line, about) {
				got++
			}
		}
		require.Equal(t, 1, got, "%s\n%s", about, strings.Join(lines, ""))
	}
}

func TestATroubleIsToldOnceAndAgainWhenItSpreadsLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shared Troubles
		a, b, c := &Reporting{}, &Reporting{}, &Reporting{}
		require.True(t, shared.begins(Hold, false, a))
		require.False(t, shared.begins(Hold, false, a))
		require.False(t, shared.begins(Hold, false, b))
		require.True(t, shared.begins(Queries, false, b), "another trouble")
		time.Sleep(toldAgain)
		require.False(t, shared.begins(Hold, false, b), "it is in it already")
		require.True(t, shared.begins(Hold, false, c))
		shared.gone(c)
		n, _ := shared.ends(Hold, a)
		require.Zero(t, n, "b is still in it")
		n, after := shared.ends(Hold, b)
		require.Equal(t, 3, n)
		require.Equal(t, toldAgain, after)
		n, _ = shared.ends(Hold, b)
		require.Zero(t, n)
	})
}

// While Loki says nothing nothing is read, at a start without a checkpoint and before the first page is delivered: both are told.
func TestWhoWaitsForLokiSaysSinceWhen(t *testing.T) {
	for name, overlap := range map[string]time.Duration{"a search": time.Hour, "a page": 0} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, s *site) {
				s.org.Generate(10, time.Hour)
				s.configure = func(c *Config) { c.Overlap = overlap }
				s.to.down(true)
				begin := time.Now()
				s.run()
				wait(10 * time.Minute)
				require.WithinDuration(t, begin, s.status.Snapshot().Asking, time.Second)
				s.to.down(false)
				wait(2 * time.Minute)
				require.Zero(t, s.status.Snapshot().Asking)
				s.to.down(true)
				wait(time.Second)
				s.stop()
				require.Zero(t, s.status.Snapshot().Asking, "nobody waits")
				s.run()
			})
		})
	}
}

func wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
