package e2e

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"github.com/grafana/alloy/okta/internal/testbed"
	"github.com/grafana/alloy/okta/syntax"
)

// More than the queues of the configurations hold, 5,000: with a destination that refuses, the source has to wait.
const destinationEvents = 7_000

// destination is a configuration in syntax/ whose events do not go to Loki.
type destination struct {
	environment func(t *testing.T, s *sink, okta *org) []string
	flags       []string
	require     func(t *testing.T, event string, a arrival, okta *org) // that a is the event, whole
	repeats     bool                                                   // an event may come twice
	here        func(t *testing.T) []string                            // what else is here than in the configuration, in pairs: old, new
}

var destinations = map[string]destination{
	"otlp.alloy": {
		environment: func(t *testing.T, s *sink, _ *org) []string {
			return []string{"OTLP_ENDPOINT=" + s.otlp(t), "OTLP_TOKEN=shipping"}
		},
		require: func(t *testing.T, event string, a arrival, okta *org) {
			require.Equal(t, event, a.body)
			require.Equal(t, publishedOf(t, event), a.time)
			severity := gjson.Get(event, "severity").String()
			require.Equal(t, severity, a.fields["severity"])
			require.Equal(t, severity, strings.ToUpper(a.fields["severity_number"]))
			require.Equal(t, gjson.Get(event, "eventType").String(), a.fields["event_name"])
			require.Equal(t, "okta", a.fields["resource.service.name"])
			require.Equal(t, hostOf(okta), a.fields["resource.okta.org"])
			require.Equal(t, "Bearer shipping", a.fields["authorization"])
		},
	},

	"logzio-okta.alloy": {
		environment: func(t *testing.T, s *sink, okta *org) []string {
			file := filepath.Join(t.TempDir(), "shipping-token")
			require.NoError(t, os.WriteFile(file, []byte("shipping"), 0o600))
			return append(tenantsFile(t)(okta), "LOGZIO_TOKEN_FILE="+file, "LOGZIO_REGION=eu", "LOGZIO_ENDPOINT="+s.otlp(t))
		},
		require: func(t *testing.T, event string, a arrival, okta *org) {
			var members map[string]any
			require.NoError(t, json.Unmarshal([]byte(event), &members))
			members["message"] = members["displayMessage"]
			whole, err := json.Marshal(members)
			require.NoError(t, err)
			require.JSONEq(t, string(whole), a.body)
			require.Equal(t, publishedOf(t, event), a.time)
			require.Equal(t, "okta", a.fields["attribute.type"])
			require.Equal(t, hostOf(okta), a.fields["attribute.tenant_name"])
			require.Equal(t, "Bearer shipping", a.fields["authorization"])
			require.Equal(t, "alloy-okta", a.fields["user-agent"])
		},
	},

	// Its Loki is away: S3 does not wait for that.
	"archive.alloy": {
		flags: []string{"--stability.level=experimental"},
		here: func(t *testing.T) []string {
			addr, err := testbed.FreeAddr()
			require.NoError(t, err)
			list, err := filepath.Abs("../detections/drop/medium.alloy")
			require.NoError(t, err)
			return []string{"127.0.0.1:14318", addr, `file.path_join(module_path, "../detections/drop/medium.alloy")`, strconv.Quote(list)}
		},
		environment: func(t *testing.T, s *sink, _ *org) []string {
			return []string{
				"S3_ENDPOINT=" + s.s3(t, "okta-log"), "S3_BUCKET=okta-log", "S3_REGION=eu-central-1",
				"AWS_ACCESS_KEY_ID=AKIAE2E", "AWS_SECRET_ACCESS_KEY=e2eSecretOfTheBucket",
			}
		},
		require: func(t *testing.T, event string, a arrival, _ *org) {
			require.Equal(t, event, a.body)
			require.Regexp(t, `^okta/year=\d{4}/month=\d\d/day=\d\d/logs_[0-9a-f-]{36}\.txt\.gz$`, a.fields["key"])
			require.Contains(t, a.fields["authorization"], "Credential=AKIAE2E/")
		},
	},

	"kafka.alloy": {
		repeats: true, // the exporter sends anew what its client may have got through already
		environment: func(t *testing.T, s *sink, _ *org) []string {
			return []string{"KAFKA_BROKERS=" + s.kafka(t, "okta"), "KAFKA_TOPIC=okta"}
		},
		require: func(t *testing.T, event string, a arrival, _ *org) {
			require.JSONEq(t, event, a.body)
		},
	},

	"splunk.alloy": {
		flags: []string{"--feature.community-components.enabled"},
		environment: func(t *testing.T, s *sink, _ *org) []string {
			return []string{"SPLUNK_HEC_URL=" + s.splunk(t), "SPLUNK_HEC_TOKEN=shipping", "SPLUNK_INDEX=okta"}
		},
		require: func(t *testing.T, event string, a arrival, okta *org) {
			require.Equal(t, event, a.body)
			require.Equal(t, publishedOf(t, event), a.time)
			require.Equal(t, map[string]string{
				"authorization": "Splunk shipping", "host": hostOf(okta), "source": "alloy-okta", "sourcetype": "OktaIM2:log", "index": "okta",
				"fields": "null",
			}, a.fields)
		},
	},
}

