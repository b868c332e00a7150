package okta

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/poller"
)

// day is n days ago, as since and until are written.
func day(n int) string { return time.Now().AddDate(0, 0, -n).UTC().Format(time.DateOnly) }

func TestBadBackfillsAreRefusedWithWhatToChange(t *testing.T) {
	block := func(since, until, more string) string {
		return fmt.Sprintf("backfill {\n since = %q\n until = %q\n%s\n}\n", since, until, more)
	}
	for name, c := range map[string]struct{ body, want string }{
		"no time":          {block("yesterday", day(1), ""), `since is "yesterday": it must be a time such as`},
		"backward":         {block(day(1), day(2), ""), "it must be before until"},
		"still under way":  {block(day(2), time.Now().UTC().Format(time.RFC3339), ""), "it must be at least 1h0m0s ago"},
		"a greedy one":     {block(day(3), day(2), "rate_limit_share = 0.5"), "rate_limit_share is 0.5: it must be above 0 and below the component's, 0.5"},
		"a live stream":    {block(day(3), day(2), `labels = {team = "idm"}`) + `labels = {team = "idm"}`, `team="idm" is no label that live entries have not`},
		"an empty label":   {block(day(3), day(2), `labels = {team = ""}`), "is no label that live entries have not"},
		"twice the same":   {block(day(3), day(2), "") + block(day(3), day(2), ""), "is there twice"},
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
	memories = poller.Memories{}
	other := runsIn(t, s.dir, *s.arguments())
	until(t, "it is known to be done", func() bool { return other.DebugInfo().(debugInfo).Backfills[0].State == "done" })
	for _, r := range org.Requests()[requests:] {
		require.NotContains(t, r.URL, "until=")
	}
}
