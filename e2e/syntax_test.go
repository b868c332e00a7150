package e2e

import (
	"bytes"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"github.com/grafana/alloy/okta/internal/testbed"
	"github.com/grafana/alloy/okta/syntax"
)

const syntaxEvents = 200

// syntaxElsewhere names the test that runs a configuration in syntax/, for those that are not in syntaxRuns. Those in destinations are
// run by TestADestinationThatRefusesCostsNoEvent.
var syntaxElsewhere = map[string]string{
	"grafana-cloud.alloy": "TestGrafanaCloudBehindItsGateway",
	"drilldown.alloy":     "TestDrilldownGetsItsAnswers",
	"logzio.alloy":        "TestADestinationThatRefusesCostsNoEvent, as a module of logzio-okta.alloy",
}

// syntaxRuns says, for each configuration in syntax/, what a run of it must lead to. A configuration that is nowhere fails the test.
var syntaxRuns = map[string]func(t *testing.T, alloy *collector, okta *org, loki *testbed.Loki){
	"quickstart.alloy": func(t *testing.T, alloy *collector, okta *org, loki *testbed.Loki) {
		records := okta.records(t, syntaxEvents)
		waitForCount(t, loki.Reader(), selector, records, len(records), time.Minute)
		alloy.stop(t)
		requireExactlyOnce(t, loki.Reader(), selector, records)
		requireEchoed(t, alloy, okta)
	},

	"event-hook-regions.alloy": hooksReachTheirRegion,

	// What is logged after the first poll is in Loki long before the next one.
	"event-hook.alloy": func(t *testing.T, alloy *collector, okta *org, loki *testbed.Loki) {
		waitForLog(t, okta, "event hook verified")
		records := okta.records(t, syntaxEvents)
		waitForCount(t, loki.Reader(), selector, records, len(records), time.Minute)
		okta.generate(t, syntaxEvents)
		records = okta.records(t, 2*syntaxEvents)
		waitForCount(t, loki.Reader(), selector, records, len(records), time.Minute)
		alloy.stop(t)
		requireExactlyOnce(t, loki.Reader(), selector, records)
	},

	"tenants.alloy": func(t *testing.T, alloy *collector, okta *org, loki *testbed.Loki) {
		records := okta.records(t, syntaxEvents)
		waitForCount(t, loki.Reader(), selector, records, len(records), time.Minute)
		alloy.stop(t)
		requireExactlyOnce(t, loki.Reader(), selector, records)
	},

	"terminal.alloy": func(t *testing.T, alloy *collector, okta *org, loki *testbed.Loki) {
		last := gjson.GetBytes(okta.persisted(t)[syntaxEvents-1], "uuid").String()
		waitForLog(t, alloy, last)
		alloy.stop(t)
		requireEchoed(t, alloy, okta)
	},

	"okta-logs-collector.alloy": func(t *testing.T, alloy *collector, okta *org, loki *testbed.Loki) {
		const old = `{job="okta-logs-collector"}`
		records := okta.records(t, syntaxEvents)
		waitForCount(t, loki.Reader(), old, records, len(records), time.Minute)
		alloy.stop(t)
		requireExactlyOnce(t, loki.Reader(), old, records)

		// The labels that its users query by, on every entry.
		from, to := span(records)
		held, err := loki.Reader().Entries(t.Context(), old, from, to)
		require.NoError(t, err)
		for _, entry := range held {
			require.Equal(t, gjson.Get(entry.Line, "event.eventType").String(), entry.Labels["eventType"])
			require.Equal(t, gjson.Get(entry.Line, "event.severity").String(), entry.Labels["level"])
			require.NotContains(t, entry.Metadata, "eventType", "it would hide the label's value after | json")
		}
		signIns := 0
		for _, event := range okta.persisted(t) {
			if gjson.GetBytes(event, "eventType").String() == "user.session.start" {
				signIns++
			}
		}
		require.Positive(t, signIns, "the org has sign-ins")
		count, err := loki.Reader().Count(t.Context(), `{eventType="user.session.start"}`, from, to)
		require.NoError(t, err)
		require.Equal(t, signIns, count)
	},
}

const acmeSecret = "00e2eSecretOfTheHookOfAcme"

