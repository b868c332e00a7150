package e2e

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	confirmed = "loki_source_okta_confirmed_events_total"
	resent    = "loki_source_okta_retried_events_total"
	dropped   = "loki_write_dropped_entries_total"
)

// waitForMore waits until a metric is above a value; the feed goes on.
func (s *trial) waitForMore(t *testing.T, name string, than float64) {
	t.Helper()
	for end := time.Now().Add(3 * time.Minute); ; { // a backlog, beside other trials
		value, err := s.alloy.metric(t.Context(), name)
		if err == nil && value > than {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s is %v (%v), expected more than %v", name, value, err, than)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// drop has the gate refuse what is on its way until loki.write gives it up. It leaves the gate as it is then.
func (s *trial) drop(t *testing.T, answer int) {
	t.Helper()
	for range 5 {
		delivered, lost := s.alloy.requireMetric(t, "loki_source_okta_entries_total"), s.alloy.requireMetric(t, dropped)
		s.gate.set(0)
		s.burst(t)
		s.waitForMore(t, "loki_source_okta_entries_total", delivered)
		s.gate.set(answer)
		for range 50 { // retries take two seconds
			if s.alloy.requireMetric(t, dropped) > lost {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
		// It was all sent before the gate changed, and nothing follows: a page with a late event waits for Loki's answer.
	}
	t.Fatal("loki.write drops nothing")
}

// restartLoki has Loki die under load and come back.
func (s *trial) restartLoki(t *testing.T) {
	t.Helper()
	s.gate.set(gone)
	s.loki.Kill()
	s.pass(t, 4*time.Second)
	ctx, cancel := context.WithTimeout(t.Context(), startWithin)
	defer cancel()
	require.NoError(t, s.loki.Start(ctx))
	s.gate.set(0)
	s.pass(t, 3*time.Second)
}

func TestOutagesOfLokiLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	s := newTrial(t, reconciled)
	rounds := 1
	if long() {
		rounds = 6
	}
	s.alloy.start(t)
	for range rounds {
		s.waitForMore(t, confirmed, 0)

		s.restartLoki(t)

		// It refuses pushes for a while, and then cannot be reached, until loki.write gives up and drops what it has.
		for _, answer := range []int{http.StatusTooManyRequests, http.StatusInternalServerError, gone} {
			s.drop(t, answer)
			s.gate.set(0)
			s.pass(t, 3*time.Second)
		}
		s.waitForMore(t, resent, 0)

		// The same again, and alloy-okta dies in the middle of it.
		s.drop(t, gone)
		s.alloy.Kill()
		s.pass(t, 2*time.Second)
		s.alloy.start(t)
		s.pass(t, 4*time.Second)
		s.gate.set(0)
	}
	all := s.settle(t)
	s.requireDelivered(t, all)
}

func TestAStartWaitsForALokiThatCannotBeReached(t *testing.T) {
	t.Parallel()
	s := newTrial(t, reconciled)
	s.gate.set(gone)
	s.alloy.start(t)
	require.Eventually(t, func() bool {
		failed, err := s.alloy.metric(t.Context(), `loki_source_okta_reconcile_queries_total`)
		return err == nil && failed >= 2
	}, time.Minute, 100*time.Millisecond, "it asks and asks again")
	require.Zero(t, s.alloy.requireMetric(t, "loki_source_okta_entries_total"), "nothing is delivered before Loki has said what it has")
	s.gate.set(0)
	all := s.settle(t)
	s.requireDelivered(t, all)
}
