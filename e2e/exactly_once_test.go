package e2e

import (
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
