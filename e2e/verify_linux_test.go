package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"github.com/grafana/alloy/okta/internal/testbed"
)

// verified is what the command printed with --json, and how it ended.
type verified struct {
	code   int
	out    gjson.Result
	stderr string
	took   time.Duration
	peak   int64 // bytes resident
}

// findings are the uuids of a kind, sorted.
func (v verified) findings(kind string) (uuids []string) {
	for _, f := range v.out.Get("orgs.0.findings").Array() {
		if f.Get("kind").String() == kind {
			uuids = append(uuids, f.Get("uuid").String())
		}
	}
	slices.Sort(uuids)
	return uuids
}

func (c *collector) verify(t *testing.T, since, until time.Time, more ...string) verified {
	t.Helper()
	addr, err := testbed.FreeAddr()
	require.NoError(t, err)
	args := append([]string{"verify", "--json", "--since=" + since.Format(time.RFC3339), "--until=" + until.Format(time.RFC3339),
		"--disable-reporting", "--storage.path=" + filepath.Join(filepath.Dir(c.config), "verify"), "--server.http.listen-addr=" + addr}, more...)
	cmd := exec.CommandContext(t.Context(), c.bin, append(args, c.config)...)
	var stdout, stderr strings.Builder
	cmd.Env, cmd.Dir = append(cmd.Environ(), c.env...), filepath.Dir(c.config)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	require.NoError(t, cmd.Start())
	done, peak := make(chan struct{}), make(chan int64)
	go func() { // the resource usage of a process that ended has this one's memory in it, from before the exec
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for kilobytes := int64(0); ; {
			select {
			case <-tick.C:
				status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
				if _, after, ok := strings.Cut(string(status), "VmHWM:"); ok {
					_, _ = fmt.Sscan(after, &kilobytes)
				}
			case <-done:
				peak <- kilobytes << 10
				return
			}
		}
	}()
	err = cmd.Wait()
	close(done)
	if err != nil {
		require.IsType(t, &exec.ExitError{}, err)
	}
	require.NotContains(t, stdout.String()+stderr.String(), token)
	return verified{
		code: cmd.ProcessState.ExitCode(), out: gjson.Parse(stdout.String()), stderr: stderr.String(), took: time.Since(start),
		peak: <-peak,
	}
}

func uuidsOf(events ...[]byte) (all []string) {
	for _, event := range events {
		all = append(all, gjson.GetBytes(event, "uuid").String())
	}
	slices.Sort(all)
	return all
}

// rarest is the type of the fewest events, and these.
func rarest(events [][]byte) (kind string, its [][]byte) {
	byType := map[string][][]byte{}
	for _, event := range events {
		name := gjson.GetBytes(event, "eventType").String()
		byType[name] = append(byType[name], event)
	}
	for name, all := range byType {
		if kind == "" || len(all) < len(its) || len(all) == len(its) && name < kind {
			kind, its = name, all
		}
	}
	return kind, its
}

