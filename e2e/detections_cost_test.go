package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/gogo/protobuf/proto"
	"github.com/golang/snappy"
	"github.com/grafana/loki/v3/pkg/logproto"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/detections"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/testbed"
)

// BenchmarkDetections fills a real Loki with a day of a million events and evaluates each rule once, at the end of the day, one after
// another as a ruler does. It reports what all evaluations of a day take of one core, by Loki's own count of its CPU time.
//
//	go test ./e2e -run '^$' -bench BenchmarkDetections -benchtime 1x -timeout 30m
func BenchmarkDetections(b *testing.B) {
	const hours, perHour = 24, 1_000_000 / 24
	loki := &testbed.Loki{Bin: program(b, "loki"), Dir: b.TempDir(), Whole: true}
	runLoki(b, loki)
	formatter, err := event.New(event.Options{Org: "acme.okta.com"})
	require.NoError(b, err)
	end := time.Now()
	for hour := range hours {
		org := &oktasim.Org{Clock: time.Duration(hour-hours+1) * time.Hour}
		org.Generate(perHour, time.Hour)
		pushDay(b, loki, formatter, org.Events())
	}
	rules, err := detections.Rules(os.DirFS("../detections/rules"))
	require.NoError(b, err)
	sigma, err := detections.SigmaRules(os.DirFS("../detections/sigma/rules"))
	require.NoError(b, err)

	for b.Loop() {
		total := 0.0 // CPU seconds a day
		for name, pack := range map[string][]detections.Rule{"rules": rules, "sigma": sigma} {
			ofPack := 0.0
			for _, rule := range pack {
				before := cpuSeconds(b, loki)
				started := time.Now()
				evaluate(b, loki, rule.Query, end)
				took := cpuSeconds(b, loki) - before
				aDay := took * float64(24*time.Hour/time.Duration(rule.Interval))
				b.Logf("%-50s %s every %s: %.2fs CPU in %.2fs, %.0fs CPU a day", rule.Name, rule.Window, rule.Interval, took,
					time.Since(started).Seconds(), aDay)
				ofPack += aDay
			}
			b.ReportMetric(100*ofPack/(24*60*60), "%core/"+name)
			total += ofPack
		}
		b.ReportMetric(100*total/(24*60*60), "%core/all")
		b.ReportMetric(float64(len(rules)+len(sigma)), "rules")
	}
}

// pushDay sends events to Loki as entries, in portions below its limit for a message.
func pushDay(b testing.TB, loki *testbed.Loki, formatter *event.Formatter, raw [][]byte) {
	b.Helper()
	const portion = 1000
	for len(raw) > 0 {
		n := min(portion, len(raw))
		events, err := event.Scan(append(append([]byte("["), bytes.Join(raw[:n], []byte(","))...), ']'))
		require.NoError(b, err)
		raw = raw[n:]
		stream := logproto.Stream{}
		for _, e := range events {
			entry := formatter.EntryIn(contextOf(e), e, time.Time{})
			stream.Labels = entry.Labels.String()
			stream.Entries = append(stream.Entries, entry.Entry)
		}
		message, err := proto.Marshal(&logproto.PushRequest{Streams: []logproto.Stream{stream}})
		require.NoError(b, err)
		resp, err := http.Post(loki.URL()+"/loki/api/v1/push", "application/x-protobuf", bytes.NewReader(snappy.Encode(nil, message)))
		require.NoError(b, err)
		answer, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		require.Equalf(b, http.StatusNoContent, resp.StatusCode, "%s", answer)
	}
}

func evaluate(b testing.TB, loki *testbed.Loki, query string, at time.Time) {
	b.Helper()
	resp, err := http.Get(loki.URL() + "/loki/api/v1/query?" + url.Values{
		"query": {query}, "time": {strconv.FormatInt(at.UnixNano(), 10)},
	}.Encode())
	require.NoError(b, err)
	defer resp.Body.Close()
	var answer struct{ Status string }
	require.NoError(b, json.NewDecoder(resp.Body).Decode(&answer), query)
	require.Equal(b, "success", answer.Status)
}

var cpuTotal = regexp.MustCompile(`(?m)^process_cpu_seconds_total (\S+)$`)

func cpuSeconds(b testing.TB, loki *testbed.Loki) float64 {
	b.Helper()
	seconds, err := strconv.ParseFloat(cpuTotal.FindStringSubmatch(lokiMetrics(b, loki))[1], 64)
	require.NoError(b, err)
	return seconds
}
