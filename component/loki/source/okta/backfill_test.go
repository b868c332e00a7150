package okta

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/component"
	relabel "github.com/grafana/alloy/internal/component/common/relabel"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/poller"
)

// day is n days ago, as since and until are written.
func day(n int) string { return time.Now().AddDate(0, 0, -n).UTC().Format(time.DateOnly) }

func TestBadBackfillsAreRefusedWithWhatToChange(t *testing.T) {
	block := func(since, until, more string) string {
		return fmt.Sprintf("backfill {\n since = %q\n until = %q\n%s\n}\n", since, until, more)
	}
	asks := func(selector string) string {
		return fmt.Sprintf("reconcile {\n url = \"http://127.0.0.1:1\"\n selector = %q\n}\n", selector) // "": the default one
	}
	for name, c := range map[string]struct{ body, want string }{
		"no time":          {block("yesterday", day(1), ""), `since is "yesterday": it must be a time such as`},
		"backward":         {block(day(1), day(2), ""), "it must be before until"},
		"still under way":  {block(day(2), time.Now().UTC().Format(time.RFC3339), ""), "it must be at least 1h0m0s ago"},
		"a greedy one":     {block(day(3), day(2), "rate_limit_share = 0.5"), "rate_limit_share is 0.5: it must be above 0 and below the component's, 0.5"},
		"a live stream":    {block(day(3), day(2), `labels = {team = "idm"}`) + `labels = {team = "idm"}`, `team="idm" is no label that live entries have not`},
		"an empty label":   {block(day(3), day(2), `labels = {team = ""}`), "is no label that live entries have not"},
		"twice the same":   {block(day(3), day(2), "") + block(day(3), day(2), ""), "is there twice"},
		"twice in metrics": {block(day(3), day(2), `labels = {a = "1"}`) + block(day(3), day(2), ""), "is there twice"},
		"a bad label":      {block(day(3), day(2), `labels = {"a-b" = "c"}`), "a-b"},
		"a wrong job": {block(day(3), day(2), `labels = {job = "archive"}`) + asks(""),
			`backfill > labels: job="archive" would not be found by the selector of reconcile, {job="loki.source.okta",org="acme.okta.com"}: allowed`},
		"the live job":     {block(day(3), day(2), `labels = {job = "loki.source.okta"}`), `job="loki.source.okta" is no label that live entries have not`},
		"the live org":     {block(day(3), day(2), `labels = {org = "acme.okta.com"}`), "is no label that live entries have not"},
		"another org":      {block(day(3), day(2), `labels = {org = "old"}`) + asks(""), `org="old" would not be found`},
		"a label of all":   {block(day(3), day(2), `labels = {team = "x"}`) + `labels = {team = "idm"}` + "\n" + asks(""), `team="x" would not be found`},
		"a selector's":     {block(day(3), day(2), `labels = {team = "x"}`) + asks(`{team="idm"}`), `team="x" would not be found`},
		"a selector's own": {block(day(3), day(2), `labels = {team = "idm"}`) + asks(`{team="idm"}`), `team="idm" would not be found`},
		"one it excludes":  {block(day(3), day(2), `labels = {team = "x"}`) + asks(`{job=~".+", team!="x"}`), `team="x" would not be found`},
		"the default one":  {block(day(3), day(2), "") + asks(`{job=~".+", backfill=""}`), `backfill="`},
		"a hidden one":     {block(day(3), day(2), `labels = {__era = "old"}`), "__era does not reach Loki"},
		"before retention": {block(day(92), day(80), ""), "Okta keeps events for 90 days"},
		"too old for Loki": {block(day(30), day(20), "") + "reconcile {\n url = \"http://127.0.0.1:1\"\n}\n", "raise reject_old_samples_max_age in Loki's"},
	} {
		t.Run(name, func(t *testing.T) {
			args, err := evaluate(t, minimal+c.body)
			if err == nil {
				err = args.refuseBackfills(t.TempDir(), time.Now())
			}
			require.ErrorContains(t, err, c.want)
		})
	}
	args, err := evaluate(t, minimal+block(day(92), day(80), ""))
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, args.Backfills[0].id()), 0o750))
	require.NoError(t, args.refuseBackfills(dir, time.Now()), "one that was begun goes on, however much time passes")
}