// What was done to a range in Loki is what the report names, and nothing else; what was missing is repaired.
func TestVerifyNamesExactlyWhatIsWrong(t *testing.T) {
	t.Parallel()
	n := 6_000
	if long() {
		n = 100_000
	}
	okta := startOrg(t, fmt.Sprintf("--backlog=%d", n), "--backlog-span=24h", "--rate=0/s", "--seed=29")
	loki := startLoki(t)
	now := time.Now().UTC().Truncate(time.Second)
	since, until := now.Add(-25*time.Hour), now.Add(-time.Hour)
	var all [][]byte
	for _, event := range okta.persisted(t) {
		if recordOf(t, event).time.Before(until) {
			all = append(all, event)
		}
	}
	require.Greater(t, len(all), n*9/10)
	kind, dropped := rarest(all)
	config := fmt.Sprintf(filling, `	relabel_rules = loki.relabel.drop.rules`) + fmt.Sprintf(`
loki.relabel "drop" {
	forward_to = []
	rule {
		source_labels = ["__okta_event_type"]
		regex         = %q
		action        = "drop"
	}
}
`, kind)
	c := newCollector(t, []byte(config), okta, loki)

	kept := slices.DeleteFunc(slices.Clone(all), func(e []byte) bool { return gjson.GetBytes(e, "eventType").String() == kind })
	at := func(part float64) [][]byte { i := int(part * float64(len(kept))); return kept[i : i+1] }
	missing := [][]byte{at(0.1)[0], at(0.5)[0], at(0.9)[0]}
	again, elsewhere, late, altered := at(0.2)[0], at(0.3)[0], at(0.4)[0], at(0.6)[0]
	labels := map[string]string{"job": "loki.source.okta", "org": strings.TrimPrefix(okta.url, "http://")}
	with := func(name, value string) map[string]string {
		return map[string]string{"job": labels["job"], "org": labels["org"], name: value}
	}
	const strange = "6f1a1d0e-0000-4000-8000-00000000f0f0"
	var begin, rest []record // around the moment at which one comes again, which log queries hide then
	for _, event := range kept {
		r := recordOf(t, event)
		is := func(others ...[]byte) bool {
			return slices.ContainsFunc(others, func(o []byte) bool { return &o[0] == &event[0] })
		}
		switch {
		case is(missing...) || is(late):
			continue
		case is(altered):
			r.line = strings.Replace(r.line, `"published"`, `"Published"`, 1)
		}
		rest = append(rest, r)
		if is(again) {
			begin, rest = rest, []record{{r.time, `{"event":{"uuid":"` + strange + `","eventType":"user.session.start"}}`}}
		}
	}
	push(t, loki, labels, begin)
	// Loki drops what a chunk in memory has, and what is as the newest of its stream: it comes again once the first is written out, and after
	// another (loki/v3 pkg/ingester/stream.go, validateEntries).
	flushOnce(t, loki)
	twice := recordOf(t, again)
	push(t, loki, labels, rest[:1])
	push(t, loki, labels, []record{twice})
	require.Eventually(t, func() bool {
		query := `{job="loki.source.okta"} |= "` + uuidsOf(again)[0] + `"`
		n, err := loki.Reader().Count(t.Context(), query, twice.time, twice.time.Add(time.Millisecond))
		return err == nil && n == 2
	}, time.Minute, 100*time.Millisecond)
	push(t, loki, labels, rest[1:])
	push(t, loki, with("region", "eu"), []record{recordOf(t, elsewhere)})
	push(t, loki, with("late", recordOf(t, late).time.Format("2006-01-02T15")), []record{recordOf(t, late)})

	v := c.verify(t, since, until)
	t.Logf("%d events took %s, %d MB and %d requests", len(all), v.took, v.peak>>20, v.out.Get("orgs.0.okta_requests").Int())
	require.Equal(t, 1, v.code, v.stderr)
	require.Equal(t, uuidsOf(missing...), v.findings("missing"))
	require.Equal(t, uuidsOf(again, elsewhere), v.findings("doubled"))
	for uuid, where := range map[string]string{ // and not by metadata, as of the level that Loki finds itself
		uuidsOf(again)[0]: "2 entries in one stream", uuidsOf(elsewhere)[0]: `2 entries in 2 streams: {region=""} and {region="eu"}`,
	} {
		require.Equal(t, where, v.out.Get(`orgs.0.findings.#(uuid="`+uuid+`").detail`).String())
	}
	require.Equal(t, uuidsOf(altered), v.findings("altered"))
	require.Equal(t, uuidsOf(dropped...), v.findings("dropped"))
	require.Equal(t, []string{strange}, v.findings("foreign"))
	require.Empty(t, v.findings("unknown"))
	require.EqualValues(t, len(all), v.out.Get("orgs.0.in_okta").Int())
	require.EqualValues(t, len(kept)-len(missing), v.out.Get("orgs.0.in_loki").Int())
	if long() {
		require.Less(t, v.took, 3*time.Minute)
		require.LessOrEqual(t, v.out.Get("orgs.0.okta_requests").Int(), int64(110))
		require.Less(t, v.peak, int64(200<<20))
	}

	// A part of the range in which nothing is wrong, with metrics.
	metrics := filepath.Join(t.TempDir(), "okta.prom")
	clean := recordOf(t, at(0.75)[0]).time.Truncate(time.Second)
	v = c.verify(t, clean, clean.Add(2*time.Hour), "--textfile="+metrics)
	require.Zero(t, v.code, v.stderr)
	require.True(t, v.out.Get("clean").Bool())
	text, err := os.ReadFile(metrics)
	require.NoError(t, err)
	require.Contains(t, string(text), fmt.Sprintf(
		"okta_verify_missing_events{component_id=\"loki.source.okta.default\",org=%q} 0\n", labels["org"]))
	require.Contains(t, string(text), "okta_verify_success{")

	// What was missing is delivered; the rest is as it was.
	v = c.verify(t, since, until, "--repair")
	require.Equal(t, 1, v.code, v.stderr)
	require.Len(t, v.findings("missing"), 3)
	v = c.verify(t, since, until)
	require.Empty(t, v.findings("missing"), v.stderr)
	require.Equal(t, uuidsOf(again, elsewhere), v.findings("doubled"))
	v = c.verify(t, recordOf(t, missing[2]).time.Truncate(time.Second), until)
	require.Zero(t, v.code, v.stderr)

	// Who cannot be asked has lost nothing.
	loki.Kill()
	v = c.verify(t, since, until)
	require.Equal(t, 2, v.code, v.stderr)
	require.Empty(t, v.findings("missing"))
	require.Contains(t, v.out.Get("orgs.0.error").String(), "querying Loki")
	require.NoError(t, loki.Start(t.Context()))
	okta.control(t, http.MethodPost, "token?value=another")
	v = c.verify(t, since, until)
	require.Equal(t, 2, v.code, v.stderr)
	require.Empty(t, v.findings("missing"))
	require.Contains(t, v.out.Get("orgs.0.error").String(), "401")
}

