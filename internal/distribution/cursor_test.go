package distribution

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

const twoOrgs = `
loki.source.okta "one" {
	url        = "https://acme.okta.com"
	api_token  = "canary-token-one"
	forward_to = [loki.write.w.receiver]
	reconcile { url = "http://127.0.0.1:1/loki/api/v1/push" }
}
loki.source.okta "many" {
	org "beta" {
		url       = "https://beta.okta.com"
		api_token = "canary-token-two"
	}
	org "gamma" {
		url       = "https://gamma.okta.com"
		api_token = "canary-token-three"
	}
	forward_to = [loki.write.w.receiver]
}
loki.write "w" { endpoint { url = "http://127.0.0.1:1/loki/api/v1/push" } }
`

// cursors is a configuration and its storage path.
type cursors struct{ config, storage string }

func newCursors(t *testing.T, config string) cursors {
	t.Helper()
	return cursors{writeFile(t, "config.alloy", config), filepath.Join(t.TempDir(), "data")}
}

// do gives a command: the verb, then more flags and arguments after the path.
func (c cursors) do(t *testing.T, verb string, more ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := Command()
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(append([]string{"cursor", verb, "--storage.path", c.storage, c.config}, more...))
	err := cmd.Execute()
	require.NotContains(t, out.String(), "canary")
	if err != nil {
		require.NotContains(t, err.Error(), "canary")
	}
	return out.String(), err
}

func (c cursors) file(component, host string) string {
	return filepath.Join(c.storage, component, host+".json")
}

func TestACursorIsShownSetAndReset(t *testing.T) {
	c := newCursors(t, twoOrgs)
	shown, err := c.do(t, "show")
	require.NoError(t, err)
	require.Equal(t, 3, strings.Count(shown, "no cursor in"))
	require.NoDirExists(t, c.storage, "showing changes nothing")

	now := time.Now().UTC()
	shown, err = c.do(t, "set", "--since", "48h", "beta.okta.com")
	require.NoError(t, err)
	require.Contains(t, shown, "there was no cursor")
	require.Contains(t, shown, "does not exist yet")

	shown, err = c.do(t, "show", "beta")
	require.NoError(t, err)
	require.Contains(t, shown, now.Add(-48*time.Hour).Format("2006-01-02T15:04"))
	require.NotContains(t, shown, "none", "without reconcile, nothing tells what is in Loki")

	before, err := os.ReadFile(c.file("loki.source.okta.many", "beta.okta.com"))
	require.NoError(t, err)
	for verb, again := range map[string]string{"72h": "come to Loki twice", "240h": "a week by default", "1h": "will not be collected"} {
		shown, err = c.do(t, "set", "--since", verb, "--dry-run", "beta")
		require.NoError(t, err)
		require.Contains(t, shown, again)
		require.Contains(t, shown, "nothing was changed")
	}
	after, err := os.ReadFile(c.file("loki.source.okta.many", "beta.okta.com"))
	require.NoError(t, err)
	require.Equal(t, before, after)

	shown, err = c.do(t, "set", "--since", now.Add(-time.Hour).Format(time.RFC3339), "https://beta.okta.com/")
	require.NoError(t, err)
	require.Contains(t, shown, "is kept as "+c.file("loki.source.okta.many", "beta.okta.com")+".set-aside-")
	state, err := checkpoint.Look(filepath.Dir(c.file("loki.source.okta.many", "beta.okta.com")), "https://beta.okta.com")
	require.NoError(t, err)
	require.Equal(t, now.Add(-time.Hour).Truncate(time.Second), state.Position.Published)
	require.Contains(t, state.Position.Cursor, "https://beta.okta.com/api/v1/logs?")
	require.Equal(t, 1000, state.Scope.PageSize)

	shown, err = c.do(t, "reset", "beta")
	require.NoError(t, err)
	require.Contains(t, shown, "initial_lookback, 1h0m0s ago")
	require.NoFileExists(t, c.file("loki.source.okta.many", "beta.okta.com"))

	// Of an org with reconcile, Loki tells what is there.
	_, err = c.do(t, "set", "--since", "1h", "acme.okta.com")
	require.NoError(t, err)
	shown, err = c.do(t, "show", "acme.okta.com")
	require.NoError(t, err)
	require.Contains(t, shown, "none")
	shown, err = c.do(t, "set", "--since", "2h", "loki.source.okta.one")
	require.NoError(t, err)
	require.Contains(t, shown, "are not delivered again")
	shown, err = c.do(t, "reset", "acme.okta.com")
	require.NoError(t, err)
	require.Contains(t, shown, "what Loki has")
	require.Contains(t, shown, `resume_overlap = "0s"`)
}

