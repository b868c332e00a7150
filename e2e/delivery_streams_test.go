package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	lokipush "github.com/grafana/loki/pkg/push"
	"github.com/stretchr/testify/require"
)

// labeled is a configuration with one property of the event as a label.
func labeled(config, property string) string {
	return strings.Replace(config, "\tforward_to", "\trelabel_rules = loki.relabel.okta.rules\n\tforward_to", 1) + fmt.Sprintf(`
loki.relabel "okta" {
	forward_to = []

	rule {
		source_labels = ["__okta_%[1]s"]
		target_label  = "%[1]s"
	}
}
`, property)
}

// limit lets Loki answer 429 for a while to pushes with a stream of a severity, and take their other streams.
func (s *trial) limit(t *testing.T, severity string, lasts time.Duration) {
	t.Helper()
	s.gate.change(func() {
		s.gate.refuse = func(stream lokipush.Stream) int {
			if strings.Contains(stream.Labels, fmt.Sprintf("severity=%q", severity)) {
				return http.StatusTooManyRequests
			}
			return 0
		}
	})
	time.Sleep(lasts)
	require.Positive(t, s.gate.spoilt.Load())
	s.gate.change(func() { s.gate.refuse = nil })
}

// One of two label sets is over its rate limit for a while: Loki takes the other one's part of each push, and loki.write sends the whole
// push again and again.
func TestOneOfTwoStreamsIsOverItsRateLimit(t *testing.T) {
	t.Parallel()
	config := quick
	if long() {
		config = defaults
	}
	s := newTrialAlone(t, labeled(config, "severity"))
	s.patience = perForm(0, 12*time.Minute)
	s.alloy.start(t)
	s.waitForMore(t, confirmed, 0)
	s.limit(t, "INFO", perForm(20*time.Second, 10*time.Minute))
	s.requireDelivered(t, s.settle(t))
}

// With four shards loki.write keeps the order of a label set only. Where reconcile is told, a label set that is held up is not taken for
// lost because others arrive. Where it is not, this must not lose anything; what it doubles is counted here.
func TestFourShardsOfLokiWrite(t *testing.T) {
	t.Parallel()
	for _, ordering := range []string{"stream", "all"} {
		t.Run(ordering, func(t *testing.T) {
			t.Parallel()
			config := strings.Replace(labeled(quick, "severity"), "/push\"\n", "/push\"\n\t\tqueue_config {\n\t\t\tmin_shards = 4\n\t\t}\n", 1)
			config = strings.Replace(config, "reconcile {\n", fmt.Sprintf("reconcile {\n\t\tordering = %q\n", ordering), 1)
			s := newTrialAlone(t, config)
			s.alloy.flags = []string{"--stability.level=experimental"}
			s.alloy.start(t)
			s.waitForMore(t, confirmed, 0)
			s.limit(t, "WARN", perForm(45*time.Second, 10*time.Minute))
			if ordering == "stream" {
				s.requireDelivered(t, s.settle(t))
				return
			}
			all := s.end(t)
			s.waitForAll(t, all)
			d := compare(all, s.gate.took.entries())
			require.Empty(t, d.foreign)
			t.Logf("without the argument %d of %d events came twice", len(d.doubled), len(all))
		})
	}
}

// Event types as labels make a hundred label sets. An event that is lost and the only one of its set for hours has nothing behind it on
// its own stream; loki.write's one shard keeps the order of all of them, so any later event shows that it is lost.
func TestTheOnlyEventOfALabelSetGetsLost(t *testing.T) {
	t.Parallel()
	s := newTrialAlone(t, labeled(quick, "event_type"))
	s.alloy.start(t)
	s.waitForMore(t, confirmed, 0)
	var lost atomic.Int64
	s.gate.change(func() {
		s.gate.refuse = func(stream lokipush.Stream) int {
			if strings.Contains(stream.Labels, "rare.event.type") && lost.Add(1) == 1 {
				return http.StatusBadRequest // loki.write lets go of the whole push
			}
			return 0
		}
	})
	s.appendLike(t, 1, 0, func(event string) string {
		begin := strings.Index(event, `"eventType":"`) + len(`"eventType":"`)
		return event[:begin] + "rare.event.type" + event[begin+strings.Index(event[begin:], `"`):]
	})
	began := time.Now()
	waitForCount(t, s.loki.Reader(), `{event_type="rare.event.type"}`, s.logged(t), 1, 3*time.Minute)
	t.Logf("it was there after %v", time.Since(began).Round(time.Second))
	require.Greater(t, lost.Load(), int64(1))
	s.requireDelivered(t, s.settle(t))
}