// A whole range that is missing is delivered as the configuration says, redacted, beside a collector that notices nothing; then it is
// clean: lines are compared with what redaction makes of the events.
func TestVerifyRepairsARangeThroughThePipeline(t *testing.T) {
	t.Parallel()
	okta := startOrg(t, "--backlog=2000", "--backlog-span=12h", "--rate=0/s", "--seed=30")
	loki := startLoki(t)
	now := time.Now().UTC().Truncate(time.Second)
	since, until := now.Add(-13*time.Hour), now.Add(-2*time.Hour)
	c := newCollector(t, fmt.Appendf(nil, filling, `	redact {
		presets = ["personal_data"]
		mode    = "hash"
		key     = "0123456789abcdef0123456789abcdef"
	}
`), okta, loki)
	c.start(t)
	v := c.verify(t, since, until)
	require.Equal(t, 1, v.code, v.stderr)
	gone := v.out.Get("orgs.0.counts.missing").Int()
	require.Greater(t, gone, int64(1000))
	require.Equal(t, gone, v.out.Get("orgs.0.in_okta").Int())

	require.Eventually(t, func() bool { return strings.Contains(c.savedCursor(t), "after=") }, time.Minute, 100*time.Millisecond,
		"the collector has all that the org logs here")
	before := c.files(t)
	metrics := filepath.Join(t.TempDir(), "okta.prom")
	v = c.verify(t, since, until, "--repair", "--textfile="+metrics)
	require.Zero(t, v.code, v.stderr)
	text, err := os.ReadFile(metrics)
	require.NoError(t, err)
	require.Regexp(t, `(?m)^okta_verify_missing_events\{.*\} 0$`, string(text), "of the comparison after the repair")
	require.False(t, v.out.Get("clean").Bool())
	after := gjson.Parse(v.out.Raw[strings.LastIndex(v.out.Raw, "\n{")+1:])
	require.True(t, after.Get("clean").Bool(), "after the repair")
	require.Contains(t, v.stderr, "what was missing is in Loki now")
	v = c.verify(t, since, until)
	require.Zero(t, v.code, v.stderr)
	require.Equal(t, gone, v.out.Get("orgs.0.in_loki").Int())
	require.Equal(t, before, c.files(t), "the collector's files are its own")
	c.stop(t)
}

// files are those below the collector's data path, by name.
func (c *collector) files(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	require.NoError(t, filepath.WalkDir(c.storage, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		all[path] = string(content)
		return err
	}))
	return all
}

// lokiMetric is the sum of a metric of Loki's own, or one series of it, 0 when there is none.
func lokiMetric(t *testing.T, loki *testbed.Loki, name string) (sum float64) {
	t.Helper()
	for line := range strings.Lines(lokiMetrics(t, loki)) {
		series, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if metric, _, _ := strings.Cut(series, "{"); name == metric || name == series {
			n, err := strconv.ParseFloat(value[strings.LastIndex(value, " ")+1:], 64)
			require.NoError(t, err)
			sum += n
		}
	}
	return sum
}
