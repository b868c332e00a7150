package e2e

import (
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"github.com/grafana/alloy/okta/internal/testbed"
)

// filling reads the past beside the live log. Its Loki takes entries of any age and shows them at once, and it is told so.
const filling = `
loki.source.okta "default" {
	url           = sys.env("OKTA_URL")
	api_token     = sys.env("OKTA_API_TOKEN")
	poll_interval = "1s"
	forward_to    = [loki.write.default.receiver]
%s
	reconcile {
		url                        = sys.env("LOKI_URL")
		query_ingesters_within     = "0s"
		reject_old_samples_max_age = "0s"
	}
}

loki.write "default" {
	endpoint {
		url = sys.env("LOKI_URL") + "/loki/api/v1/push"
	}
}
`

// backfillSpan is the range of a test: from before the backlog to two hours ago.
func backfillSpan(days int) (since, until time.Time) {
	now := time.Now().UTC().Truncate(time.Second)
	return now.Add(-time.Duration(days)*24*time.Hour - time.Hour), now.Add(-2 * time.Hour)
}

// lag is how far the live feed is behind, in seconds.
func (c *collector) lag(t *testing.T) float64 {
	t.Helper()
	m := regexp.MustCompile(`(?m)^loki_source_okta_lag_seconds\{.*\} (\S+)$`).FindStringSubmatch(c.fetch(t, "/metrics"))
	if m == nil {
		return 0
	}
	lag, err := strconv.ParseFloat(m[1], 64)
	require.NoError(t, err)
	return lag
}

// A range is read beside a live feed, with a kill in the middle: each event once, and the live feed keeps up.
func TestABackfillBesideALiveFeed(t *testing.T) {
	t.Parallel()
	events, days := 6_000, 5
	if long() {
		events, days = 200_000, 30
	}
	okta := startOrg(t, fmt.Sprintf("--backlog=%d", events), fmt.Sprintf("--backlog-span=%dh", days*24), "--rate=5/s", "--rate-limit=1200", "--seed=7")
	loki := startLoki(t)
	since, until := backfillSpan(days)
	block := fmt.Sprintf("\tbackfill {\n\t\tsince = %q\n\t\tuntil = %q\n\t}\n", since.Format(time.RFC3339), until.Format(time.RFC3339))
	alloy := newCollector(t, fmt.Appendf(nil, filling, block), okta, loki)
	alloy.start(t)
	progress := func() float64 {
		m := regexp.MustCompile(`(?m)^loki_source_okta_backfill_progress_ratio\{.*\} (\S+)$`).FindStringSubmatch(alloy.fetch(t, "/metrics"))
		if m == nil {
			return 0
		}
		p, err := strconv.ParseFloat(m[1], 64)
		require.NoError(t, err)
		return p
	}
	// The live feed begins an hour ago, too; what counts is how it goes once it is there, and what the kill costs it: a new process waits
	// ten seconds for pushes of the one before.
	worst, there := 0.0, false
	observe := func() {
		lag := alloy.lag(t)
		if there = there || lag > 0 && lag < 5; there {
			worst = max(worst, lag)
		}
	}
	require.Eventually(t, func() bool { observe(); return progress() > 0.4 }, 15*time.Minute, 200*time.Millisecond)
	require.Less(t, progress(), 1.0, "the kill comes in the middle")
	t.Logf("the live feed was at most %.1f s behind before the kill", worst)
	alloy.Kill()
	alloy.start(t)
	finished := regexp.MustCompile(`backfill_finished\{.*\} 1
`)
	require.Eventually(t, func() bool { observe(); return finished.MatchString(alloy.fetch(t, "/metrics")) }, 15*time.Minute, 500*time.Millisecond)
	t.Logf("the live feed was at most %.1f s behind, the kill included", worst)
	require.True(t, there)
	if long() { // there are ten seconds to wait, and other trials run beside this one
		require.Less(t, worst, 30.0)
	}
	requireRange(t, okta, loki.Reader(), since, until)
	alloy.stop(t)
}

// The command reads the same range, is interrupted, goes on, and finds nothing to do the third time.
func TestTheBackfillCommandGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	okta := startOrg(t, "--backlog=3000", "--backlog-span=120h", "--rate=0/s", "--rate-limit=600", "--seed=8")
	loki := startLoki(t)
	since, until := backfillSpan(5)
	c := newCollector(t, fmt.Appendf(nil, filling, ""), okta, loki)
	command := func() (*exec.Cmd, *strings.Builder, *strings.Builder) {
		cmd := exec.Command(c.bin, "backfill", "--since="+since.Format(time.RFC3339), "--until="+until.Format(time.RFC3339),
			"--storage.path="+c.storage, "--server.http.listen-addr="+c.addr, c.config)
		out, log := &strings.Builder{}, &strings.Builder{}
		cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = append(cmd.Environ(), c.env...), filepath.Dir(c.config), out, log
		return cmd, out, log
	}
	cmd, out, log := command()
	require.NoError(t, cmd.Run(), log.String())
	require.Contains(t, out.String(), "events delivered and found in Loki, 0 were there already")
	require.NotContains(t, out.String(), "level=", "the log is on the standard error")
	require.NotContains(t, log.String(), "events delivered and found in Loki")
	requireRange(t, okta, loki.Reader(), since, until)

	before := okta.requests(t)
	cmd, _, log = command()
	require.NoError(t, cmd.Run(), log.String())
	require.Equal(t, before, okta.requests(t), "what is done is not read again")

	// Another data path knows nothing: Loki is asked, and nothing is delivered twice.
	c.storage = t.TempDir()
	cmd, out, log = command()
	require.NoError(t, cmd.Run(), log.String())
	require.Contains(t, out.String(), "done: 0 events delivered")
	requireRange(t, okta, loki.Reader(), since, until)

	// A range that cannot be, and a token that is refused.
	until = time.Now()
	cmd, _, log = command()
	require.Error(t, cmd.Run())
	require.Contains(t, log.String(), "it must be at least 1h0m0s ago")
	_, until = backfillSpan(5)
	okta.control(t, "POST", "token?value=another")
	c.storage = t.TempDir()
	cmd, out, log = command()
	require.Error(t, cmd.Run())
	require.Contains(t, log.String(), "401")
	require.NotContains(t, out.String()+log.String(), token)
}

// requireRange checks that Loki has each event of the range once, with the range's label.
func requireRange(t *testing.T, okta *org, reader testbed.Reader, since, until time.Time) {
	t.Helper()
	var in []record
	for _, event := range okta.persisted(t) {
		r := recordOf(t, event)
		if !r.time.Before(since) && r.time.Before(until) {
			in = append(in, r)
		}
	}
	require.Greater(t, len(in), 2000)
	requireExactlyOnce(t, reader, `{job="loki.source.okta", backfill!=""}`, in)
}

// requests is how many requests the org has answered.
func (o *org) requests(t *testing.T) int {
	t.Helper()
	return int(gjson.GetBytes(o.control(t, http.MethodGet, "stats"), "requests").Int())
}