// What rules make of the labels is what counts.
func TestRulesMayTakeARangesLabels(t *testing.T) {
	args, err := evaluate(t, minimal+fmt.Sprintf("backfill {\n since = %q\n until = %q\n}\n", day(3), day(2))+
		"reconcile {\n url = \"http://127.0.0.1:1\"\n}\n")
	require.NoError(t, err)
	rule := func(change func(*relabel.Config)) relabel.Rules {
		c := &relabel.Config{}
		c.SetToDefault()
		change(c)
		return relabel.Rules{c}
	}
	regexp := func(s string) (r relabel.Regexp) {
		require.NoError(t, r.UnmarshalText([]byte(s)))
		return r
	}
	for want, rules := range map[string]relabel.Rules{
		"backfill does not reach Loki": rule(func(c *relabel.Config) { c.Action, c.Regex = relabel.LabelDrop, regexp("backfill") }),
		`job="archive" would not be found by the selector of reconcile`: rule(func(c *relabel.Config) {
			c.SourceLabels, c.Regex, c.TargetLabel, c.Replacement = []string{"backfill"}, regexp(".+"), "job", "archive"
		}),
	} {
		args.RelabelRules = rules
		require.ErrorContains(t, args.Validate(), want)
	}
	args.Backfills[0].Labels = map[string]string{"__era": "old"}
	args.RelabelRules = rule(func(c *relabel.Config) { c.SourceLabels, c.TargetLabel = []string{"__era"}, "era" })
	require.NoError(t, args.Validate(), "a rule makes a label of it")
	args.RelabelRules = rule(func(c *relabel.Config) {
		c.Action, c.SourceLabels, c.Regex = relabel.Drop, []string{"job"}, regexp(".+")
	})
	require.NoError(t, args.Validate(), "nothing is known of what it drops")
}

func TestABackfillReadsItsRangeOnceBesideLivePolling(t *testing.T) {
	org := &oktasim.Org{Token: "right", RateLimit: -1}
	base := time.Now().AddDate(0, 0, -3)
	publish := func(n int, at time.Time) {
		org.AppendAt(at, fmt.Appendf(nil, `{"uuid":"%d","published":%q}`, n, at.UTC().Format("2006-01-02T15:04:05.000Z")))
	}
	for n := range 50 {
		publish(n, base.Add(time.Duration(n)*time.Hour))
	}
	since, end := base.Add(10*time.Hour).UTC().Format(time.RFC3339), base.Add(30*time.Hour).UTC().Format(time.RFC3339)
	body := fmt.Sprintf("page_size = 7\ninitial_lookback = \"1m\"\nbackfill {\n since = %q\n until = %q\n}\n", since, end)
	s := watch(t, org, body)
	publish(100, time.Now())
	got := map[string]string{}
	for range 21 {
		e := s.take(t)
		got[e.Line] = string(e.Labels["backfill"])
	}
	for n := 10; n < 31; n++ {
		id, label := fmt.Sprint(n), since+"/"+end
		if n == 30 {
			id, label = "100", ""
		}
		found := false
		for line, backfill := range got {
			if strings.Contains(line, `"uuid":"`+id+`"`) {
				found = true
				require.Equal(t, label, backfill, "event %s", id)
			}
		}
		require.True(t, found, "event %s", id)
	}
	done := func() bool { return s.DebugInfo().(debugInfo).Backfills[0].State == "done" }
	until(t, "it is done", done)
	require.Equal(t, "100.0 %", s.DebugInfo().(debugInfo).Backfills[0].Progress)
	v, ok := value(t, s.registry, "backfill_finished", since+"/"+end)
	require.True(t, ok)
	require.Equal(t, 1.0, v)

	// Another process: it is not read again.
	requests := len(org.Requests())
	s.stop() // two have not one data path
	memories = poller.Memories{}
	other := runsIn(t, s.dir, *s.arguments())
	until(t, "it is known to be done", func() bool { return other.DebugInfo().(debugInfo).Backfills[0].State == "done" })
	for _, r := range org.Requests()[requests:] {
		require.NotContains(t, r.URL, "until=")
	}
}

