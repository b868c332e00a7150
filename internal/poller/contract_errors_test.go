package poller_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/atomic"

	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/poller"
)

// requireSlow checks that a refusal was retried every 30 to 60 seconds.
func requireSlow(t *testing.T, org *oktasim.Org) {
	t.Helper()
	require.NotEmpty(t, gaps(org))
	for _, gap := range gaps(org) {
		require.GreaterOrEqual(t, gap, 30*time.Second)
		require.LessOrEqual(t, gap, time.Minute)
	}
}

func TestARefusedConfigurationIsRetriedAndRecovers(t *testing.T) {
	for status, code := range map[int]string{401: "E0000011", 403: "E0000006", 404: "E0000007"} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			contract(t, func(t *testing.T) {
				org := &oktasim.Org{Refuse: status}
				org.Append(evs("e", 3)...)
				c := on(t, org)
				r := c.run()
				pass(12 * time.Hour)
				requireSlow(t, org)
				snap := c.status.Snapshot()
				require.True(t, snap.Wrong[poller.Okta].Refused)
				require.ErrorContains(t, snap.Wrong[poller.Okta].Err, fmt.Sprint(status, " ", code), "Okta's own words")
				require.Equal(t, 1, c.logs.count("Okta refuses the request"))

				org.Set(func(o *oktasim.Org) { o.Refuse = 0 })
				pass(time.Minute)
				require.NoError(t, c.status.Snapshot().Wrong[poller.Okta].Err)
				require.Equal(t, 1, c.logs.count("recovered", "attempts=", "after="))
				require.Len(t, c.logs.lines(), 3, "%s", c.logs.lines())
				r.stop()
				c.requireEachOnce()
			})
		})
	}
}

func TestANewTokenIsUsedAtOnceAndTheCursorKept(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{Token: token}
		org.Append(evs("a", 3)...)
		c := on(t, org)
		r := c.run()
		pass(time.Minute)
		org.Set(func(o *oktasim.Org) { o.Token = "00rotated-hunter2" })
		org.Append(evs("b", 3)...)
		pass(time.Minute)
		require.True(t, c.status.Snapshot().Wrong[poller.Okta].Refused)
		last := org.Requests()[len(org.Requests())-1].URL
		r.stop() // a reload
		c.token = "00rotated-hunter2"
		r = c.run()
		pass(0)
		require.Equal(t, last, org.Requests()[len(org.Requests())-1].URL)
		r.stop()
		c.requireEachOnce()
	})
}

func TestAWrongFilterIsNamedAndCausesNoStorm(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		org.Append(evs("e", 3)...)
		c := on(t, org)
		c.client.Filter = `eventType eqq "user.session.start"`
		c.runFor(time.Hour)
		requireSlow(t, org)
		require.ErrorContains(t, c.status.Snapshot().Wrong[poller.Okta].Err, "eqq")
		require.ErrorContains(t, c.status.Snapshot().Wrong[poller.Okta].Err, "400 E00000")
		require.True(t, c.status.Snapshot().Wrong[poller.Okta].Refused)
		require.Empty(t, c.sink.lines(), "an error body is no event")
	})
}

func TestTransientErrorsAreRetriedAndLoggedOnce(t *testing.T) {
	for _, fault := range []string{"500-timeout", "500", "502", "503", "408", "reset", "cut", "html"} {
		t.Run(fault, func(t *testing.T) {
			contract(t, func(t *testing.T) {
				org := &oktasim.Org{}
				org.Append(evs("a", 20)...)
				h, err := org.Fault(fault)
				require.NoError(t, err)
				c := on(t, org)
				c.client.PageSize = 10
				org.Intercept = oktasim.Script(nil)
				r := c.run()
				pass(0)
				org.Append(evs("b", 10)...)
				org.Set(func(o *oktasim.Org) { o.Intercept = oktasim.Always(h) })
				healthy := len(org.Requests())
				pass(time.Hour)
				waits := gaps(org)[healthy:]
				if fault == "reset" {
					// A connection that was used before and breaks without a byte may
					// have been idle for too long: net/http tries a new one at once.
					require.Zero(t, waits[0])
					waits = waits[1:]
				}
				for i, wait := range waits {
					longest := min(time.Second<<min(i, 10), time.Minute)
					require.LessOrEqual(t, wait, longest, "try %d", i)
					require.GreaterOrEqual(t, wait, longest/2)
				}
				require.Less(t, len(waits), 60*60/30+10)
				require.Equal(t, oktaapi.Transient, oktaapi.ClassOf(c.status.Snapshot().Wrong[poller.Okta].Err))
				require.Error(t, c.status.Snapshot().Wrong[poller.Okta].Err)

				org.Set(func(o *oktasim.Org) { o.Intercept = nil })
				pass(time.Minute)
				require.NoError(t, c.status.Snapshot().Wrong[poller.Okta].Err)
				require.Equal(t, 1, c.logs.count("lost contact with Okta"))
				require.Equal(t, 1, c.logs.count("recovered", fmt.Sprintf("attempts=%d", len(waits)+1), "after="), "%d %s", len(waits)+1,
					c.logs.lines())
				require.Len(t, c.logs.lines(), 3, "%s", c.logs.lines())
				r.stop()
				c.requireEachOnce()
			})
		})
	}
}

