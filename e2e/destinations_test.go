package e2e

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
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

// newShipper prepares an alloy-okta for a configuration in syntax/ that leads to a sink.
func newShipper(t *testing.T, name string, change *strings.Replacer, okta *org, s *sink) *collector {
	t.Helper()
	config, err := fs.ReadFile(syntax.Files, name)
	require.NoError(t, err)
	alloy := newCollector(t, []byte(change.Replace(string(config))), okta, &testbed.Loki{})
	module, err := fs.ReadFile(syntax.Files, "logzio.alloy")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(alloy.config), "logzio.alloy"), module, 0o600))
	alloy.env = append(alloy.env, destinations[name].environment(t, s, okta)...)
	alloy.flags = destinations[name].flags
	return alloy
}

// waitForArrivals waits until a sink has as many different events as the org.
func waitForArrivals(t *testing.T, s *sink, n int) map[string][]arrival {
	t.Helper()
	byUUID := map[string][]arrival{}
	read := 0
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
	}, time.Minute, 50*time.Millisecond, "%d events", n)
	return byUUID
}

// The configurations for other destinations than Loki: one that refuses everything, for as long as the events are more than its
// exporter may queue, costs no event. Without block_on_overflow it would cost those that the queue had no room for.
func TestADestinationThatRefusesCostsNoEvent(t *testing.T) {
	outage := 3 * time.Second
	if long() {
		outage = 30 * time.Second
	}
	for name, d := range destinations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			okta := startOrg(t, fmt.Sprintf("--backlog=%d", destinationEvents), "--backlog-span=30m", "--rate=0/s")
			s := &sink{outage: outage}
			alloy := newShipper(t, name, strings.NewReplacer(), okta, s)
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
	folder := t.TempDir()
	require.Contains(t, storage, `"/var/lib/alloy-okta/queue"`)
	storage = strings.Replace(storage, "/var/lib/alloy-okta/queue", folder, 1)
	line := regexp.MustCompile("`(storage = otelcol[^`]+)`").FindSubmatch(page)
	require.NotNil(t, line, "the guide shows the argument")

	const events = 2_000
	okta := startOrg(t, fmt.Sprintf("--backlog=%d", events), "--backlog-span=30m", "--rate=0/s")
	s := &sink{outage: 24 * time.Hour}
	alloy := newShipper(t, "otlp.alloy", strings.NewReplacer(
		`replay_window = "10m"`, `replay_window = "0s"`,
		"block_on_overflow = true", "block_on_overflow = true\n"+string(line[1]),
		"otelcol.auth.bearer \"default\" {", storage+"\notelcol.auth.bearer \"default\" {",
	), okta, s)
	alloy.flags = []string{"--stability.level=public-preview"}
	alloy.start(t)
	alloy.waitForMetric(t, "loki_source_okta_entries_total", events)
	require.Eventually(t, func() bool {
		refused, _ := s.seen()
		return refused > 0
	}, time.Minute, 20*time.Millisecond)
	alloy.Kill()

	s.end()
	alloy.start(t)
	waitForArrivals(t, s, events)
	alloy.stop(t)
}
