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

// exited waits for the moment at which a component returns, and finds it in Alloy's log.
func (c *collector) exited(t *testing.T, component string) (at time.Time) {
	t.Helper()
	line := regexp.MustCompile(`(?m)^ts=(\S+) .*msg="node exited without error".* node=` + regexp.QuoteMeta(component) + `$`)
	require.Eventually(t, func() bool {
		match := line.FindStringSubmatch(c.Log())
		if match == nil {
			return false
		}
		var err error
		at, err = time.Parse(time.RFC3339Nano, match[1])
		return err == nil
	}, time.Minute, 20*time.Millisecond)
	return at
}

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
	before := s.alloy.savedCursor(t)

	asked := time.Now()
	require.NoError(t, s.alloy.Signal(syscall.SIGTERM))
	ours := s.alloy.exited(t, "loki.source.okta.default").Sub(asked)
	s.alloy.Kill() // loki.write tries to drain its queue for as long as it is allowed to
	t.Logf("SIGTERM to the end of loki.source.okta, its receiver being blocked: %v", ours.Round(10*time.Microsecond))
	require.Less(t, ours, 2*time.Second)
	require.Equal(t, before, s.alloy.savedCursor(t), "the page was not delivered")
}
