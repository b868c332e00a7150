// option: reconcile

package poller

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktasim"
)

// refuseRepeats refuses cursors that were asked for before, as if they had expired.
func refuseRepeats(org *oktasim.Org) {
	asked := map[string]bool{}
	org.Set(func(o *oktasim.Org) {
		o.Intercept = func(_ int, r *http.Request) http.Handler {
			if url := r.URL.String(); asked[url] && strings.Contains(url, "after=") {
				return org.RefusedCursor()
			} else {
				asked[url] = true
			}
			return nil
		}
	})
}

// An event that reaches the log two hours late gets lost on the way to Loki, and its page's cursor is refused: it is far behind its own time.
func TestReconcileLooksForALostEventThroughTheWholeWindow(t *testing.T) {
	for name, tc := range map[string]struct {
		behind time.Duration // of the late event
		happen func(s *site)
		gone   int
	}{
		"found": {110 * time.Minute, func(*site) {}, 0},
		"found though Okta refuses every cursor": {110 * time.Minute, func(s *site) {
			s.org.Set(func(o *oktasim.Org) { o.RefuseCursors = 1_000_000 })
		}, 0},
		"found over a reload": {110 * time.Minute, func(s *site) { time.Sleep(90 * time.Second); s.stop(); s.run() }, 0},
		"found in spite of time-outs": {110 * time.Minute, func(s *site) {
			s.org.Inject(s.org.BadGateway(), 20)
		}, 0},
		"found in small pages": {110 * time.Minute, func(s *site) { s.stop(); s.memory.pages.limit = 400; s.run() }, 0},
		"no longer in the log": {110 * time.Minute, func(s *site) {
			s.org.Set(func(o *oktasim.Org) { o.Retention = 30 * time.Minute })
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, s *site) {
				event := func(uuid string, at time.Time) {
					s.org.Append(fmt.Appendf(nil, `{"uuid":%q,"published":%q}`, uuid, at.UTC().Format("2006-01-02T15:04:05.000Z")))
				}
				feed := func(n int, d time.Duration) {
					for range d / (5 * time.Second) {
						n++
						event(fmt.Sprint(n), time.Now())
						time.Sleep(5 * time.Second)
					}
				}
				for n := range 5000 { // of the two hours before
					at := time.Now().Add(time.Duration(n-5000) * 1400 * time.Millisecond)
					s.org.AppendAt(at, fmt.Appendf(nil, `{"uuid":"%d","published":%q}`, n, at.UTC().Format("2006-01-02T15:04:05.000Z")))
				}
				refuseRepeats(s.org)
				s.to.lose(func(uuid string) bool { return uuid == "late" && s.to.deliveries(uuid) < 2 })
				s.run()
				feed(100_000, 5*time.Minute)
				event("late", time.Now().Add(-tc.behind))
				feed(200_000, 15*time.Second) // it is delivered, and lost
				synctest.Wait()
				require.Equal(t, 1, s.to.deliveries("late"))
				begin, before := time.Now(), len(s.org.Requests())
				tc.happen(s)
				feed(300_000, 20*time.Minute)
				synctest.Wait()
				requests := s.org.Requests()[before:]
				require.Less(t, len(requests), 6*20+60, "%s", time.Since(begin))
				require.InDelta(t, tc.gone, testutil.ToFloat64(s.metrics.givenUp), 0)
				require.Equal(t, 2-tc.gone, s.to.deliveries("late"), "delivered as often as is said")
				require.Equal(t, 1-tc.gone, s.to.Copies("late"))
				require.Zero(t, s.status.Snapshot().Wrong[Hold].Kind)
				require.Less(t, s.status.Snapshot().Unconfirmed.Waiting, 60, "the cursor goes on")
			})
		})
	}
}
