package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"github.com/grafana/alloy/okta/internal/testbed"
)

// Okta reaches any node, and the node that reads the org polls at once: nobody else would for an hour.
func TestAHookToAnyNodeWakesTheOwner(t *testing.T) {
	t.Parallel()
	s := startClusterOf(t, 1, func(config string) string {
		return strings.Replace(config, `poll_interval = "500ms"`, `poll_interval = "1h"
	event_hook {
		secrets = ["`+acmeSecret+`"]
		http {
			listen_port = 0
		}
	}`, 1)
	})
	require.Eventually(t, func() bool { return s.requests()[0] > 0 }, time.Minute, 20*time.Millisecond, "the first poll")
	for i, node := range s.running() {
		uuid := fmt.Sprintf("hooked-%d", i)
		event := fmt.Sprintf(`{"uuid":%q,"eventType":"user.session.start","published":%q}`, uuid, time.Now().UTC().Format("2006-01-02T15:04:05.000Z"))
		s.orgs[0].Append([]byte(event))
		require.Equal(t, http.StatusNoContent, announce(t, node, "/okta/o0", uuid))
		require.Eventually(t, func() bool {
			held, err := s.loki.Reader().Entries(t.Context(), selector, time.Now().Add(-time.Hour), time.Now().Add(time.Minute))
			require.NoError(t, err)
			for _, e := range held {
				if gjson.Get(e.Line, "event.uuid").Str == uuid {
					return true
				}
			}
			return false
		}, time.Minute, 50*time.Millisecond, "a hook to %s", node.Name)
	}
}

// announce sends a hook to a node.
func announce(t *testing.T, n *testbed.Node, path, uuid string) int {
	t.Helper()
	node := collectorOf(n)
	var addr []string
	require.Eventually(t, func() bool {
		addr = listening.FindStringSubmatch(node.fetch(t, detail))
		return addr != nil
	}, time.Minute, 20*time.Millisecond)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr[1]+path,
		strings.NewReader(fmt.Sprintf(`{"data":{"events":[{"uuid":%q}]}}`, uuid)))
	require.NoError(t, err)
	r.Header.Set("Authorization", acmeSecret)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode
}
