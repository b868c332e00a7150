package e2e

import (
	"strings"
	"testing"
	"time"
)

// plain is the component with nothing but what it needs; the short interval keeps the test short.
const plain = `
loki.source.okta "default" {
	url              = sys.env("OKTA_URL")
	api_token        = sys.env("OKTA_API_TOKEN")
	poll_interval    = "500ms"
	initial_lookback = "48h"
	forward_to       = [loki.write.default.receiver]
}

loki.write "default" {
	endpoint {
		url = sys.env("LOKI_URL") + "/loki/api/v1/push"
	}
}
`

const selector = `{job="loki.source.okta"}`

func TestABacklogAndLiveEventsArriveExactlyOnce(t *testing.T) {
	t.Parallel()
	const backlog, live, bursts = 8_000, 2_000, 10
	okta := startOrg(t, "--backlog=8000", "--backlog-span=24h", "--rate=0/s", "--rate-limit=6000", "--seed=1")
	loki := startLoki(t)
	alloy := newCollector(t, []byte(plain), okta, loki)
	alloy.start(t)

	// Live events come while the backlog is still read, and after.
	for range bursts - 1 {
		okta.generate(t, live/bursts)
	}
	soFar := okta.records(t, backlog+live-live/bursts)
	waitForCount(t, loki.Reader(), selector, soFar, len(soFar), 3*time.Minute)
	okta.generate(t, live/bursts)
	all := okta.records(t, backlog+live)
	waitForCount(t, loki.Reader(), selector, all, len(all), time.Minute)
	alloy.stop(t)

	requireExactlyOnce(t, loki.Reader(), selector, all)
}

func TestARestartContinuesWhereItStopped(t *testing.T) {
	t.Parallel()
	const before, meanwhile, after = 3_000, 1_500, 500
	okta := startOrg(t, "--backlog=3000", "--backlog-span=2h", "--rate=0/s", "--rate-limit=6000", "--seed=2")
	loki := startLoki(t)
	// With a replay window the last minute would come again, which Loki counts twice.
	config := strings.Replace(plain, "initial_lookback", "replay_window    = \"0s\"\n\tinitial_lookback", 1)
	alloy := newCollector(t, []byte(config), okta, loki)
	alloy.start(t)
	records := okta.records(t, before)
	waitForCount(t, loki.Reader(), selector, records, before, time.Minute)
	alloy.stop(t)

	okta.generate(t, meanwhile)
	alloy.start(t)
	waitForCount(t, loki.Reader(), selector, okta.records(t, before+meanwhile), before+meanwhile, time.Minute)
	okta.generate(t, after)
	records = okta.records(t, before+meanwhile+after)
	waitForCount(t, loki.Reader(), selector, records, len(records), time.Minute)
	alloy.stop(t)

	requireExactlyOnce(t, loki.Reader(), selector, records)
}
