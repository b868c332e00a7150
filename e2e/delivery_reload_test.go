package e2e

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// reload changes the configuration under load, in the middle of a burst when chance wants it, by signal or by HTTP.
func (s *trial) reload(t *testing.T, config string) {
	t.Helper()
	require.NoError(t, os.WriteFile(s.alloy.config, []byte(config), 0o600))
	s.burst(t)
	time.Sleep(time.Duration(s.IntN(600)) * time.Millisecond)
	if s.IntN(2) == 0 {
		require.NoError(t, s.alloy.Signal(syscall.SIGHUP))
		return
	}
	s.alloy.reload(t)
}

// reload has alloy-okta read its configuration again, by HTTP.
func (c *collector) reload(t testing.TB) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+c.addr+"/-/reload", nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
}

func TestReloadsUnderLoadLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(t *testing.T, s *trial, n int) string{
		"poll interval": func(_ *testing.T, _ *trial, n int) string {
			return strings.ReplaceAll(reconciled, `"500ms"`, fmt.Sprintf(`"%dms"`, 300+50*(n%5)))
		},
		"token": func(t *testing.T, s *trial, n int) string {
			next := fmt.Sprintf("%s%d", token, n)
			s.okta.control(t, http.MethodPost, "token?value="+next)
			return strings.ReplaceAll(reconciled, `sys.env("OKTA_API_TOKEN")`, fmt.Sprintf("%q", next))
		},
		"labels": func(_ *testing.T, _ *trial, n int) string {
			return stage(n)
		},
		"receivers": func(_ *testing.T, _ *trial, n int) string {
			if n%2 == 1 {
				return reconciled
			}
			return strings.ReplaceAll(reconciled, "[loki.write.default.receiver]", "[loki.write.default.receiver, loki.process.third.receiver]") +
				third
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reloads := 5
			if long() {
				reloads = 40
			}
			s := newTrial(t, reconciled)
			s.alloy.start(t)
			for n := range reloads {
				s.pass(t, 2*time.Second)
				s.reload(t, change(t, s, n))
			}
			all := s.settle(t)
			s.requireDelivered(t, all)
			require.Equal(t, len(all), s.second.entries(), "a reload replays nothing")
		})
	}
}

// third takes entries as slowly as a pipeline with stages does.
const third = `
loki.process "third" {
	forward_to = []

	stage.json {
		expressions = { uuid = "event.uuid" }
	}
}
`

// stage is reconciled with a label that is another one each time.
func stage(n int) string {
	return strings.ReplaceAll(reconciled, "\tforward_to", fmt.Sprintf("\tlabels = {stage = \"%d\"}\n\tforward_to", n))
}