func publishedOf(t *testing.T, event string) time.Time {
	t.Helper()
	published, err := time.Parse(time.RFC3339Nano, gjson.Get(event, "published").String())
	require.NoError(t, err)
	return published.UTC()
}

func hostOf(okta *org) string { return strings.TrimPrefix(okta.url, "http://") }

// dropList is the event types of a list in detections/drop.
func dropList(t *testing.T, strength string) (types []string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("../detections/drop", strength+".alloy"))
	require.NoError(t, err)
	for _, m := range regexp.MustCompile(`(?m)^\t+"([^"]+)",$`).FindAllSubmatch(content, -1) {
		types = append(types, string(m[1]))
	}
	return types
}

func lokiThatIsAway(t *testing.T) *testbed.Loki {
	t.Helper()
	addr, err := testbed.FreeAddr()
	require.NoError(t, err)
	return &testbed.Loki{HTTPAddr: addr}
}

// newShipper prepares an alloy-okta for a configuration in syntax/ that leads to a sink, and for those with a Loki beside it to that.
func newShipper(t *testing.T, name string, change *strings.Replacer, okta *org, s *sink, loki *testbed.Loki) *collector {
	t.Helper()
	config, err := fs.ReadFile(syntax.Files, name)
	require.NoError(t, err)
	if here := destinations[name].here; here != nil {
		config = []byte(strings.NewReplacer(here(t)...).Replace(string(config)))
	}
	alloy := newCollector(t, []byte(change.Replace(string(config))), okta, loki)
	module, err := fs.ReadFile(syntax.Files, "logzio.alloy")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(alloy.config), "logzio.alloy"), module, 0o600))
	alloy.env = append(alloy.env, destinations[name].environment(t, s, okta)...)
	alloy.flags = destinations[name].flags
	return alloy
}

// waitForArrivals waits until a sink has as many different events as the org, for a minute after the sink's outage.
func waitForArrivals(t *testing.T, s *sink, n int) map[string][]arrival {
	t.Helper()
	byUUID := map[string][]arrival{}
	read := 0
	s.mu.Lock()
	within := s.outage + time.Minute
	s.mu.Unlock()
	defer func() {
		if t.Failed() {
			refused, arrivals := s.seen()
			t.Logf("refused %d requests, took %d events, %d different ones of %d", refused, len(arrivals), len(byUUID), n)
		}
	}()
	require.Eventuallyf(t, func() bool {
		_, arrivals := s.seen()
		for ; read < len(arrivals); read++ {
			uuid := gjson.Get(arrivals[read].body, "uuid").String()
			byUUID[uuid] = append(byUUID[uuid], arrivals[read])
		}
		return len(byUUID) >= n
	}, within, 50*time.Millisecond, "%d events", n)
	return byUUID
}

// The configurations for other destinations than Loki: one that refuses everything, for as long as the events are more than its
// exporter may queue, costs no event. Without block_on_overflow it would cost those that the queue had no room for.
func TestADestinationThatRefusesCostsNoEvent(t *testing.T) {
	t.Parallel()
	outage := 3 * time.Second
	if long() {
		outage = 30 * time.Second
	}
	for name, d := range destinations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			okta := startOrg(t, fmt.Sprintf("--backlog=%d", destinationEvents), "--backlog-span=30m", "--rate=0/s")
			s := &sink{outage: outage}
			alloy := newShipper(t, name, strings.NewReplacer(), okta, s, lokiThatIsAway(t))
			alloy.start(t)
			byUUID := waitForArrivals(t, s, destinationEvents)
			alloy.stop(t)
			require.NotContains(t, alloy.Log(), "failed to consume log entries")
			refused, arrivals := s.seen()
			require.Positive(t, refused)
			if !d.repeats {
				require.Len(t, arrivals, destinationEvents, "no event twice")
			}
			for _, event := range okta.persisted(t) {
				same := byUUID[gjson.GetBytes(event, "uuid").String()]
				require.NotEmpty(t, same)
				d.require(t, string(event), same[0], okta)
			}
		})
	}
}

