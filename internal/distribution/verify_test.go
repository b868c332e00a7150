package distribution

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheRangeToVerify(t *testing.T) {
	now := time.Date(2026, 11, 30, 8, 0, 0, 900_000_000, time.UTC)
	for name, c := range map[string]struct{ since, until, want string }{
		"90 days":         {"2160h", "2h", ""},
		"a second more":   {"2160h1s", "2h", "Okta keeps events for 90 days"},
		"90 days, a time": {"2026-09-01T08:00:00Z", "2h", ""},
		"backward":        {"2h", "3h", "it must be before --until"},
		"too young":       {"3h", "30m", "it must be at least 1h0m0s ago"},
	} {
		t.Run(name, func(t *testing.T) {
			f := verifyFlags{since: c.since, until: c.until, slack: time.Hour}
			_, _, err := f.bounds(now)
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
		})
	}
}

// The same command with durations names another range each time, and finds less missing. What was begun is finished as it was.
func TestAnInterruptedRepairGoesOnAsItBegan(t *testing.T) {
	f := verifyFlags{share: 0.1}
	f.run.storagePath = filepath.Join(t.TempDir(), "new")
	r, err := readRepair(f.repairFile())
	require.NoError(t, err)
	require.Nil(t, r)
	begun := repair{
		Since: time.Date(2026, 11, 29, 5, 0, 0, 0, time.UTC), Until: time.Date(2026, 11, 29, 7, 0, 0, 0, time.UTC),
		Wanted: []wantedOrg{{"loki.source.okta.a", "acme.okta.com"}},
	}
	require.NoError(t, begun.write(f.repairFile()))
	later := verifyFlags{share: 0.1, run: f.run, since: "20h", until: "1h"}
	r, err = readRepair(later.repairFile())
	require.NoError(t, err)
	require.Equal(t, begun, *r)
	require.Equal(t, f.repairFolder(), later.repairFolder())
	only := later.only(*r)
	require.Equal(t, "2026-11-29T05:00:00Z", only.Since)
	require.Equal(t, "2026-11-29T07:00:00Z", only.Until)
	require.Equal(t, 0.1, only.RateLimitShare)
	require.True(t, only.Wanted("loki.source.okta.a", "acme.okta.com"))
	require.False(t, only.Wanted("loki.source.okta.b", "acme.okta.com"))
}

// It is finished before anything is compared.
func TestARepairThatCannotGoOnIsTold(t *testing.T) {
	config := writeFile(t, "config.alloy", `loki.echo "default" { }
loki.source.okta "default" {
	url        = "http://127.0.0.1:1"
	api_token  = "hunter2secret"
	forward_to = [loki.echo.default.receiver]
	reconcile { url = "http://127.0.0.1:1" }
}
`)
	for name, c := range map[string]struct{ file, want string }{
		"cut":     {`{"since":`, "is not a repair that was interrupted"},
		"empty":   {`{}`, "it has no range or no org"},
		"too old": {`{"since":"2020-01-01T00:00:00Z","until":"2020-01-02T00:00:00Z","wanted":[{"component":"x","org":"y"}]}`, "repair.json"},
	} {
		t.Run(name, func(t *testing.T) {
			storage := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(storage, "repair.json"), []byte(c.file), 0o600))
			r := execute(t, "", "verify", "--repair", "--since=24h", "--until=2h", "--storage.path="+storage,
				"--server.http.listen-addr="+freeAddr(t), "--disable-reporting", config)
			require.Equal(t, 1, r.code, r.stderr)
			require.Contains(t, r.stderr, c.want)
			require.Empty(t, r.stdout)
			require.FileExists(t, filepath.Join(storage, "repair.json"))
		})
	}
	r := execute(t, "", "verify", "--idle-since=2099-01-01", "--since=24h", "--until=2h", config)
	require.Equal(t, 2, r.code)
	require.Contains(t, r.stderr, "--idle-since is 2099-01-01T00:00:00Z: it must be in the past")
	r = execute(t, "", "verify", "--rate-limit-share=0.5", "--since=24h", "--until=2h", config)
	require.Equal(t, 2, r.code)
	require.Contains(t, r.stderr, "below rate_limit_share")
}
