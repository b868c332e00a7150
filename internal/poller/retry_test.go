// option: reconcile

package poller

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktasim"
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
		require.Less(t, s.status.Snapshot().Unconfirmed.Waiting, 10, "the cursor goes on")
	})
}

// What is lost on several pages is found whatever leads from one to the next.
func TestReconcileFindsWhatIsLostOnEveryPage(t *testing.T) {
	log := func(s *site, n int, severity string) {
		for i := range n {
			s.org.Append(fmt.Appendf(nil, `{"uuid":"%s%d-%d","published":%q,"severity":%q}`, severity, i, time.Now().UnixNano(),
				time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), severity))
			time.Sleep(time.Millisecond)
		}
	}
	nameless := func(s *site) {
		s.org.Append(fmt.Appendf(nil, `{"published":%q}`, time.Now().UTC().Format("2006-01-02T15:04:05.000Z")))
	}
	for name, tc := range map[string]struct {
		begin    func(s *site)
		filter   string // since a reload during the outage
		nameless bool   // events without a uuid are among the others
		fails    int    // pages of the first filter that fail as too large ones may, before one comes
	}{
		"next links":    {begin: func(*site) {}},
		"no next links": {begin: func(s *site) { s.org.Set(func(o *oktasim.Org) { o.Intercept = oktasim.Always(s.org.NoNext()) }) }},
		"next links in a circle": {begin: func(s *site) {
			var links []string
			s.org.Set(func(o *oktasim.Org) {
				o.Intercept = oktasim.Always(s.org.Next(func(next string) string {
					switch {
					case slices.Contains(links, next):
					case len(links) < 2:
						links = append(links, next)
					default:
						next = links[0]
					}
					return next
				}))
			})
		}},
		"another filter":               {begin: func(s *site) { s.filter = `severity eq "INFO"` }, filter: `severity eq "WARN"`},
		"another filter and an outage": {begin: func(s *site) { s.filter = `severity eq "INFO"` }, filter: `severity eq "WARN"`, fails: 5},
		"events without a uuid":        {begin: func(*site) {}, nameless: true},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, s *site) {
				tc.begin(s)
				log(s, 10, "INFO")
				s.run()
				time.Sleep(time.Minute) // the configuration is known to work
				s.to.lose(everything)
				if tc.nameless {
					nameless(s)
				}
				log(s, 2500, "INFO")
				time.Sleep(20 * time.Second)
				if tc.filter != "" {
					s.stop()
					s.filter = tc.filter
					s.run()
				}
				log(s, 2500, "WARN")
				time.Sleep(20 * time.Second)
				s.to.lose(nil)
				fails := tc.fails
				if fails > 0 {
					s.org.Set(func(o *oktasim.Org) {
						o.Intercept = func(_ int, r *http.Request) http.Handler {
							if fails == 0 || !strings.Contains(r.URL.Query().Get("filter"), "INFO") {
								return nil
							}
							fails--
							return s.org.BadGateway()
						}
					})
				}
				for range 20 {
					log(s, 2, "WARN")
					if tc.nameless {
						nameless(s)
					}
					time.Sleep(time.Minute)
				}
				require.Zero(t, fails)
				require.Zero(t, testutil.ToFloat64(s.metrics.givenUp))
				for uuid := range s.uuids(func(_ int, ev event.Event) bool { return ev.UUID != "" }) {
					require.Equal(t, 1, s.to.Copies(uuid), uuid)
				}
				require.Zero(t, s.status.Snapshot().Unconfirmed.Waiting)
			})
		})
	}
}

// The way from Okta lets no large page through any more when events are lost that came on large pages. They are found all the same: with
// the size that live polling learns meanwhile, or that nobody has learned, for the live log is quiet.
func TestReconcileLooksForLostEventsOnSmallerPages(t *testing.T) {
	for name, learned := range map[string]bool{"that live polling learned": true, "that nobody learned": false} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, s *site) {
				s.begin()
				s.loses(everything, 2500)
				old, began, large := time.Now().Add(-24*time.Second), false, 0
				s.org.Set(func(o *oktasim.Org) {
					o.Intercept = func(_ int, r *http.Request) http.Handler {
						if limitOf(r) <= 130 {
							return nil
						}
						back := from(r.URL).Before(old)
						if began = began || back; s.memory.pages.limit > 0 && back {
							large++
						}
						if back || began && learned {
							return s.org.BadGateway()
						}
						return nil
					}
				})
				for range 30 {
					s.org.Generate(2, time.Second)
					time.Sleep(time.Minute)
				}
				synctest.Wait()
				s.requireExactlyOnce()
				require.Zero(t, testutil.ToFloat64(s.metrics.givenUp))
				require.Zero(t, s.status.Snapshot().Unconfirmed.Waiting)
				require.True(t, began)
				if learned {
					require.Zero(t, large, "what is known to fail is not tried")
				}
			})
		})
	}
}
