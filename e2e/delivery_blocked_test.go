package e2e

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"
)

// blackHole takes requests and answers none before the test ends.
func blackHole(t *testing.T) string {
	t.Helper()
	ended := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-ended }))
	t.Cleanup(func() {
		close(ended)
		server.Close()
	})
	return server.URL
}

var exitLine = regexp.MustCompile(`(?m)^ts=\S+ .*msg="node exited without error".* node=(\S+)$`)

// exited waits until a component returned, and gives those that did before it, in the order of Alloy's log.
func (c *collector) exited(t *testing.T, component string) (before []string) {
	t.Helper()
	require.Eventually(t, func() bool {
		before = nil
		for _, match := range exitLine.FindAllStringSubmatch(c.Log(), -1) {
			if match[1] == component {
				return true
			}
			before = append(before, match[1])
		}
		return false
	}, time.Minute, 20*time.Millisecond)
	return before
}

// A stop waits for no receiver: loki.source.okta ends before loki.write does, which drains its queue for as long as it is allowed to.
func TestAStopWhileTheReceiverIsBlockedIsPrompt(t *testing.T) {
	t.Parallel()
	s := newTrial(t, strings.Replace(second, `"second"`, `"default"`, 1), "--backlog=30000", "--rate=0/s")
	s.alloy.env = append(s.alloy.env, "SECOND_URL="+blackHole(t))
	s.alloy.start(t)
	// 30,000 events are more than loki.write's queue of 10 MB holds.
	require.Eventually(t, func() bool {
		body, err := s.alloy.ask(t.Context(), "/api/v0/web/components/loki.source.okta.default")
		return err == nil && strings.Contains(gjson.GetBytes(body, "debugInfo").Raw, "receiver blocked since")
	}, 2*time.Minute, 200*time.Millisecond)
	cursor := s.alloy.savedCursor(t)

	require.NoError(t, s.alloy.Signal(syscall.SIGTERM))
	before := s.alloy.exited(t, "loki.source.okta.default")
	s.alloy.Kill() // loki.write goes on draining
	require.NotContains(t, before, "loki.write.second")
	require.Equal(t, cursor, s.alloy.savedCursor(t), "the page was not delivered")
}
