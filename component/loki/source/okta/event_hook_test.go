// option: event_hook, orgs

package okta

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/internal/component/common/loki"

	"github.com/grafana/alloy/okta/internal/oktasim"
)

const hookSecret = "hunter2secret of the hook"

// hookBlock is an event_hook block with one line more.
func hookBlock(line string) string {
	return fmt.Sprintf("event_hook {\n secrets = [%q]\n http { listen_port = 0 }\n %s\n}\n", hookSecret, line)
}

// eventOf is an event of now, as the log has it.
func eventOf(uuid string) []byte {
	return fmt.Appendf(nil, `{"uuid":%q,"eventType":"user.session.start","published":%q}`, uuid, time.Now().UTC().Format("2006-01-02T15:04:05.000Z"))
}

// post sends a hook that announces an event.
func (s *site) post(t *testing.T, path string) int {
	t.Helper()
	until(t, "the listener is there", func() bool { return s.of.hooks.Addr() != nil })
	r, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+s.of.hooks.Addr().String()+path,
		strings.NewReader(`{"data":{"events":[{"uuid":"u1"}]}}`))
	require.NoError(t, err)
	r.Header.Set("Authorization", hookSecret)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode
}

func TestAHookWakesTheOrgOfItsPath(t *testing.T) {
	a, b := &oktasim.Org{Token: "right"}, &oktasim.Org{Token: "right"}
	hosts := []string{serving(t, a), serving(t, b)}
	orgs := `orgs = [` + entry("a", hosts[0]) + ", " + entry("b", hosts[1]) + `, ` + entry("not a path", "127.0.0.1:1") + "]\n"
	s := runs(t, `poll_interval = "1h"`+"\n"+orgs+hookBlock(""))
	until(t, "both were polled", func() bool {
		return len(a.Requests()) > 0 && len(b.Requests()) > 0 && s.rows()[1].LastPoll.After(time.Time{})
	})
	before := len(a.Requests())
	b.Append(eventOf("u1"))
	require.Equal(t, 204, s.post(t, "/okta/b"))
	e := s.take(t)
	require.Contains(t, e.Line, "u1")
	require.Equal(t, hosts[1], string(e.Labels["org"]))
	require.Len(t, a.Requests(), before, "the other org sleeps on")
	require.Equal(t, 404, s.post(t, "/okta/c"))
	require.Equal(t, 404, s.post(t, "/okta/not%20a%20path"))

	info := s.DebugInfo().(orgsInfo).More.EventHook
	require.Equal(t, s.of.hooks.Addr().String(), info.Address)
	require.Equal(t, []string{"/okta/a", "/okta/b"}, info.Paths[:2])
	all := s.everything(t)
	require.NotContains(t, all, hookSecret)
	require.Contains(t, all, "its name cannot be part of a path")

	plan := s.current()[0].plan.Load()
	require.NoError(t, s.reload(t, `poll_interval = "1h"`+"\n"+orgs))
	until(t, "the port is closed", func() bool { return s.of.hooks.Addr() == nil })
	require.Same(t, plan, s.current()[0].plan.Load(), "the orgs notice nothing of it")
	require.Nil(t, s.DebugInfo().(orgsInfo).More.EventHook)
}

// Okta sends the secret with the verification: a wrong one is refused there, not only with every delivery after it.
func TestAHookWithAWrongSecretIsNotVerified(t *testing.T) {
	org := &oktasim.Org{Token: "right"}
	s := runs(t, `poll_interval = "1h"`+"\norgs = ["+entry("a", serving(t, org))+"]\n"+hookBlock(""))
	until(t, "the listener is there", func() bool { return s.of.hooks.Addr() != nil })
	at := "http://" + s.of.hooks.Addr().String() + "/okta/a/"
	require.Error(t, org.Hook(t.Context(), at, "Authorization", hookSecret+"!"))
	require.Contains(t, s.everything(t), `msg="event hook refused: its secret is none of those configured" org=a verification=true`)
	require.Error(t, org.Hook(t.Context(), at, "X-Hook", hookSecret))
	require.NoError(t, org.Hook(t.Context(), at, "Authorization", hookSecret))
	require.NotContains(t, s.everything(t), hookSecret)
}

func TestOneOrgListensBelowItsHost(t *testing.T) {
	org := &oktasim.Org{Token: "right"}
	host := serving(t, org)
	s := runs(t, fmt.Sprintf("url = %q\napi_token = \"right\"\npoll_interval = \"1h\"\n", "http://"+host)+hookBlock(`path = "/hooks/"`))
	until(t, "it was polled", func() bool { return len(org.Requests()) > 0 })
	org.Append(eventOf("u1"))
	path := s.DebugInfo().(debugInfo).Whole.EventHook.Paths[0]
	require.Equal(t, "/hooks/"+host, path)
	require.Equal(t, 204, s.post(t, path))
	require.Contains(t, s.take(t).Line, "u1")
}

// A port that is in use is reported and tried again; Alloy starts and polls.
func TestATakenPortDoesNotStopPolling(t *testing.T) {
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	host := orgOf(t, 3)
	s := runs(t, list(entry("a", host))+strings.Replace(hookBlock(""), "listen_port = 0",
		fmt.Sprintf("listen_port = %d", taken.Addr().(*net.TCPAddr).Port), 1))
	s.takeFrom(t, 3, host)
	until(t, "it is unhealthy", func() bool { return s.CurrentHealth().Health == component.HealthTypeUnhealthy })
	require.Contains(t, s.CurrentHealth().Message, "event hooks cannot be received, retrying; polling goes on: listening: listen tcp")
	require.Contains(t, s.DebugInfo().(orgsInfo).More.EventHook.Error, "listen tcp")
}

func TestBadEventHooksAreRefused(t *testing.T) {
	for want, line := range map[string]string{
		"settle is 1ms: it must be between":    `settle = "1ms"`,
		`path "okta/": it must begin`:          `path = "okta"`,
		`header "a b": it must be a header's`:  `header = "a b"`,
		"secrets is empty":                     "",
		"secrets[0]: a secret has 3 bytes":     "",
		"missing required attribute \"secrets": "",
	} {
		block := hookBlock(line)
		switch {
		case strings.HasPrefix(want, "missing"):
			block = "event_hook { }\n"
		case want == "secrets is empty":
			block = "event_hook { secrets = [] }\n"
		case strings.HasPrefix(want, "secrets[0]"):
			block = "event_hook { secrets = [\"abc\"] }\n"
		}
		_, err := evaluate(t, minimal+block)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), hookSecret)
	}
}

// What cannot be done as a whole is not done in part.
func TestAnUpdateIsAllOrNothing(t *testing.T) {
	host := orgOf(t, 2)
	s := runs(t, list(entry("a", host)))
	s.takeFrom(t, 2, host)
	before, plan := s.arguments(), s.current()[0].plan.Load()
	args, err := evaluate(t, "forward_to = [receiver]\npage_size = 7\n"+list(entry("a", host), entry("b", orgOf(t, 1))))
	require.NoError(t, err)
	args.ForwardTo = []loki.LogsReceiver{s.receiver}
	args.Options.EventHook = &EventHook{Path: "/okta"} // which Validate would have refused: no secret
	require.ErrorContains(t, s.Update(args), "event_hook")
	require.Same(t, before, s.arguments())
	require.Len(t, s.current(), 1)
	require.Same(t, plan, s.current()[0].plan.Load(), "its poller goes on")
	require.Len(t, seriesOf(t, s.registry), 1, "an org that is not collected has no series")
}
