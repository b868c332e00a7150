// option: reconcile

package poller

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/testbed"
)

// lines are what the site logs, from its next run on.
func (s *site) lines() *testbed.Log {
	var lines testbed.Log
	s.configure = func(c *Config) { c.Logger = log.NewLogfmtLogger(&lines) }
	return &lines
}

// begin runs the site until its configuration is known to work.
func (s *site) begin() {
	s.org.Generate(10, time.Second)
	s.run()
	time.Sleep(time.Minute)
}

// loses has n events logged, of which those are lost that lost picks.
func (s *site) loses(lost func(uuid string) bool, n int) {
	s.to.lose(lost)
	s.org.Generate(n, 5*time.Second)
	time.Sleep(20 * time.Second)
	s.to.lose(nil)
}

// limitOf is how many events a request asks for.
func limitOf(r *http.Request) int { n, _ := strconv.Atoi(r.URL.Query().Get("limit")); return n }

// position is where in the log live polling asks for a page.
func (s *site) position() time.Time {
	synctest.Wait()
	requests := s.org.Requests()
	u, err := url.Parse(requests[len(requests)-1].URL)
	require.NoError(s.t, err)
	return from(u)
}

// from is where in the log a page begins.
func from(u *url.URL) time.Time {
	q := u.Query()
	if ms, _, ok := strings.Cut(q.Get("after"), "_"); ok {
		n, _ := strconv.ParseInt(ms, 10, 64)
		return time.UnixMilli(n)
	}
	at, _ := time.Parse(time.RFC3339, q.Get("since"))
	return at
}

// Of two ways through the log, one may get its pages while the other does not: the log tells of a trouble at its beginning and at its end,
// and not each time that the other way gets a page.
func TestATroubleOfOneWayThroughTheLogIsToldOnce(t *testing.T) {
	for name, tc := range map[string]struct {
		fails      func(old bool) bool
		begin, end string
	}{
		"live polling's pages come, a rewind's do not": {
			func(old bool) bool { return old }, "lost events cannot be fetched again", "lost events can be fetched again"},
		"a rewind's pages come, live polling's do not": {
			func(old bool) bool { return !old }, "lost contact with Okta", "connection to Okta recovered"},
		"none comes": {
			func(bool) bool { return true }, "lost contact with Okta", "connection to Okta recovered"},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, s *site) {
				lines := s.lines()
				s.begin()
				losses := map[string]int{}
				s.to.lose(func(uuid string) bool { losses[uuid]++; return losses[uuid] <= 1+len(losses)%2 })
				s.org.Generate(400, 5*time.Second)
				time.Sleep(20 * time.Second)
				s.to.lose(func(uuid string) bool { losses[uuid]++; return losses[uuid] == 2 }) // they come again twice
				at, fails, rewinds := s.position(), func(old bool) bool { return old }, 0
				s.org.Set(func(o *oktasim.Org) {
					o.Intercept = func(_ int, r *http.Request) http.Handler {
						old := from(r.URL).Before(at)
						if old {
							rewinds++
						}
						if fails(old) {
							return s.org.UnavailableFor(time.Second)
						}
						return nil
					}
				})
				for range 4 { // they are proven lost
					s.org.Generate(2, time.Second)
					time.Sleep(15 * time.Second)
				}
				synctest.Wait()
				fails, rewinds = tc.fails, 0
				for range 30 {
					s.org.Generate(4, 2*time.Second)
					time.Sleep(time.Minute)
				}
				synctest.Wait()
				require.Positive(t, rewinds)
				require.Equal(t, 1, strings.Count(lines.String(), tc.begin), lines.String())
				require.NotContains(t, lines.String(), tc.end)

				s.org.Set(func(o *oktasim.Org) { o.Intercept = nil })
				for range 40 {
					s.org.Generate(4, 2*time.Second)
					time.Sleep(time.Minute)
				}
				synctest.Wait()
				require.Equal(t, 1, strings.Count(lines.String(), tc.end), lines.String())
				require.Equal(t, 2, strings.Count(lines.String(), tc.begin)+strings.Count(lines.String(), tc.end))
				for _, other := range []string{"lost contact", "recovered", "fetched again"} {
					if !strings.Contains(tc.begin+tc.end, other) {
						require.NotContains(t, lines.String(), other)
					}
				}
				require.False(t, s.status.wrong(Okta).Lasts() || s.status.wrong(Rewind).Lasts())
				s.requireExactlyOnce()
			})
		})
	}
}

// What was lost cannot be fetched again, and then Loki has it after all: nothing is left to be fetched.
func TestATroubleOfARewindEndsWithWhatItIsFor(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		lines := s.lines()
		s.begin()
		lost := map[string]bool{}
		s.loses(func(uuid string) bool { lost[uuid] = true; return true }, 10)
		at := s.position()
		s.org.Set(func(o *oktasim.Org) {
			o.Intercept = func(_ int, r *http.Request) http.Handler {
				if from(r.URL).Before(at) {
					return s.org.UnavailableFor(time.Second)
				}
				return nil
			}
		})
		few := func() {
			for range 6 {
				s.org.Generate(2, time.Second)
				time.Sleep(time.Minute)
			}
			synctest.Wait()
		}
		few()
		require.Equal(t, 1, strings.Count(lines.String(), "lost events cannot be fetched again"), lines.String())
		s.anotherDelivers(slices.Collect(maps.Keys(lost))...)
		few()
		require.Equal(t, 1, strings.Count(lines.String(), "lost events can be fetched again"), lines.String())
		s.requireExactlyOnce()
	})
}

// A rewind learned that pages of long ago must be small. Live polling's come whole, so that its next start by time asks for whole ones.
func TestALargerPageThatComesIsAskedForAgain(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.begin()
		s.loses(everything, 2500)
		at := s.position()
		s.org.Set(func(o *oktasim.Org) {
			o.Intercept = func(_ int, r *http.Request) http.Handler {
				if limitOf(r) > 130 && from(r.URL).Before(at) {
					return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusRequestEntityTooLarge) })
				}
				return nil
			}
		})
		for range 10 {
			s.org.Generate(2, time.Second)
			time.Sleep(time.Minute)
		}
		synctest.Wait()
		s.requireExactlyOnce()
		require.Positive(t, s.memory.pages.limit)
		require.Less(t, s.memory.pages.limit, 131)

		s.org.Generate(2500, 5*time.Second)
		time.Sleep(30 * time.Second)
		asked := 0
		s.org.Set(func(o *oktasim.Org) {
			o.RefuseCursors = 1
			o.Intercept = func(_ int, r *http.Request) http.Handler {
				if !r.URL.Query().Has("after") && asked == 0 { // a start by time
					asked = limitOf(r)
				}
				return nil
			}
		})
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, 1000, asked)
		s.requireExactlyOnce()
	})
}
