package e2e

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"github.com/grafana/alloy/okta/detections/dashboards"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/testbed"
)

// TestEveryPanelAnswersInALargeOrg has 5,000 users within two hours do what testdata/large-day.txt says, and suffer what
// testdata/large-attack.txt says, beside all that oktasim knows. A Loki with its default limits for queries answers what every panel and
// every variable asks: with rows, and without the refusal of more than 500 series, which a count by user has here.
func TestEveryPanelAnswersInALargeOrg(t *testing.T) {
	t.Parallel()
	const users, span = 5000, 2 * time.Hour
	loki := &testbed.Loki{Bin: program(t, "loki"), Dir: t.TempDir()}
	runLoki(t, loki)
	formatter, err := event.New(event.Options{Org: "acme.okta.com"})
	require.NoError(t, err)
	begin := time.Now().Add(-span + time.Minute)
	events := eventsOfUsers(t, "testdata/large-day.txt", users, begin, 110*time.Minute)
	events = append(events, eventsOfUsers(t, "testdata/large-attack.txt", users, begin.Add(30*time.Minute), 10*time.Minute)...)
	everything := &oktasim.Org{}
	var attacks []string
	for _, s := range oktasim.Scenarios() {
		attacks = append(attacks, s.Name)
	}
	require.NoError(t, everything.GenerateWith(5000, span-5*time.Minute, attacks...))
	events = append(events, everything.Events()...)
	// Loki takes what is less than an hour behind.
	slices.SortFunc(events, func(a, b []byte) int { return published(a).Compare(published(b)) })
	pushDay(t, loki, formatter, events)

	byUser := `topk(20, sum by (user) (count_over_time({job="loki.source.okta"} | json user="event.actor.alternateId" [2h])))`
	require.Contains(t, ask(t, loki, byUser, time.Now()), "maximum number of series (500)")
	files, err := dashboards.Files(dashboards.Envelope)
	require.NoError(t, err)
	panels, variables := 0, 0
	for name, content := range files {
		for _, p := range gjson.GetBytes(content, `panels.#(type!="row")#`).Array() {
			status, answer := askPanel(t, loki, p, span)
			require.Equal(t, http.StatusOK, status, "%s: %s: %s", name, p.Get("title").Str, answer)
			require.NotEmpty(t, answer.Get("data.result").Array(), "%s: %s", name, p.Get("title").Str)
			require.Empty(t, answer.Get("warnings").Array(), "%s: %s", name, p.Get("title").Str)
			if value := answer.Get("data.result.0.value.1").Int(); p.Get("title").Str == "Actors" || p.Get("title").Str == "Users" {
				require.GreaterOrEqual(t, value, int64(users), p.Get("title").Str)
			}
			panels++
		}
		for _, v := range gjson.GetBytes(content, `templating.list.#(type=="query")#`).Array() {
			from := url.Values{"query": {fillIn(v.Get("query.stream").Str, span)}}
			values := getJSON(t, loki.URL()+"/loki/api/v1/label/"+v.Get("query.label").Str+"/values?"+from.Encode())
			require.NotEmpty(t, values.Get("data").Array(), "%s: %s", name, v.Get("name").Str)
			variables++
		}
	}
	require.Greater(t, panels, 80)
	require.Equal(t, 2*len(files), variables, "job and org")
}

func published(event []byte) time.Time { return gjson.GetBytes(event, "published").Time() }

// askPanel asks what a panel asks, as Grafana does, over a time up to now.
func askPanel(t *testing.T, loki *testbed.Loki, panel gjson.Result, span time.Duration) (status int, answer gjson.Result) {
	t.Helper()
	target, now := panel.Get("targets.0"), time.Now()
	path, params := "/loki/api/v1/query", url.Values{"query": {fillIn(target.Get("expr").Str, span)}, "limit": {"1000"}}
	if target.Get("queryType").Str == "range" {
		path += "_range"
		params.Set("start", strconv.FormatInt(now.Add(-span).UnixNano(), 10))
		params.Set("end", strconv.FormatInt(now.UnixNano(), 10))
		params.Set("step", "300")
	}
	resp, err := http.Get(loki.URL() + path + "?" + params.Encode())
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	if resp.StatusCode != http.StatusOK {
		return resp.StatusCode, gjson.Result{Type: gjson.String, Str: string(body)} // Loki's refusals are plain text
	}
	return resp.StatusCode, gjson.ParseBytes(body)
}
