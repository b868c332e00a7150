package distribution

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The configuration that image and packages install has its components in modules that it imports. They must not read the live log beside
// the service.
func TestABackfillReachesComponentsInModules(t *testing.T) {
	config := writeFile(t, "config.alloy", `
import.string "inner" {
	content = `+"`"+`declare "collect" {
		loki.source.okta "default" {
			url        = "http://127.0.0.1:1"
			api_token  = "hunter2secret"
			forward_to = [loki.echo.default.receiver]
		}
		loki.echo "default" { }
	}`+"`"+`
}
inner.collect "default" { }
`)
	r := execute(t, "", "backfill", "--since="+ago(3), "--until="+ago(2), "--storage.path="+t.TempDir(),
		"--server.http.listen-addr="+freeAddr(t), "--disable-reporting", config)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "inner.collect.default/loki.source.okta.default has no reconcile block")
	require.NotContains(t, r.stderr, "hunter2secret")
	require.Regexp(t, `^ +0\.0 %  0 delivered, .*\n$`, r.stdout, "how far it is, and no log")
	require.NotContains(t, r.stderr, "0 delivered")
	require.Contains(t, r.stderr, "level=")
}

// What the configuration or the range lacks is said at once, and ends the command.
func TestABackfillThatCannotBeEndsTheCommand(t *testing.T) {
	const source = "loki.echo \"default\" { }\nloki.source.okta \"default\" {\n\turl = \"http://127.0.0.1:1\"\n\tapi_token = \"x\"\n" +
		"\tforward_to = [loki.echo.default.receiver]\n}\n"
	for name, c := range map[string]struct{ config, since, until, want string }{
		"a cluster":       {source, ago(3), ago(2), "--cluster.enabled is set: the other nodes would leave orgs to this one"},
		"no component":    {`loki.echo "default" { }`, ago(3), ago(2), "the configuration has no loki.source.okta with an org"},
		"no reconcile":    {source, ago(3), ago(2), "loki.source.okta.default has no reconcile block"},
		"too long ago":    {source, "2026-01-01", ago(2), "Okta keeps events for 90 days"},
		"backward":        {source, "2099-01-01", "2026-01-02", "since is 2099-01-01: it must be before until, 2026-01-02"},
		"no time":         {source, "yesterday", "2026-01-02", `since is "yesterday": it must be a time such as`},
		"no such file":    {"", "2026-01-01", "2026-01-02", "no such file"},
		"a broken config": {"loki.source.okta", "2026-01-01", "2026-01-02", "could not perform the initial load successfully"},
	} {
		t.Run(name, func(t *testing.T) {
			config := filepath.Join(t.TempDir(), "missing.alloy")
			if c.config != "" {
				config = writeFile(t, "config.alloy", c.config)
			}
			args := []string{"backfill", "--since=" + c.since, "--until=" + c.until, "--storage.path=" + t.TempDir(),
				"--server.http.listen-addr=" + freeAddr(t), "--disable-reporting", config}
			if name == "a cluster" {
				args = append(args, "--cluster.enabled")
			}
			r := execute(t, "", args...)
			require.Equal(t, 1, r.code)
			require.Contains(t, r.stderr, c.want)
		})
	}
}

// ago is a day so many days ago.
func ago(days int) string { return time.Now().UTC().AddDate(0, 0, -days).Format(time.DateOnly) }