// A range of the second of two blocks waits for the first one's, and another node of a cluster never begins it.
func TestAnAcceptedBackfillIsNeverTooOld(t *testing.T) {
	args, err := evaluate(t, minimal+fmt.Sprintf("backfill {\n since = %q\n until = %q\n}\n", day(5), day(4))+
		"reconcile {\n url = \"http://127.0.0.1:1\"\n}\n")
	require.NoError(t, err)
	dir := t.TempDir()
	runsIn(t, dir, args)
	until(t, "it is accepted", func() bool { return args.refuseBackfills(dir, time.Now().AddDate(0, 0, 7)) == nil })
	require.NoError(t, args.refuseBackfills(dir, time.Now().AddDate(0, 0, 7)))
	require.Error(t, args.refuseBackfills(t.TempDir(), time.Now().AddDate(0, 0, 7)))
}

// A container without a volume starts with an empty data path, long after the range was written down: it must start.
func TestATooOldBackfillStopsNoStart(t *testing.T) {
	host := serving(t, &oktasim.Org{Token: "right"})
	body := fmt.Sprintf("url = \"http://%s\"\napi_token = \"right\"\nbackfill {\n since = %q\n until = %q\n}\n", host, day(95), day(94))
	s := runs(t, body)
	until(t, "it polls", func() bool { return !s.only().live.status.Snapshot().LastPoll.IsZero() })
	require.Contains(t, s.CurrentHealth().Message, "Okta keeps events for 90 days")
	require.Contains(t, s.DebugInfo().(debugInfo).Backfills[0].State, "not read: ")
	require.ErrorContains(t, s.reload(t, body+"poll_interval = \"1s\"\n"), "Okta keeps events for 90 days", "a reload is refused")
}

func TestALiveStartLeavesOutWhatBackfillsLeft(t *testing.T) {
	custom := []Backfill{{Since: day(5), Until: day(4), Labels: map[string]string{"era": "old", "zone": "b"}}}
	for _, c := range []struct {
		selector string
		labels   map[string]string
		fills    []Backfill
		want     string
	}{
		{`{job="x",org="a"}`, nil, nil, `{job="x",org="a",backfill=""}`},
		{` {job="x", } `, nil, custom, `{job="x",backfill="",era!="old"}`},
		{`{job="x"}`, map[string]string{"backfill": "no"}, []Backfill{{Since: "2026-01-01", Until: "2026-01-02"}},
			`{job="x",backfill!="2026-01-01/2026-01-02"}`},
	} {
		require.Equal(t, c.want, liveSelector(c.selector, c.labels, c.fills))
		require.NoError(t, checkSelector(c.want))
	}
}

// Each range has its own labels and the component's, and no other range's.
func TestARangeHasNoLabelOfAnother(t *testing.T) {
	args, err := evaluate(t, minimal+fmt.Sprintf("backfill {\n since = %q\n until = %q\n labels = {one = \"1\"}\n}\n", day(5), day(4))+
		fmt.Sprintf("backfill {\n since = %q\n until = %q\n}\n", day(4), day(3)))
	require.NoError(t, err)
	fills, err := newFills(args, "acme.okta.com")
	require.NoError(t, err)
	e := fills[1].formatter.Entry(event.Event{UUID: "1", Raw: []byte(`{"uuid":"1"}`)}, time.Now())
	require.NotContains(t, e.Labels, model.LabelName("one"))
	require.Contains(t, e.Labels, model.LabelName("backfill"))
}

// One bad label is no reason to stop collecting.
func TestABadLabelOfABackfillStopsNoOrg(t *testing.T) {
	_, err := evaluate(t, "forward_to = [receiver]\n"+list(entry("a", "a.okta.com"))+
		fmt.Sprintf("backfill {\n since = %q\n until = %q\n labels = {\"a-b\" = \"c\"}\n}\n", day(5), day(4)))
	require.ErrorContains(t, err, "a-b")
}

