// option: backfill

package okta

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	relabel "github.com/grafana/alloy/internal/component/common/relabel"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/poller"
)

// day is n days ago, as since and until are written.
func day(n int) string { return time.Now().AddDate(0, 0, -n).UTC().Format(time.DateOnly) }

// oneRange is the body of a block that reads one org and a range of it.
func oneRange(host string) string {
	return fmt.Sprintf("url = \"http://%s\"\napi_token = \"right\"\npoll_interval = \"100ms\"\nbackfill {\n since = %q\n until = %q\n}\n",
		host, day(5), day(4))
}

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
	require.NoError(t, os.Mkdir(filepath.Join(dir, args.Options.Backfills[0].id()), 0o750))
	require.NoError(t, args.refuseBackfills(dir, time.Now()), "one that was begun goes on, however much time passes")
}

// What counts are the labels that the rules make.
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
	args.Options.Backfills[0].Labels = map[string]string{"__era": "old"}
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
	done := func() bool { return s.DebugInfo().(debugInfo).More.Backfills[0].State == "done" }
	until(t, "it is done", done)
	require.Equal(t, "100.0 %", s.DebugInfo().(debugInfo).More.Backfills[0].Progress)
	v, ok := value(t, s.registry, "backfill_finished", since+"/"+end)
	require.True(t, ok)
	require.Equal(t, 1.0, v)

	// Another process: it is not read again.
	requests := len(org.Requests())
	s.stop() // two have not one data path
	memories = poller.Memories{}
	other := runsIn(t, s.dir, *s.arguments())
	until(t, "it is known to be done", func() bool { return other.DebugInfo().(debugInfo).More.Backfills[0].State == "done" })
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
	require.Contains(t, s.DebugInfo().(debugInfo).More.Backfills[0].State, "not read: ")
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
		require.Equal(t, c.want, liveSelector(c.selector, c.labels, labelsOf(c.fills)))
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