// hooksEnv is what the configurations with hooks take from the environment. Loki understands OTLP, too.
func hooksEnv(loki *testbed.Loki) []string {
	otlp := loki.URL() + "/otlp/v1/logs"
	return []string{
		"OKTA_HOOK_SECRET=" + acmeSecret, "ACME_HOOK_SECRET=" + acmeSecret, "BETA_HOOK_SECRET=00e2eSecretOfTheHookOfBeta",
		"US_ENDPOINT=" + otlp, "EU_ENDPOINT=" + otlp, "US_TOKEN=00e2eTokenOfTheUS", "EU_TOKEN=00e2eTokenOfTheEU",
	}
}

// hooksReachTheirRegion lets the org, which sends hooks to the path of the one in the US, log more, and looks for each event in Loki.
func hooksReachTheirRegion(t *testing.T, alloy *collector, acme *org, loki *testbed.Loki) {
	waitForLog(t, acme, "event hook verified")
	acme.generate(t, 100)
	var sent []string
	require.Eventually(t, func() bool {
		sent = nil
		for _, uuid := range gjson.GetBytes(acme.control(t, "GET", "hooks"), "#(Status==204)#.UUIDs|@flatten").Array() {
			sent = append(sent, uuid.Str)
		}
		return len(sent) >= 50
	}, time.Minute, 50*time.Millisecond)
	const all = `{service_name=~".+"}`
	require.Eventually(t, func() bool {
		held, err := loki.Reader().Entries(t.Context(), all, time.Now().Add(-time.Hour), time.Now().Add(time.Minute))
		require.NoError(t, err)
		found := map[string]bool{}
		for _, entry := range held {
			require.Equal(t, "us", entry.Metadata["region"])
			found[gjson.Get(entry.Line, "event.uuid").Str] = true
		}
		return !slices.ContainsFunc(sent, func(uuid string) bool { return !found[uuid] })
	}, time.Minute, 100*time.Millisecond)
	require.NotContains(t, alloy.Log(), acmeSecret)
}

func TestEveryConfigurationIsFormattedValidAndRuns(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(syntax.Files, "*.alloy")
	require.NoError(t, err)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("..", "syntax", name)
			flags := destinations[name].flags
			for _, command := range [][]string{{"fmt", "--test", path}, slices.Concat([]string{"validate"}, flags, []string{path})} {
				output, err := exec.Command(program(t, "alloy-okta"), command...).CombinedOutput()
				require.NoErrorf(t, err, "alloy-okta %v: %s", command, output)
			}

			run, here := syntaxRuns[name]
			if !here {
				_, shipped := destinations[name]
				require.True(t, shipped || syntaxElsewhere[name] != "", "add a run of it to syntaxRuns")
				return
			}
			hooks, err := testbed.FreeAddr()
			require.NoError(t, err)
			okta := startOrg(t, fmt.Sprintf("--backlog=%d", syntaxEvents), "--backlog-span=30m", "--rate=0/s",
				"--hook-uri=http://"+hooks+"/okta/acme", "--hook-secret="+acmeSecret, "--hook-delay=1s")
			loki := startLoki(t)
			config, err := fs.ReadFile(syntax.Files, name)
			require.NoError(t, err)
			_, port, _ := strings.Cut(hooks, ":")
			config = bytes.ReplaceAll(config, []byte("listen_port    = 8080"), []byte("listen_port    = "+port))
			alloy := newCollector(t, config, okta, loki)
			alloy.env = append(alloy.env, tenantsFile(t)(okta)...)
			alloy.env = append(alloy.env, hooksEnv(loki)...)
			alloy.start(t)
			run(t, alloy, okta, loki)
		})
	}
	require.Len(t, names, len(syntaxRuns)+len(syntaxElsewhere)+len(destinations), "every run has its configuration")
}

// requireEchoed asserts that each of the org's events stands in Alloy's log.
func requireEchoed(t *testing.T, alloy *collector, okta *org) {
	t.Helper()
	log := alloy.Log()
	for _, event := range okta.persisted(t) {
		require.Contains(t, log, gjson.GetBytes(event, "uuid").String())
	}
}

func waitForLog(t *testing.T, process interface{ Log() string }, text string) {
	t.Helper()
	require.Eventuallyf(t, func() bool { return strings.Contains(process.Log(), text) }, time.Minute, 20*time.Millisecond,
		"waiting for %q in the log", text)
}
