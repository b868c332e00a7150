package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"github.com/grafana/alloy/okta/detections/dashboards"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

// TestDashboardsInARealLoki asks a real Loki the query of every panel, over an org that has suffered every attack: each is answered
// and finds something. Package dashboards has the finer tests, with Loki's engine alone.
func TestDashboardsInARealLoki(t *testing.T) {
	t.Parallel()
	org := &oktasim.Org{}
	var attacks []string
	for _, s := range oktasim.Scenarios() {
		attacks = append(attacks, s.Name)
	}
	const span = 2 * time.Hour
	require.NoError(t, org.GenerateWith(5000, span, attacks...))
	loki := startLoki(t)
	pushEvents(t, loki.URL(), org.Events())

	files, err := dashboards.Files(dashboards.Envelope)
	require.NoError(t, err)
	asked := 0
	for name, content := range files {
		for _, p := range gjson.GetBytes(content, `panels.#(type!="row")#`).Array() {
			status, answer := askPanel(t, loki, p, span)
			require.Equal(t, http.StatusOK, status, "%s: %s: %s", name, p.Get("title").Str, answer)
			require.NotEmpty(t, answer.Get("data.result").Array(), "%s: %s", name, p.Get("title").Str)
			asked++
		}
	}
	require.Greater(t, asked, 80)
}

// fillIn does what Grafana does before it sends a query, with all orgs chosen and no filters.
func fillIn(expr string, span time.Duration) string {
	expr = strings.NewReplacer("$__range", span.String(), "$__auto", "5m", "${job:raw}", "loki.source.okta", "${org:regex}", ".*").Replace(expr)
	return regexp.MustCompile(`\$\{\w+:regex\}`).ReplaceAllString(expr, "")
}

// pushEvents formats events as the collector does by default and sends them to Loki's push API, a thousand at a time: between its parts
// Loki takes 4 MB.
func pushEvents(t *testing.T, to string, raw [][]byte) {
	t.Helper()
	formatter, err := event.New(event.Options{Org: "acme.okta.com"})
	require.NoError(t, err)
	events, err := event.Scan(slices.Concat([]byte("["), bytes.Join(raw, []byte(",")), []byte("]")))
	require.NoError(t, err)
	var values []any
	labels := formatter.Entry(events[0], time.Now()).Labels
	for _, e := range events {
		entry := formatter.EntryIn(contextOf(e), e, time.Now())
		metadata := map[string]string{}
		for _, m := range entry.StructuredMetadata {
			metadata[m.Name] = m.Value
		}
		values = append(values, []any{strconv.FormatInt(entry.Timestamp.UnixNano(), 10), entry.Line, metadata})
	}
	for some := range slices.Chunk(values, 1000) {
		body, err := json.Marshal(map[string]any{"streams": []any{map[string]any{"stream": labels, "values": some}}})
		require.NoError(t, err)
		resp, err := http.Post(to+"/loki/api/v1/push", "application/json", bytes.NewReader(body))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusNoContent, resp.StatusCode)
	}
}

// contextOf says, as with the block context, that who changes policies holds a role, and somebody to whom it is done.
func contextOf(e event.Event) (c event.Context) {
	if strings.HasPrefix(e.EventType, "policy.lifecycle.") || strings.HasPrefix(e.EventType, "policy.rule.") {
		c = event.Context{ActorRoles: "ORG_ADMIN", TargetRoles: "READ_ONLY_ADMIN"}
	}
	return c
}

func getJSON(t *testing.T, from string) gjson.Result {
	t.Helper()
	resp, err := http.Get(from)
	require.NoError(t, err)
	defer resp.Body.Close()
	var body bytes.Buffer
	_, err = body.ReadFrom(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, body.String())
	return gjson.ParseBytes(body.Bytes())
}