func TestNetworkNameAndTLSFailuresAreOutlived(t *testing.T) {
	for name, failure := range map[string]error{
		"refused":   &net.OpError{Op: "dial", Net: "tcp", Err: fmt.Errorf("connection refused")},
		"name":      &net.DNSError{Err: "no such host", Name: "localhost", IsNotFound: true},
		"TLS":       x509.UnknownAuthorityError{},
		"a timeout": context.DeadlineExceeded,
	} {
		t.Run(name, func(t *testing.T) {
			contract(t, func(t *testing.T) {
				org := &oktasim.Org{}
				org.Append(evs("e", 3)...)
				c := on(t, org)
				var reachable atomic.Bool
				c.client.HTTP = &http.Client{Transport: &http.Transport{
					DisableKeepAlives: true,
					DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
						if !reachable.Load() {
							return nil, failure
						}
						return c.pipe.DialContext(ctx, network, addr)
					},
				}}
				r := c.run()
				pass(10 * time.Minute)
				require.ErrorContains(t, c.status.Snapshot().Wrong[poller.Okta].Err, failure.Error())
				require.NotContains(t, c.status.Snapshot().Wrong[poller.Okta].Err.Error(), "since=", "no URL in an error")
				require.Equal(t, 1, c.logs.count("lost contact with Okta"))
				reachable.Store(true)
				pass(time.Minute)
				require.Equal(t, 1, c.logs.count("recovered"))
				r.stop()
				c.requireEachOnce()
			})
		})
	}
}

func TestLateHeadersAndStalledBodiesAreGivenUp(t *testing.T) {
	for name, stall := range map[string]func(*oktasim.Org) http.Handler{
		"late headers": func(o *oktasim.Org) http.Handler { return o.Late(2 * time.Hour) },
		"stalled body": func(o *oktasim.Org) http.Handler { return o.Stalled(2 * time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			contract(t, func(t *testing.T) {
				org := &oktasim.Org{}
				org.Append(evs("e", 30)...)
				org.Intercept = oktasim.Script(nil, stall(org), stall(org))
				c := on(t, org)
				c.client.PageSize, c.client.Timeout = 10, 45*time.Second
				r := c.run()
				pass(44 * time.Second)
				require.Len(t, org.Requests(), 2)
				pass(time.Second)
				require.ErrorContains(t, c.status.Snapshot().Wrong[poller.Okta].Err, "request_timeout (45s)")
				pass(2 * time.Minute)
				r.stop()
				c.requireEachOnce()
			})
		})
	}
}

func TestASlowAnswerWithinTheTimeoutIsTaken(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{Delay: 29 * time.Second}
		org.Append(evs("e", 30)...)
		c := on(t, org)
		c.client.PageSize = 10
		c.runFor(3 * time.Minute)
		c.requireEachOnce()
		require.Equal(t, 1, len(c.logs.lines()), "%s", c.logs.lines())
	})
}

func TestARefusedCursorIsReplacedByTheLastEventsTime(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		c := on(t, org)
		begin := time.Now()
		// The newest event is 5 s behind its persistence; one of the past is far behind.
		org.AppendAt(begin.Add(5*time.Second), ev("old", begin.Add(-24*time.Hour)), ev("newest", begin.Add(1234567890*time.Nanosecond)))
		r := c.run()
		pass(11 * time.Second)
		org.Append(evs("b", 3)...)
		pass(10 * time.Second)
		require.Len(t, c.sink.lines(), 5)
		org.Set(func(o *oktasim.Org) { o.RefuseCursors = 1 })
		org.AppendAt(time.Now(), ev("late", begin))
		before := len(org.Requests())
		pass(10 * time.Second)
		r.stop()
		c.requireEachOnce()
		require.Contains(t, org.Requests()[before+1].URL, "since=2000-01-01T00%3A00%3A11.000Z", "the latest event's time, never rounded up")
		require.Equal(t, 1, c.counter("cursor_refused_total"))
		require.Equal(t, 3, c.counter("duplicate_events_total"), "b0 to b2 are read again, and dropped")
		require.Equal(t, 1, c.logs.count("Okta refused the saved cursor", "reread=19s", "E0000001"), "%s", c.logs.lines())
		require.Len(t, c.logs.lines(), 2, "%s", c.logs.lines())
	})
}

func TestACursorThatExpiredDuringALongStopIsReplaced(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{CursorTTL: 24 * time.Hour}
		org.Append(evs("a", 3)...)
		c := on(t, org)
		c.runFor(time.Minute)
		org.AppendAt(time.Now().Add(time.Hour), evs("b", 30)...)
		pass(72 * time.Hour)
		c.reboot()
		c.client.PageSize = 1000
		c.runFor(time.Minute)
		require.Equal(t, append(append(names("a", 3), names("a", 3)...), names("b", 30)...), c.sink.uuids(),
			"a new process does not know the events of the last moment; it reads them again rather than lose one")
		require.Equal(t, 1, c.counter("cursor_refused_total"))
	})
}

