// option: backfill, orgs

package okta

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/internal/component/common/loki"

	"github.com/grafana/alloy/okta/internal/oktasim"
)

// A page that comes again after a reload must not give a receiver what it took, also of a range, and also under another name.
func TestReloadsOfARangeRepeatNothing(t *testing.T) {
	org := &oktasim.Org{Token: "right", RateLimit: -1}
	since, until := day(4), day(2)                                    // also when it runs past midnight
	at := time.Now().UTC().AddDate(0, 0, -3).Truncate(24 * time.Hour) // all on one day, whenever this runs
	for n := range 6 {
		org.AppendAt(at.Add(time.Duration(n)*time.Minute), fmt.Appendf(nil, `{"uuid":"%d","published":%q}`, n,
			at.Add(time.Duration(n)*time.Minute).UTC().Format("2006-01-02T15:04:05.000Z")))
	}
	free, blocked := loki.NewLogsReceiver(), loki.NewLogsReceiver()
	version := 0
	args := func() Arguments {
		version++
		args, err := evaluate(t, fmt.Sprintf("forward_to = [receiver]\nurl = \"http://%s\"\napi_token = \"right\"\ninitial_lookback = \"1m\"\n"+
			"poll_interval = \"%ds\"\nbackfill {\n since = %q\n until = %q\n}\n", serving(t, org), 1+version, since, until))
		require.NoError(t, err)
		args.ForwardTo = []loki.LogsReceiver{free, blocked}
		return args
	}
	first := args()
	s, stop := started(t, first)
	got, late := counts{}, counts{}
	for range 5 {
		got.take(t, free, 1)
		next := args()
		next.URL = first.URL
		require.NoError(t, s.Update(next))
		time.Sleep(100 * time.Millisecond)
		late.take(t, blocked, 1)
	}
	got.take(t, free, 1)
	stop()
	next := args()
	next.URL = first.URL
	started(t, next)
	late.take(t, blocked, 1)
	requireNoMore(t, free)
	require.Len(t, got, 6)
	require.Len(t, late, 6)
	for uuid := range got {
		require.Equal(t, []int{1, 1}, []int{got[uuid], late[uuid]}, uuid)
	}
}

// The health of a range that is refused changed when that was found, not when the range began.
func TestARefusedRangeIsUnhealthySinceItWasRefused(t *testing.T) {
	body := fmt.Sprintf("url = \"http://%s\"\napi_token = \"right\"\nbackfill {\n since = %q\n until = %q\n}\n", orgOf(t, 0), day(95), day(94))
	begin := time.Now()
	s := runs(t, body)
	until(t, "it polls", func() bool { return !s.only().live.status.Snapshot().LastPoll.IsZero() })
	require.WithinRange(t, s.CurrentHealth().UpdateTime, begin, time.Now())
}

// An org's own labels may be those of a range: that costs the range of this org.
func TestARangeWithAnOrgsOwnLabelsIsNotRead(t *testing.T) {
	a, b := orgOf(t, 2), orgOf(t, 2)
	own := strings.Replace(entry("a", a), "}", `, labels = {team = "archive"}}`, 1)
	s := runs(t, list(own, entry("b", b))+fmt.Sprintf("backfill {\n since = %q\n until = %q\n labels = {team = \"archive\"}\n}\n", day(3), day(2)))
	s.takeFrom(t, 2, a, b)
	require.Contains(t, s.CurrentHealth().Message, `a: backfill > labels: team="archive" is no label that live entries have not`)
	until(t, "the other one's is read", func() bool { return strings.Contains(strings.Join(s.rows()[1].Backfills, ""), "done") })
	require.Contains(t, strings.Join(s.rows()[0].Backfills, ""), "not read")
}

// An org whose range waits for Loki is read all the same.
func TestAnOrgIsReadWhileItsRangeWaitsForLoki(t *testing.T) {
	old := time.Now().AddDate(0, 0, -1)
	lokiHost := serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, err := strconv.ParseInt(r.FormValue("start"), 10, 64)
		if err == nil && start < old.UnixNano() {
			<-r.Context().Done()
			return
		}
		nothing(w, r)
	}))
	a, b := &oktasim.Org{Token: "right"}, orgOf(t, 1)
	at := time.Now().UTC().AddDate(0, 0, -3).Truncate(24 * time.Hour)
	a.AppendAt(at, fmt.Appendf(nil, `{"uuid":"old","published":%q}`, at.Format("2006-01-02T15:04:05.000Z")))
	a.Generate(1, time.Minute)
	host := serving(t, a)
	s := runs(t, list(entry("a", host), entry("b", b))+fmt.Sprintf("reconcile {\n url = \"http://%s\"\n resume_overlap = \"0s\"\n}\n"+
		"backfill {\n since = %q\n until = %q\n}\n", lokiHost, day(4), day(2)))
	s.takeFrom(t, 1, host, b)
	asks := func() bool { return !s.only().plan.Load().of.fills[0].reading.snapshot().Asking.IsZero() }
	until(t, "the range asks", asks)
	later := healthOfAll(s.current(), time.Now().Add(2*askingGrace))
	require.Equal(t, component.HealthTypeUnhealthy, later.Health)
	require.Regexp(t, `^1 of 2 orgs is in trouble: a: backfill [-0-9/]+: waiting since`, later.Message)
}

// One bad label is no reason to stop collecting.
func TestABadLabelOfABackfillStopsNoOrg(t *testing.T) {
	_, err := evaluate(t, "forward_to = [receiver]\n"+list(entry("a", "a.okta.com"))+
		fmt.Sprintf("backfill {\n since = %q\n until = %q\n labels = {\"a-b\" = \"c\"}\n}\n", day(5), day(4)))
	require.ErrorContains(t, err, "a-b")
}
