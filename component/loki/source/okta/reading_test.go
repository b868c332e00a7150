package okta

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/internal/component/common/loki"

	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/poller"
	"github.com/grafana/alloy/okta/internal/takeover"
)

// nothing is a Loki that has nothing.
var nothing = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
	_, _ = w.Write([]byte(`{"status":"success","data":{"resultType":"streams","result":[]}}`))
})

// counts are the entries that receivers take, by org and uuid.
type counts map[string]int

func (c counts) take(t *testing.T, r loki.LogsReceiver, n int) {
	t.Helper()
	for range n {
		select {
		case e := <-r.Chan():
			c[string(e.Labels["org"])+" "+gjson.Get(e.Line, "event.uuid").Str+gjson.Get(e.Line, "uuid").Str]++
		case <-time.After(20 * time.Second):
			require.FailNow(t, "no entry", "%d so far", len(c))
		}
	}
}

// requireNoMore checks that nothing more comes for a while.
func requireNoMore(t *testing.T, r loki.LogsReceiver) {
	t.Helper()
	select {
	case e := <-r.Chan():
		require.FailNow(t, "delivered twice", "%v %s", e.Labels, e.Line)
	case <-time.After(700 * time.Millisecond):
	}
}

// started is a component that a test stops.
func started(t *testing.T, args Arguments) (s *site, stop func()) {
	t.Helper()
	s = &site{receiver: args.ForwardTo[0], dir: t.TempDir()}
	var err error
	s.Component, err = New(component.Options{
		ID: "loki.source.okta.test", DataPath: s.dir, Logger: slog.New(slog.NewTextHandler(&s.logs, nil)),
	}, args)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Run(ctx) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return s, stop
}

// Alloy gives components their new arguments one after the other, and stops those that are gone in the end. Whatever comes first, an org
// that goes from one component to another repeats nothing.
func TestAnOrgThatMovesRepeatsNothing(t *testing.T) {
	lokiHost := serving(t, nothing)
	for name, reconcile := range map[string]string{
		"without reconcile": "",
		"with reconcile":    fmt.Sprintf("reconcile {\n url = \"http://%s\"\n resume_overlap = \"0s\"\n}\n", lokiHost),
	} {
		t.Run(name, func(t *testing.T) {
			x, y, z := &oktasim.Org{Token: "right"}, orgOf(t, 2), orgOf(t, 2)
			x.Generate(20, time.Minute)
			host := serving(t, x)
			receiver := loki.NewLogsReceiver()
			of := func(hosts ...string) Arguments {
				var entries []string
				for _, h := range hosts {
					entries = append(entries, entry(h, h))
				}
				args, err := evaluate(t, "forward_to = [receiver]\n"+list(entries...)+reconcile)
				require.NoError(t, err)
				args.ForwardTo = []loki.LogsReceiver{receiver}
				return args
			}
			got := counts{}
			a, _ := started(t, of(y, host))
			b, stop := started(t, of(z))
			got.take(t, receiver, 24)
			logs := func() { x.Generate(5, time.Millisecond); got.take(t, receiver, 5) }

			// It moves; the one that had it learns of it last.
			require.NoError(t, b.Update(of(z, host)))
			time.Sleep(50 * time.Millisecond)
			require.NoError(t, a.Update(of(y)))
			logs()
			// It moves back, and the other one vanishes.
			require.NoError(t, a.Update(of(y, host)))
			time.Sleep(50 * time.Millisecond)
			stop()
			logs()
			// It goes to one that is new, and two swap what they have.
			c, _ := started(t, of(z, host))
			require.NoError(t, a.Update(of(y)))
			logs()
			require.NoError(t, a.Update(of(z, host)))
			require.NoError(t, c.Update(of(y)))
			logs()
			requireNoMore(t, receiver)
			for uuid, n := range got {
				require.Equal(t, 1, n, uuid)
			}
			require.Len(t, got, 24+20)
		})
	}
}

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