func TestCursorsThatAreAlwaysRefusedCauseNoLoop(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{RefuseCursors: 1 << 30}
		c := on(t, org)
		c.client.PageSize = 10
		for i := range 40 {
			at := time.Now().Add(time.Duration(i) * time.Second)
			org.AppendAt(at, ev(fmt.Sprint("e", i), at))
		}
		c.runFor(30 * time.Minute)
		c.requireEachOnce() // from start to start, by the last event's time
		require.Less(t, len(org.Requests()), 4*30, "two requests each half minute at most")
		require.LessOrEqual(t, c.logs.count("Okta refused the saved cursor"), 1)
		require.LessOrEqual(t, len(c.logs.lines()), 3, "%s", c.logs.lines())
	})
}

func TestAStartBeforeTheRetentionIsClampedWithAWarning(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		c := on(t, org)
		c.lookback = 200 * 24 * time.Hour // Okta refuses a since before 180 days
		c.runFor(time.Minute)
		require.Empty(t, c.status.Snapshot().Wrong[poller.Okta].Err)
		oldest := time.Now().Add(-time.Minute - 90*24*time.Hour + time.Minute)
		require.Contains(t, org.Requests()[0].URL, "since="+strings.ReplaceAll(oldest.UTC().Format("2006-01-02T15:04:05.000Z"), ":", "%3A"))
		require.Equal(t, 1, c.logs.count("level=warn", "as far back as Okta keeps events", "lost=2640h"))
	})
}

func TestAFirstStartKeepsItsTimeWhileTheTokenIsWrong(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{Token: "another one"}
		org.Append(ev("too old", time.Now()))
		pass(2 * time.Hour)
		org.Append(evs("a", 3)...)
		c := on(t, org)
		c.runFor(24 * time.Hour)
		require.Empty(t, c.sink.lines())
		c.reboot() // also across a restart
		r := c.run()
		pass(24 * time.Hour)
		org.Append(evs("b", 3)...)
		org.Set(func(o *oktasim.Org) { o.Token = token })
		pass(time.Minute)
		r.stop()
		require.Equal(t, append(names("a", 3), names("b", 3)...), c.sink.uuids())
	})
}

func TestThreeDaysOfDowntimeAreCaughtUpWithinTheBudget(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{RateLimit: 20}
		org.Append(evs("a", 3)...)
		c := on(t, org)
		c.client.PageSize = 10
		c.runFor(time.Minute)
		for i := range 300 {
			at := time.Now().Add(time.Duration(i) * 14 * time.Minute)
			org.AppendAt(at, ev(fmt.Sprint("b", i), at))
		}
		pass(72 * time.Hour)
		c.reboot()
		c.runFor(10 * time.Minute)
		c.requireEachOnce()
		requireDensity(t, org, 10)
	})
}

func TestAStopEndsEveryWaitAtOnce(t *testing.T) {
	cases := map[string]struct {
		fault string
		block bool
		after time.Duration // into the wait
	}{
		"the poll interval":        {after: 5 * time.Second},
		"a backoff":                {fault: "503", after: 10 * time.Minute},
		"a refusal":                {fault: "401", after: 10 * time.Second},
		"a rate limit of minutes":  {fault: "429-absurd", after: time.Minute},
		"the concurrency limit":    {fault: "429-concurrency", after: time.Minute},
		"a request without answer": {fault: "late", after: 30 * time.Second},
		"a stalled body":           {fault: "stall", after: 30 * time.Second},
		"a blocked receiver":       {block: true, after: time.Hour},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			contract(t, func(t *testing.T) {
				org := &oktasim.Org{}
				org.Append(evs("e", 3)...)
				if tc.fault != "" {
					h, err := org.Fault(tc.fault)
					require.NoError(t, err)
					org.Intercept = oktasim.Always(h)
				}
				c := on(t, org)
				if tc.block {
					c.sink.block(1)
				}
				r := c.run()
				pass(tc.after)
				r.stop() // requires that it takes no time
				snap := c.status.Snapshot()
				require.Zero(t, snap.Wait.Until, "the next poller must not seem to wait")
				require.Zero(t, snap.Wrong[poller.Receiver].Since)
			})
		})
	}
	t.Run("the share of the budget", func(t *testing.T) {
		contract(t, func(t *testing.T) {
			org := &oktasim.Org{RateLimit: 20}
			org.Append(evs("e", 200)...)
			c := on(t, org)
			c.client.PageSize = 10
			r := c.run()
			pass(30 * time.Second)
			require.NotZero(t, c.status.Snapshot().Wait.Until)
			r.stop()
			require.Zero(t, c.status.Snapshot().Wait.Until)
		})
	})
}
