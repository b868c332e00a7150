package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/testbed"
	"github.com/grafana/alloy/okta/syntax"
)

// composeLoki starts a Loki with the configuration of deploy/compose, its data in a folder of the test. The rules, if there are any, are
// where deploy/compose/ruler.yaml has them, and their alerts go to an Alertmanager's URL.
func composeLoki(t *testing.T, rules []byte, alertmanager string) *testbed.Loki {
	t.Helper()
	config, err := os.ReadFile("../deploy/compose/loki.yaml")
	require.NoError(t, err)
	loki := &testbed.Loki{Bin: program(t, "loki"), Dir: t.TempDir()}
	for _, addr := range []*string{&loki.HTTPAddr, &loki.GRPCAddr} {
		*addr, err = testbed.FreeAddr()
		require.NoError(t, err)
	}
	file := filepath.Join(loki.Dir, "loki.yaml")
	here := strings.NewReplacer(": /loki", ": "+loki.Dir, "http://alertmanager:9093", cmp.Or(alertmanager, "http://alertmanager:9093"))
	require.NoError(t, os.WriteFile(file, []byte(here.Replace(string(config))), 0o600))
	if rules != nil {
		folder := filepath.Join(loki.Dir, "rules", "fake")
		require.NoError(t, os.MkdirAll(folder, 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(folder, "okta.yaml"), rules, 0o600))
	}
	args := []string{"-config.file=" + file, "-log.level=warn",
		// As in testbed: ready after a second.
		"-ingester.min-ready-duration=0s", "-frontend.scheduler-dns-lookup-period=500ms", "-querier.dns-lookup-period=500ms"}
	for name, addr := range map[string]string{"http": loki.HTTPAddr, "grpc": loki.GRPCAddr} {
		host, err := loki.Host(addr)
		require.NoError(t, err)
		port, err := loki.Port(addr)
		require.NoError(t, err)
		args = append(args, "-server."+name+"-listen-address="+host, "-server."+name+"-listen-port="+port)
	}
	loki.Process, err = testbed.Command{
		Name: "loki", Path: loki.Bin, Args: args, Dir: loki.Dir, LogFile: filepath.Join(loki.Dir, "loki.log"),
	}.Start()
	require.NoError(t, err)
	t.Cleanup(loki.Kill)
	watchLog(t, func() *testbed.Process { return loki.Process })
	ctx, cancel := context.WithTimeout(t.Context(), startWithin)
	defer cancel()
	require.NoError(t, loki.Ready(ctx, loki.URL()+"/ready"))
	return loki
}

// drill sends one of the requests that Logs Drilldown sends, about the hour around now.
func drill(t *testing.T, loki *testbed.Loki, path string, params url.Values) gjson.Result {
	t.Helper()
	params = maps.Clone(params)
	params.Set("start", fmt.Sprint(time.Now().Add(-time.Hour).UnixNano()))
	params.Set("end", fmt.Sprint(time.Now().Add(time.Minute).UnixNano()))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, loki.URL()+"/loki/api/v1/"+path+"?"+params.Encode(), nil)
	require.NoError(t, err)
	req.Header.Set("X-Scope-OrgID", "fake") // of the one tenant: drilldown-limits asks for it without authentication, too
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equalf(t, http.StatusOK, resp.StatusCode, "%s: %s", path, body)
	require.True(t, json.Valid(body), "%s: %s", path, body)
	return gjson.ParseBytes(body)
}

// TestDrilldownGetsItsAnswers sends Compose's Loki what Logs Drilldown asks: for its settings, the services and how much each has, levels,
// and fields with their values.
func TestDrilldownGetsItsAnswers(t *testing.T) {
	t.Parallel()
	loki := composeLoki(t, nil, "")
	okta := startOrg(t, fmt.Sprintf("--backlog=%d", syntaxEvents), "--backlog-span=30m", "--rate=0/s")
	config, err := fs.ReadFile(syntax.Files, "drilldown.alloy")
	require.NoError(t, err)
	alloy := newCollector(t, config, okta, loki)
	alloy.start(t)
	records := okta.records(t, syntaxEvents)
	waitForCount(t, loki.Reader(), selector, records, len(records), time.Minute)
	alloy.stop(t)

	settings := drill(t, loki, "drilldown-limits", url.Values{})
	require.True(t, settings.Get("pattern_ingester_enabled").Bool(), settings.Raw)
	for _, limit := range []string{"volume_enabled", "discover_log_levels"} {
		require.True(t, settings.Get("limits."+limit).Bool(), "%s: %s", limit, settings.Raw)
	}
	service := url.Values{"query": {`{service_name="okta"}`}}
	volume := drill(t, loki, "index/volume", url.Values{"query": {`{service_name=~".+"}`}, "targetLabels": {"service_name"}})
	require.Equal(t, `["okta"]`, volume.Get("data.result.#.metric.service_name").Raw, "one tile, the service okta: %s", volume.Raw)

	users, addresses, sessions := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, event := range okta.persisted(t) {
		users[gjson.GetBytes(event, "actor.alternateId").Str] = true
		addresses[gjson.GetBytes(event, "client.ipAddress").Str] = true
		sessions[gjson.GetBytes(event, "authenticationContext.externalSessionId").Str] = true
	}
	fields := drill(t, loki, "detected_fields", service)
	for name, of := range map[string]map[string]bool{"user": users, "ip": addresses, "session": sessions} {
		field := fields.Get(`fields.#(label=="` + name + `")`)
		require.Positive(t, field.Get("cardinality").Int(), "%s: %s", name, fields.Raw)
		require.Equal(t, "null", field.Get("parsers").Raw, "%s is there without parsing a line", name)
		for _, value := range drill(t, loki, "detected_field/"+name+"/values", service).Get("values").Array() {
			require.Contains(t, of, value.Str, name)
		}
	}
	levels := drill(t, loki, "detected_field/detected_level/values", service).Get("values")
	for _, level := range levels.Array() {
		require.Contains(t, []string{"info", "warn", "error"}, level.Str)
	}
	require.NotEmpty(t, levels.Array())
}

// BenchmarkDetectedLevel is what it saves Loki that entries say their level: CPU time of the whole program for an entry, pushed 20,000 at
// a time, with and without the default metadata detected_level.
//
//	go test ./e2e -run '^$' -bench BenchmarkDetectedLevel -benchtime 1x
func BenchmarkDetectedLevel(b *testing.B) {
	const rounds, n = 6, 20_000
	loki := &testbed.Loki{Bin: program(b, "loki"), Dir: b.TempDir(), Whole: true}
	runLoki(b, loki)
	org := &oktasim.Org{}
	org.Generate(n, time.Hour)
	spent := map[string]float64{}
	for b.Loop() {
		for round := range rounds {
			for _, format := range []string{event.FormatEnvelope, event.FormatEvent} {
				for _, with := range []bool{round%2 == 0, round%2 != 0} {
					metadata, name := event.DefaultStructuredMetadata(), format+"/said"
					if !with {
						delete(metadata, "detected_level")
						name = format + "/looked-for"
					}
					formatter, err := event.New(event.Options{
						Org: fmt.Sprintf("%s-%d", strings.ReplaceAll(name, "/", "-"), round), LineFormat: format, StructuredMetadata: metadata,
					})
					require.NoError(b, err)
					before := cpuSeconds(b, loki)
					pushDay(b, loki, formatter, org.Events())
					spent[name] += cpuSeconds(b, loki) - before
				}
			}
		}
	}
	for name, seconds := range spent {
		b.ReportMetric(seconds*1e6/rounds/n/float64(b.N), "µs/"+name)
	}
}