// The next owner must not begin while what this one delivered of a range may still arrive.
func TestADrainIncludesTheRange(t *testing.T) {
	org := &oktasim.Org{Token: "right", RateLimit: -1}
	at := time.Now().AddDate(0, 0, -3)
	org.AppendAt(at, fmt.Appendf(nil, `{"uuid":"1","published":%q}`, at.UTC().Format("2006-01-02T15:04:05.000Z")))
	empty := serving(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"status":"success","data":{"resultType":"streams","result":[]}}`))
	}))
	args, err := evaluate(t, fmt.Sprintf("forward_to = [receiver]\nurl = \"http://%s\"\napi_token = \"right\"\ninitial_lookback = \"1m\"\n"+
		"backfill {\n since = %q\n until = %q\n}\nreconcile {\n url = \"http://%s\"\n resume_overlap = \"0s\"\n}\n",
		serving(t, org), day(4), day(2), empty))
	require.NoError(t, err)
	c, err := New(component.Options{DataPath: t.TempDir(), Logger: slog.New(slog.DiscardHandler)}, args)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = c.Run(ctx) }()
	require.Contains(t, (<-args.ForwardTo[0].Chan()).Line, `"uuid":"1"`)
	until(t, "it was delivered", func() bool { return c.DebugInfo().(debugInfo).Backfills[0].Unconfirmed == 1 })
	cancel()
	<-done
	r := c.current()[0].plan.Load().fills[0].reading
	require.True(t, r.UnderWay())
	r.Drain(ctx) // which is cut short by the process's end
	require.True(t, r.UnderWay(), "what a stopped node says to the next one")
	require.False(t, c.current()[0].live.UnderWay(), "the live log does not wait for it")
}

// beside runs a component in an Alloy that reads one range and nothing else.
func beside(t *testing.T, dir string, args Arguments) *RangeOnly {
	t.Helper()
	only := &RangeOnly{Backfill: Backfill{Since: day(3), Until: day(2)}}
	c, err := New(component.Options{ID: "loki.source.okta.test", DataPath: dir, Logger: slog.New(slog.DiscardHandler),
		GetServiceData: func(name string) (any, error) {
			if name == RangeOnlyService {
				return only, nil
			}
			return nil, nil
		}}, args)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = c.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return only
}

// The listener is the running collector's, and so is the live log. Another Alloy of the same process is not concerned.
func TestARangeAloneLeavesHooksAndTheLogAlone(t *testing.T) {
	org := &oktasim.Org{Token: "right", RateLimit: -1}
	org.Generate(20, 100*time.Hour)
	body := fmt.Sprintf("forward_to = [receiver]\nurl = \"http://%s\"\napi_token = \"right\"\ninitial_lookback = \"2160h\"\n", serving(t, org))
	args, err := evaluate(t, body+hookBlock("")+"clustering {\n enabled = true\n}\n")
	require.NoError(t, err)
	only := beside(t, t.TempDir(), args)
	go func() {
		for range args.ForwardTo[0].Chan() {
		}
	}()
	require.NoError(t, only.components[0].Update(args), "a reload changes nothing")
	until(t, "it is read", func() bool { return only.Ranges()[0].Finished })
	require.Equal(t, "done", only.Ranges()[0].State)
	require.Nil(t, only.components[0].arguments().EventHook)
	require.False(t, only.components[0].arguments().Clustering.Enabled)
	for _, r := range org.Requests() {
		require.Contains(t, r.URL, "until=", "the live log is not read")
	}
	args, err = evaluate(t, body)
	require.NoError(t, err)
	runsIn(t, t.TempDir(), args)
	until(t, "another one reads the log", func() bool { r := org.Requests(); return !strings.Contains(r[len(r)-1].URL, "until=") })
}

// A command does not wait for the service that has its data path.
func TestARangeAloneOnADataPathInUseIsRefused(t *testing.T) {
	dir := t.TempDir()
	service, err := checkpoint.Acquire(dir)
	require.NoError(t, err)
	defer service.Release()
	args, err := evaluate(t, minimal)
	require.NoError(t, err)
	only := beside(t, dir, args)
	until(t, "it is refused", func() bool {
		all := only.Ranges()
		return len(all) == 1 && all[0].Refused != nil && strings.Contains(all[0].Refused.Error(), "give the command a --storage.path of its own")
	})
}

// A command does not wait for a range that one org's own labels keep from being read.
func TestARangeAloneThatAnOrgsLabelsForbidIsRefused(t *testing.T) {
	own := strings.Replace(entry("a", "127.0.0.1:9"), "}", `, labels = {backfill = "x"}}`, 1)
	args, err := evaluate(t, "forward_to = [receiver]\n"+list(own)+"reconcile {\n url = \"http://loki.invalid:3100\"\n}\n")
	require.NoError(t, err)
	all := beside(t, t.TempDir(), args).Ranges()
	require.Len(t, all, 1)
	require.ErrorContains(t, all[0].Refused, "would not be found by the selector of reconcile")
}
