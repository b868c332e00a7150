package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"
)

// defaults is the component with reconcile and loki.write as somebody configures them who reads no further: nothing is set that need not
// be.
const defaults = `
loki.source.okta "default" {
	url        = sys.env("OKTA_URL")
	api_token  = sys.env("OKTA_API_TOKEN")
	forward_to = [loki.write.default.receiver]

	reconcile {
		url = sys.env("LOKI_URL")
	}
}

loki.write "default" {
	endpoint {
		url = sys.env("LOKI_URL") + "/loki/api/v1/push"
	}
}
`

// quick is defaults with waits that a short trial can afford. It never drops what Loki refuses for a while.
var quick = strings.NewReplacer(
	"forward_to = [", "poll_interval = \"500ms\"\n\tinitial_lookback = \"2h\"\n\tforward_to = [",
	"/push\"\n", "/push\"\n\t\tmin_backoff_period = \"100ms\"\n\t\tmax_backoff_period = \"500ms\"\n\t\tmax_backoff_retries = 0\n",
).Replace(defaults)

// unconfirmed is quick without reconcile.
var unconfirmed = strings.Replace(quick, "\n\treconcile {\n\t\turl = sys.env(\"LOKI_URL\")\n\t}\n", "", 1)

// newTrialAlone is newTrial without a second receiver, with three events a second and a past that the default initial_lookback reaches.
func newTrialAlone(t *testing.T, config string, knobs ...string) *trial {
	t.Helper()
	s := newTrial(t, config, append([]string{"--rate=3/s", "--backlog-span=50m"}, knobs...)...)
	s.second = nil
	return s
}

// appendLike has the org log n events that happened a while ago, as Okta does with late ones: copies of one event with a uuid and a time
// of their own.
func (s *trial) appendLike(t *testing.T, n int, ago time.Duration, change func(event string) string) {
	t.Helper()
	like := string(s.okta.persisted(t)[0])
	var body strings.Builder
	for i := range n {
		at := time.Now().Add(-ago + time.Duration(i)*time.Millisecond).UTC().Format("2006-01-02T15:04:05.000Z")
		event := strings.ReplaceAll(like, gjson.Get(like, "uuid").Raw, fmt.Sprintf("%q", uuid.NewString()))
		event = strings.ReplaceAll(event, gjson.Get(like, "published").Raw, fmt.Sprintf("%q", at))
		if change != nil {
			event = change(event)
		}
		body.WriteString(event + "\n")
	}
	resp, err := http.Post(s.okta.url+"/_oktasim/append", "application/x-ndjson", strings.NewReader(body.String()))
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusNoContent, resp.StatusCode)
}

// usage is what a stretch of a trial asked of Okta and of Loki.
type usage struct {
	began         time.Time
	okta, queries int
}

func (s *trial) usage(t *testing.T) usage {
	t.Helper()
	var stats struct{ Requests int }
	require.NoError(t, json.Unmarshal(s.okta.control(t, http.MethodGet, "stats"), &stats))
	return usage{time.Now(), stats.Requests, int(s.gate.queries.Load())}
}

// since returns the requests to Okta and to Loki a minute.
func (u usage) since(before usage) (okta, queries float64) {
	minutes := u.began.Sub(before.began).Minutes()
	return float64(u.okta-before.okta) / minutes, float64(u.queries-before.queries) / minutes
}

// perForm chooses by the form of the trial.
func perForm(short, longer time.Duration) time.Duration {
	if long() {
		return longer
	}
	return short
}