// What waits in an exporter's queue survives a kill where docs/destinations.md has it written to disk. Nothing is read from Okta a
// second time here: with a replay window of 0s only the queue can have kept the events.
func TestAQueueOnDiskSurvivesAKill(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/destinations.md")
	require.NoError(t, err)
	var storage string
	for _, block := range alloyBlock.FindAllStringSubmatch(string(page), -1) {
		if strings.HasPrefix(block[1], "otelcol.storage.file") {
			storage = block[1]
		}
	}
	require.NotEmpty(t, storage, "the guide shows the component")
	require.Contains(t, storage, `"/var/lib/alloy-okta/queue"`)
	line := regexp.MustCompile("`(storage = otelcol[^`]+)`").FindSubmatch(page)
	require.NotNil(t, line, "the guide shows the argument")

	for name, label := range map[string]string{"otlp.alloy": "default", "archive.alloy": "archive"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			queueSurvives(t, name, label, strings.Replace(storage, "/var/lib/alloy-okta/queue", t.TempDir(), 1), string(line[1]))
		})
	}
}

func queueSurvives(t *testing.T, name, label, storage, line string) {
	t.Helper()
	const events = 2_000
	okta := startOrg(t, fmt.Sprintf("--backlog=%d", events), "--backlog-span=30m", "--rate=0/s")
	s := &sink{outage: 24 * time.Hour}
	queue := fmt.Sprintf("otelcol.exporter.otlphttp %q {", label)
	alloy := newShipper(t, name, strings.NewReplacer(
		`replay_window = "10m"`, `replay_window = "0s"`,
		"block_on_overflow = true", "block_on_overflow = true\n"+line,
		queue, storage+"\n"+queue,
	), okta, s, lokiThatIsAway(t))
	alloy.flags = append(alloy.flags, "--stability.level=experimental")
	alloy.start(t)
	require.Eventually(t, func() bool {
		refused, _ := s.seen()
		delivered, _ := alloy.metricOf(t.Context(), label, "loki_source_okta_entries_total")
		return refused > 0 && delivered == events
	}, time.Minute, 20*time.Millisecond)
	alloy.Kill()

	s.end()
	alloy.start(t)
	waitForArrivals(t, s, events)
	alloy.stop(t)
}

// S3 has every event of the org, byte for byte, while Loki has each that the drop list leaves, once, and does not wait for S3.
func TestAnArchiveKeepsAllAndLokiSome(t *testing.T) {
	t.Parallel()
	const n = 1_000
	okta := startOrg(t, fmt.Sprintf("--backlog=%d", n), "--backlog-span=90m", "--rate=0/s")
	loki, s := startLoki(t), &sink{outage: 24 * time.Hour}
	url := `url           = sys.env("OKTA_URL")`
	archive := `url                 = sys.env("OKTA_URL")`
	alloy := newShipper(t, "archive.alloy", strings.NewReplacer(
		url, "initial_lookback = \"3h\"\n\t"+url, archive, "initial_lookback = \"3h\"\n\t"+archive), okta, s, loki)
	alloy.start(t)
	dropped := dropList(t, "medium")
	records := okta.records(t, n)
	kept := slices.DeleteFunc(slices.Clone(records), func(r record) bool {
		return slices.Contains(dropped, gjson.Get(r.line, "event.eventType").Str)
	})
	require.Less(t, len(kept), n, "the org has events of types that the list drops")
	waitForCount(t, loki.Reader(), selector, kept, len(kept), time.Minute)
	s.end()
	byUUID := waitForArrivals(t, s, n)
	alloy.stop(t)
	requireExactlyOnce(t, loki.Reader(), selector, kept)
	for _, event := range okta.persisted(t) {
		require.Equal(t, string(event), byUUID[gjson.GetBytes(event, "uuid").String()][0].body)
	}
}