func TestACursorIsNotMovedBlindly(t *testing.T) {
	c := newCursors(t, twoOrgs)
	for name, tc := range map[string]struct {
		args []string
		says string
	}{
		"no org named":      {[]string{"set", "--since", "1h"}, "has 3 orgs: name one of"},
		"an unknown org":    {[]string{"set", "--since", "1h", "delta.okta.com"}, `no org "delta.okta.com"`},
		"one of two orgs":   {[]string{"reset", "loki.source.okta.many"}, "means 2 orgs"},
		"no time":           {[]string{"set", "beta"}, `"since" not set`},
		"no such time":      {[]string{"set", "--since", "yesterday", "beta"}, `"yesterday"`},
		"in the future":     {[]string{"set", "--since", "-1h", "beta"}, "in the future"},
		"before all events": {[]string{"set", "--since", "2161h", "beta"}, "Okta keeps events for 90 days"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.do(t, tc.args[0], tc.args[1:]...)
			require.ErrorContains(t, err, tc.says)
			require.NoDirExists(t, c.storage)
		})
	}
}

func TestACursorOfAProcessThatRunsStays(t *testing.T) {
	c := newCursors(t, twoOrgs)
	_, err := c.do(t, "set", "--since", "1h", "beta")
	require.NoError(t, err)
	file := c.file("loki.source.okta.many", "beta.okta.com")
	before, err := os.ReadFile(file)
	require.NoError(t, err)
	lock, err := checkpoint.Acquire(filepath.Dir(file))
	require.NoError(t, err)
	defer lock.Release()
	for _, args := range [][]string{{"set", "--since", "2h", "beta"}, {"reset", "beta"}} {
		_, err = c.do(t, args[0], args[1:]...)
		require.ErrorContains(t, err, "stop it first")
	}
	_, err = c.do(t, "show")
	require.NoError(t, err)
	after, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, before, after)
}

func TestACursorOfNoUseIsShownAndReplaced(t *testing.T) {
	c := newCursors(t, twoOrgs)
	file := c.file("loki.source.okta.many", "beta.okta.com")
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o750))
	require.NoError(t, os.WriteFile(file, []byte("{"), 0o600))
	shown, err := c.do(t, "show")
	require.NoError(t, err)
	require.Contains(t, shown, "corrupt")
	shown, err = c.do(t, "set", "--since", "1h", "beta")
	require.NoError(t, err)
	require.Contains(t, shown, "cannot be used")
	require.Contains(t, shown, "is kept as")
	shown, err = c.do(t, "show", "beta")
	require.NoError(t, err)
	require.NotContains(t, shown, "corrupt")
}

// The program itself goes on where the command says, at the defaults of replay_window and page_size.
func TestTheProgramReadsOnFromACursorThatWasMoved(t *testing.T) {
	org := &oktasim.Org{Token: "right", RateLimit: -1}
	begin := time.Now().Add(-20 * time.Minute).UTC().Truncate(time.Second)
	minute := func(n int) time.Time { return begin.Add(time.Duration(n) * time.Minute) }
	happens := func(n int) {
		org.AppendAt(minute(n), fmt.Appendf(nil, `{"uuid":"event-%d-","published":%q}`, n, minute(n).Format("2006-01-02T15:04:05.000Z")))
	}
	for n := range 10 {
		happens(n)
	}
	server := httptest.NewServer(org)
	defer server.Close()
	c := newCursors(t, `
loki.source.okta "one" {
	url        = "`+server.URL+`"
	api_token  = "right"
	forward_to = [loki.echo.e.receiver]
}
loki.echo "e" { }
`)
	host := strings.TrimPrefix(server.URL, "http://")
	reads := func(from, to int) {
		t.Helper()
		p := start(t, "--stability.level=experimental", "--storage.path", c.storage, c.config)
		p.waitForLog(t, fmt.Sprintf("event-%d-", to-1))
		require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
		require.NoError(t, p.wait())
		for n := range 13 {
			require.Equal(t, n >= from && n < to && n != 11, strings.Contains(p.log.String(), fmt.Sprintf("event-%d-", n)), "event %d", n)
		}
	}
	set := func(since time.Time) {
		t.Helper()
		_, err := c.do(t, "set", "--stability.level=experimental", "--since", since.Format(time.RFC3339), host)
		require.NoError(t, err)
	}
	set(minute(2)) // before anything was collected
	reads(2, 10)
	set(minute(4)) // back
	reads(4, 10)
	happens(10)
	happens(12)
	set(minute(12)) // forward
	reads(12, 13)
	_, err := c.do(t, "reset", "--stability.level=experimental", host)
	require.NoError(t, err)
	reads(0, 13)
}
