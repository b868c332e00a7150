package e2e

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"github.com/grafana/alloy/okta/internal/testbed"
	"github.com/grafana/alloy/okta/syntax"
)

// oldPush writes an event as okta-logs-collector's container and the loki.process of its example do: decoded and encoded again, with
// members that its SDK does not know gone, the time cut to the second, and without an org (client.go and examples/cloud-config.alloy in
// grafana/okta-logs-collector).
func oldPush(t *testing.T, loki *testbed.Loki, event []byte) {
	t.Helper()
	var members map[string]any
	require.NoError(t, json.Unmarshal(event, &members))
	delete(members, "device")
	published := publishedOf(t, string(event)).Truncate(time.Second)
	line, err := json.Marshal(map[string]any{
		"event": members, "level": "info", "msg": "received event", "time": published.Format(time.RFC3339),
	})
	require.NoError(t, err)
	push(t, loki, map[string]string{
		"job":       "okta-logs-collector",
		"eventType": gjson.GetBytes(event, "eventType").String(),
		"level":     gjson.GetBytes(event, "severity").String(),
	}, []record{{time: published, line: string(line)}})
}

// doublesCommand is the guide's check for doubles.
func doublesCommand(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../docs/migrate.md")
	require.NoError(t, err)
	found := regexp.MustCompile("(?ms)^ *```bash\n(.*?)^ *```$").FindAllStringSubmatch(string(page), -1)
	for _, block := range found {
		if strings.Contains(block[1], "uniq -d") {
			return block[1]
		}
	}
	t.Fatal("docs/migrate.md has no check for doubles")
	return ""
}

// The whole switch of docs/migrate.md: the old container fed Loki for hours and is stopped; events go on; alloy-okta starts with
// syntax/okta-logs-collector.alloy as it is. Then no event is missing and none is there twice, by the guide's own check, too.
func TestTheSwitchFromTheOldCollector(t *testing.T) {
	t.Parallel()
	const old, gap = 1_000, 200
	okta := startOrg(t, fmt.Sprintf("--backlog=%d", old), "--backlog-span=5h", "--rate=0/s")
	loki := startLoki(t)
	okta.records(t, old)
	for _, event := range okta.persisted(t) {
		oldPush(t, loki, event)
	}
	okta.generate(t, gap)
	okta.records(t, old+gap)

	config, err := fs.ReadFile(syntax.Files, "okta-logs-collector.alloy")
	require.NoError(t, err)
	alloy := newCollector(t, config, okta, loki)
	alloy.start(t)
	const selector = `{job="okta-logs-collector"}`
	records := okta.records(t, old+gap)
	waitForCount(t, loki.Reader(), selector, records, len(records), time.Minute)
	require.Positive(t, alloy.requireMetric(t, "loki_source_okta_skipped_events_total"), "what the old one sent was read again, and found")
	alloy.stop(t)

	from, to := span(records)
	held, err := loki.Reader().Entries(t.Context(), selector, from, to)
	require.NoError(t, err)
	times := map[string]int{}
	for _, entry := range held {
		times[gjson.Get(entry.Line, "event.uuid").String()]++
	}
	for _, event := range okta.persisted(t) {
		require.Equal(t, 1, times[gjson.GetBytes(event, "uuid").String()], "%s", event)
	}
	require.Len(t, times, len(records))
	count, err := loki.Reader().Count(t.Context(), selector, from, to)
	require.NoError(t, err)
	require.Equal(t, len(records), count)

	// The guide's check says so, and tells of an event that is there in both shapes.
	check := func() string {
		command := exec.Command("bash", "-euo", "pipefail", "-c", strings.ReplaceAll(doublesCommand(t), "logcli", program(t, "logcli")))
		command.Env = append(os.Environ(), "LOKI_ADDR="+loki.URL(), "FROM="+from.Format(time.RFC3339), "TO="+to.Format(time.RFC3339))
		output, err := command.CombinedOutput()
		require.NoErrorf(t, err, "%s", output)
		return strings.TrimSpace(string(output))
	}
	require.Empty(t, check())
	last := okta.persisted(t)[old+gap-1]
	oldPush(t, loki, last)
	require.Equal(t, gjson.GetBytes(last, "uuid").String(), check())
}
