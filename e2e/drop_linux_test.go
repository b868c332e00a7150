package e2e

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"
)

// A drop list leaves out what it names and nothing else, no event is delivered again for it, and verify says that rules dropped it.
func TestADropListDropsBeforeDelivery(t *testing.T) {
	t.Parallel()
	list, err := filepath.Abs("../detections/drop/strong.alloy")
	require.NoError(t, err)
	types := dropList(t, "strong")
	const n = 1_000
	okta := startOrg(t, fmt.Sprintf("--backlog=%d", n), "--backlog-span=90m", "--rate=0/s")
	loki := startLoki(t)
	alloy := newCollector(t, fmt.Appendf(nil, `
import.file "drop" {
	filename = %q
}

drop.strong "default" { }

loki.source.okta "default" {
	url              = sys.env("OKTA_URL")
	api_token        = sys.env("OKTA_API_TOKEN")
	forward_to       = [loki.write.default.receiver]
	labels           = {service_name = "okta"}
	initial_lookback = "3h"
	relabel_rules    = drop.strong.default.rules

	reconcile {
		url = sys.env("LOKI_URL")
	}
}

loki.write "default" {
	endpoint {
		url = sys.env("LOKI_URL") + "/loki/api/v1/push"
	}
}
`, list), okta, loki)
	alloy.start(t)
	records := okta.records(t, n)
	kept := slices.DeleteFunc(slices.Clone(records), func(r record) bool {
		return slices.Contains(types, gjson.Get(r.line, "event.eventType").Str)
	})
	require.Less(t, len(kept), n, "the org has events of types that the list drops")
	waitForCount(t, loki.Reader(), selector, kept, len(kept), time.Minute)
	alloy.waitForMetric(t, "loki_source_okta_unconfirmed_events", 0)
	alloy.stop(t)
	requireExactlyOnce(t, loki.Reader(), selector, kept)

	first, _ := bounds(records)
	report := alloy.verify(t, first.Add(-time.Second), time.Now(), "--slack=0s")
	require.Zero(t, report.code, "%s %s", report.stderr, report.out)
	got := report.out.Get("orgs.0")
	require.EqualValues(t, n, got.Get("in_okta").Int(), got.Raw)
	require.EqualValues(t, n-len(kept), got.Get("counts.dropped").Int(), got.Raw)
	require.Zero(t, got.Get("counts.missing").Int(), got.Raw)
}