// What cannot be done as a whole is not done in part.
func TestAnUpdateIsAllOrNothing(t *testing.T) {
	host := orgOf(t, 2)
	s := runs(t, list(entry("a", host)))
	s.takeFrom(t, 2, host)
	before, plan := s.arguments(), s.current()[0].plan.Load()
	args, err := evaluate(t, "forward_to = [receiver]\npage_size = 7\n"+list(entry("a", host), entry("b", orgOf(t, 1))))
	require.NoError(t, err)
	args.ForwardTo = []loki.LogsReceiver{s.receiver}
	args.EventHook = &EventHook{Path: "/okta"} // which Validate would have refused: no secret
	require.ErrorContains(t, s.Update(args), "event_hook")
	require.Same(t, before, s.arguments())
	require.Len(t, s.current(), 1)
	require.Same(t, plan, s.current()[0].plan.Load(), "its poller goes on")
	require.Len(t, seriesOf(t, s.registry), 1, "an org that is not collected has no series")
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

// What a node begins with that takes an org over is for its first poller: later ones are spread as all are, and what may still arrive of
// the node before has that much less time.
func TestOnlyTheFirstPollerBeginsAtOnce(t *testing.T) {
	host := orgOf(t, 1)
	args, err := evaluate(t, "forward_to = [receiver]\n"+list(entry("a", host), entry("b", orgOf(t, 0))))
	require.NoError(t, err)
	c, err := New(component.Options{DataPath: t.TempDir(), Logger: slog.New(slog.DiscardHandler)}, args)
	require.NoError(t, err)
	r := c.current()[0].live
	r.memory = &poller.Memory{}
	read := func(start takeover.Start, replace bool) *poller.Poller {
		ctx, cancel := context.WithCancel(t.Context())
		done, before := make(chan struct{}), r.replace.Load()
		begun := func() bool { return r.replace.Load() != before }
		go func() { defer close(done); r.Read(ctx, start) }()
		until(t, "there is a poller", begun)
		until(t, "it polls", func() bool { return !r.status.Snapshot().LastPoll.IsZero() })
		if replace {
			before = r.replace.Load()
			r.replaced()
			until(t, "there is another poller", begun)
		}
		cancel()
		<-done
		return r.poller
	}
	go func() {
		for range args.ForwardTo[0].Chan() {
		}
	}()
	start := takeover.Start{AtOnce: true, LastPush: 25 * time.Second}
	first := read(start, false)
	require.Zero(t, first.Spread)
	require.InDelta(t, 25, first.LastPush.Seconds(), 1)
	second := read(start, true)
	require.Equal(t, apart, second.Spread)
	require.Less(t, second.LastPush, first.LastPush)
	r.lands = time.Now().Add(-time.Hour)
	require.Equal(t, time.Duration(1), r.newPoller(r.k.plan.Load(), nil).LastPush, "nothing arrives any more; 0 is for what is not known")
}

// An org of a node that is alone needs a goroutine that reads, and the poller's own.
func TestAnOrgNeedsFewGoroutines(t *testing.T) {
	in := func() (n int) {
		buf := make([]byte, 8<<20)
		for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			ours := func(of string) bool { return strings.Contains(stack, "/okta/"+of+".(") }
			if ours("internal/poller") || ours("internal/takeover") || strings.Contains(stack, "okta.(*reading)") {
				n++
			}
		}
		return n
	}
	orgs := func(n int) (entries []string) {
		for i := range n {
			entries = append(entries, entry(fmt.Sprint(i), orgOf(t, 0)))
		}
		return entries
	}
	ten := orgs(10)
	s := runs(t, list(ten[:2]...))
	polled := func(n int) func() bool {
		return func() bool {
			rows := s.rows()
			return len(rows) == n && !slices.ContainsFunc(rows, func(r orgInfo) bool { return r.LastPoll.IsZero() })
		}
	}
	until(t, "both are polled", polled(2))
	before := in()
	require.NoError(t, s.reload(t, list(ten...)))
	until(t, "all are polled", polled(10))
	t.Logf("%d goroutines with 2 orgs, %d with 10", before, in())
	require.LessOrEqual(t, in()-before, 3*8)
}
