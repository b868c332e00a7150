package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Outages of Loki with nothing of loki.write set: it tries a batch for four to eight minutes, and the batches behind it wait. The short
// form has short waits instead.
func TestAnOutageWithLokiWriteAtItsDefaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer int
		lasts  time.Duration
	}{
		"away":               {gone, 13 * time.Minute},
		"pushes are refused": {http.StatusInternalServerError, 15 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := quick
			if long() {
				config = defaults
			}
			s := newTrialAlone(t, config)
			s.patience = perForm(0, 12*time.Minute)
			s.alloy.start(t)
			s.waitForMore(t, confirmed, 0)
			s.gate.set(c.answer)
			time.Sleep(perForm(20*time.Second, c.lasts))
			s.gate.set(0)
			began := time.Now()
			s.waitForAll(t, s.logged(t))
			t.Logf("recovered %v after the outage", time.Since(began).Round(time.Second))
			s.requireDelivered(t, s.settle(t))
		})
	}
}

// A component that gets another name has another data path. What it delivered under the old one is still on its way through loki.write,
// which lives on.
func TestARenameDuringAnOutageDoublesNothing(t *testing.T) {
	t.Parallel()
	config := quick
	if long() {
		config = defaults
	}
	s := newTrialAlone(t, strings.Replace(config, `loki.source.okta "default"`, `loki.source.okta "before"`, 1))
	s.patience = perForm(0, 12*time.Minute)
	s.alloy.start(t)
	soFar := s.logged(t)
	waitForCount(t, s.loki.Reader(), selector, soFar, len(soFar), 2*time.Minute)
	s.gate.set(http.StatusInternalServerError)
	time.Sleep(perForm(5*time.Second, 3*time.Minute))
	s.reload(t, config)
	time.Sleep(perForm(10*time.Second, 9*time.Minute))
	s.gate.set(0)
	s.requireDelivered(t, s.settle(t))
}

// Loki takes two minutes for an answer, longer than reconcile waits. Nothing that is unknown is believed, nobody is pestered, and it is
// told.
func TestASlowLokiIsAskedLittleAndItIsTold(t *testing.T) {
	t.Parallel()
	s := newTrialAlone(t, defaults)
	s.alloy.start(t)
	s.waitForMore(t, confirmed, 0)
	s.gate.change(func() { s.gate.takes = 2 * time.Minute })
	before := s.usage(t)
	lasts := perForm(90*time.Second, 8*time.Minute)
	time.Sleep(lasts)
	okta, queries := s.usage(t).since(before)
	t.Logf("with answers that take two minutes: %.1f requests to Okta and %.1f to Loki a minute", okta, queries)
	require.Less(t, okta, 12.0, "six polls a minute")
	require.Less(t, queries, 12.0)
	require.Equal(t, 1, strings.Count(s.alloy.Log(), "reconcile query failed"), "it is told, once")
	require.Positive(t, s.alloy.requireMetric(t, "loki_source_okta_failing_seconds"))

	s.gate.change(func() { s.gate.takes = 0 })
	s.alloy.waitForMetric(t, "loki_source_okta_failing_seconds", 0)
	s.requireDelivered(t, s.settle(t))
}

// Stages that drop events on purpose: what they leave arrives once, what they drop is given up and counted, and looking for it is cheap.
func TestStagesThatDropEvents(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		expression string
		drops      func(event string) bool
	}{
		"one percent": {`\"uuid\":\"0[0-2]`, func(e string) bool {
			return strings.Contains(e, `"uuid":"00`) || strings.Contains(e, `"uuid":"01`) || strings.Contains(e, `"uuid":"02`)
		}},
		"a quarter": {`\"uuid\":\"[0-3]`, func(e string) bool {
			return strings.Contains(e, `"uuid":"0`) || strings.Contains(e, `"uuid":"1`) || strings.Contains(e, `"uuid":"2`) ||
				strings.Contains(e, `"uuid":"3`)
		}},
		"an event type": {`\"eventType\":\"user\\.session\\.start\"`, func(e string) bool {
			return strings.Contains(e, `"eventType":"user.session.start"`)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := strings.Replace(defaults, "forward_to = [loki.write.default.receiver]", "forward_to = [loki.process.default.receiver]", 1) +
				fmt.Sprintf(`
loki.process "default" {
	forward_to = [loki.write.default.receiver]

	stage.drop {
		expression = "%s"
	}
}
`, c.expression)
			s := newTrialAlone(t, config)
			s.alloy.start(t)
			s.waitForMore(t, confirmed, 0)
			before := s.usage(t)
			time.Sleep(perForm(time.Minute, 20*time.Minute))
			okta, queries := s.usage(t).since(before)
			t.Logf("requests a minute: to Okta %.1f, to Loki %.1f", okta, queries)
			require.Less(t, okta, 20.0, "six polls a minute without stages")
			require.Less(t, queries, 45.0)

			var kept []record
			droppedOn := 0
			all := s.end(t)
			for _, r := range all {
				if c.drops(r.line) {
					droppedOn++
				} else {
					kept = append(kept, r)
				}
			}
			require.Positive(t, droppedOn)
			s.waitForAll(t, kept)
			s.alloy.stop(t)
			s.flush(t)
			s.waitForAll(t, kept)
			s.requireDelivered(t, kept)
		})
	}
}

// A wrong selector while a long past is read: it is told soon, whatever the age of the events, the feed does not stop forever, and nothing
// comes twice.
func TestAWrongSelectorDuringABackFill(t *testing.T) {
	t.Parallel()
	n := "3000"
	if long() {
		n = "45000"
	}
	right := strings.Replace(quick, `"2h"`, `"30h"`, 1)
	wrong := strings.Replace(right, "reconcile {\n", "reconcile {\n\t\tselector = `{job=\"nobody\"}`\n", 1)
	s := newTrialAlone(t, wrong, "--backlog="+n, "--backlog-span=24h")
	s.patience = 6 * time.Minute
	s.alloy.start(t)
	began := time.Now()
	message := s.alloy.waitForHealth(t, "unhealthy")
	t.Logf("told after %v: %s", time.Since(began).Round(time.Second), message)
	require.Contains(t, message, `{job="nobody"}`)
	require.Less(t, time.Since(began), 2*time.Minute)
	time.Sleep(perForm(10*time.Second, 12*time.Minute))
	require.Zero(t, s.alloy.requireMetric(t, resent))
	s.reload(t, right)
	s.waitForMore(t, confirmed, 0)
	s.alloy.waitForHealth(t, "healthy")
	s.flush(t)
	s.requireDelivered(t, s.settle(t))
}
