package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAWrongSelectorIsToldAndDoublesNothing(t *testing.T) {
	t.Parallel()
	s := newTrial(t, strings.Replace(reconciled, "reconcile {\n", "reconcile {\n\t\tselector = `{job=\"nobody\"}`\n", 1), "--rate=5/s",
		"--backlog=1000")
	s.alloy.start(t)
	message := s.alloy.waitForHealth(t, "unhealthy")
	require.Contains(t, message, `the selector {job="nobody"} finds none of the entries`)
	require.Zero(t, s.alloy.requireMetric(t, confirmed))
	start := s.alloy.savedCursor(t)
	require.Contains(t, start, "since=", "the cursor is still that of the first start")

	// A process that follows sends nothing of it again either.
	for range 2 {
		s.alloy.Kill()
		s.alloy.start(t)
		s.pass(t, 5*time.Second)
	}
	if long() {
		time.Sleep(12 * time.Minute) // longer than loki.write's retries, which proves nothing
	}
	soFar := s.logged(t)
	waitForCount(t, s.loki.Reader(), selector, soFar, 1000, time.Minute) // a page that spans more than the window; then delivery waits
	require.Zero(t, s.alloy.requireMetric(t, resent))
	require.Equal(t, start, s.alloy.savedCursor(t))

	// With the selector put right, what could not be confirmed is.
	s.reload(t, reconciled)
	s.waitForMore(t, confirmed, 0)
	require.Eventually(t, func() bool { return s.alloy.savedCursor(t) != start }, time.Minute, 100*time.Millisecond,
		"the cursor moves once all of a page is confirmed")
	s.alloy.waitForHealth(t, "healthy")
	all := s.settle(t)
	s.requireDelivered(t, all)
}
