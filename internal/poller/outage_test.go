package poller_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

func TestARefusalIsLoggedWithItsRemedy(t *testing.T) {
	gateway := func(status int) *oktasim.Org {
		return &oktasim.Org{Intercept: oktasim.Always(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "<html>blocked</html>", status)
		}))}
	}
	for name, c := range map[string]struct {
		org  *oktasim.Org
		says []string // of the only line that names a failure
	}{
		"wrong token": {&oktasim.Org{Token: "another"}, []string{"Okta refuses the request", "E0000011", "remedy=", "create a new one"}},
		"a gateway":   {gateway(403), []string{"something between us and Okta answers", "answered 403 for ", "check url, proxy_url"}},
		"a proxy":     {gateway(407), []string{"something between us and Okta answers", "answered 407 for ", "check proxy_url"}},
		"a portal":    {gateway(200), []string{"something between us and Okta answers", "answered 200 for ", "check url, proxy_url"}},
	} {
		t.Run(name, func(t *testing.T) {
			contract(t, func(t *testing.T) {
				c1 := on(t, c.org)
				c1.runFor(time.Hour)
				require.Equal(t, 1, c1.logs.count("level=warn"), "%s", c1.logs.lines())
				require.Equal(t, 1, c1.logs.count(append(c.says, "level=warn")...), "%s", c1.logs.lines())
			})
		})
	}
}

func TestRecoveryIsLoggedAlsoAfterAReload(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{Token: "another"}
		c := on(t, org)
		c.runFor(time.Minute)
		c.token = "wrong-too"
		c.runFor(time.Minute)
		require.Equal(t, 2, c.logs.count("Okta refuses the request"), "that the new token is no better is news")
		require.Zero(t, c.logs.count("recovered"))
		c.token = "another"
		c.runFor(time.Minute)
		require.Equal(t, 1, c.logs.count("connection to Okta recovered", "after=2m0s"), "%s", c.logs.lines())
	})
}

func TestAWrongClockIsLoggedOnceWhileItLasts(t *testing.T) {
	for _, ahead := range []time.Duration{2 * time.Minute, -2 * time.Minute} {
		t.Run(fmt.Sprint(ahead), func(t *testing.T) {
			contract(t, func(t *testing.T) {
				org := &oktasim.Org{Clock: -ahead}
				c := on(t, org)
				c.runFor(time.Hour)
				c.runFor(time.Hour) // a reload
				require.Equal(t, 1, c.logs.count("our clock and Okta's differ", "ahead_of_okta="), "%s", c.logs.lines())
				require.InDelta(t, ahead.Seconds(), c.status.Snapshot().ClockSkew.Seconds(), 1)

				org.Set(func(o *oktasim.Org) { o.Clock = 0 })
				c.runFor(time.Hour)
				require.Equal(t, 1, c.logs.count("our clock and Okta's agree again"))
				require.Zero(t, c.status.Snapshot().ClockSkew)

				org.Set(func(o *oktasim.Org) { o.Clock = -ahead })
				c.runFor(time.Hour)
				require.Equal(t, 2, c.logs.count("our clock and Okta's differ"))
			})
		})
	}
}

func TestAnEventFromTheFutureBlamesTheClock(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		org.Append(ev("early", time.Now().Add(11*time.Minute)))
		c := on(t, org)
		c.runFor(time.Hour)
		require.Equal(t, 1, c.logs.count("beyond Loki's default limits", "reason=too_far_in_future", "ahead=11m0s", "check the clock"), "%s", c.logs.lines())
		require.Zero(t, c.logs.count("reject_old_samples_max_age"))
	})
}

func TestAStartAtTheRetentionLosesNothing(t *testing.T) {
	contract(t, func(t *testing.T) {
		c := on(t, &oktasim.Org{})
		c.lookback = oktaapi.Retention + 100*time.Millisecond
		c.runFor(interval / 2)
		require.Zero(t, c.logs.count("older events are lost"))
	})
}
