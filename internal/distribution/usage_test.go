package distribution

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// Who mistypes a command is told what it wants, and no code says more than is known: 1 of verify means that events are missing, and 1 of
// doctor that a check failed.
func TestAMisusedCommandSaysWhatItWants(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"run without a path":           {[]string{"run"}, 1, "as in alloy-okta run /etc/alloy-okta/config.alloy"},
		"validate without a path":      {[]string{"validate"}, 1, "as in alloy-okta validate /etc"},
		"backfill without a path":      {[]string{"backfill", "--since=2026-09-01", "--until=2026-09-02"}, 1, "no configuration is named"},
		"cursor show without a path":   {[]string{"cursor", "show"}, 1, "as in alloy-okta cursor show /etc"},
		"doctor without a path":        {[]string{"doctor"}, 2, "as in alloy-okta doctor /etc"},
		"verify without a path":        {[]string{"verify", "--since=3h", "--until=2h"}, 2, "as in alloy-okta verify /etc"},
		"two paths":                    {[]string{"doctor", "a.alloy", "b.alloy"}, 2, `"b.alloy" is not expected`},
		"three for a cursor":           {[]string{"cursor", "show", "a.alloy", "acme", "beta"}, 1, `"beta" is not expected`},
		"verify without a range":       {[]string{"verify", "a.alloy"}, 2, `"since", "until" not set`},
		"verify with no such flag":     {[]string{"verify", "--sinse=3h", "a.alloy"}, 2, "unknown flag: --sinse"},
		"doctor with no such flag":     {[]string{"doctor", "--jsn", "a.alloy"}, 2, "unknown flag: --jsn"},
		"verify with no number":        {[]string{"verify", "--rate-limit-share=half", "a.alloy"}, 2, `"half"`},
		"a back-fill by durations":     {[]string{"backfill", "--since=5h", "--until=2h", "a.alloy"}, 1, `--since is "5h": it must be a time`},
		"whose end is a duration":      {[]string{"backfill", "--since=2026-09-01", "--until=2h", "a.alloy"}, 1, "would be another range each time"},
		"a back-fill of no time":       {[]string{"backfill", "--since=2026-09-01", "--until=now", "a.alloy"}, 1, `--until is "now"`},
		"a back-fill without an until": {[]string{"backfill", "--since=2026-09-01", "a.alloy"}, 1, `"until" not set`},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			cmd := Command()
			cmd.SetOut(&out)
			cmd.SetErr(&out)
			cmd.SetArgs(c.args)
			err := cmd.Execute()
			require.ErrorContains(t, err, c.want)
			require.Equal(t, c.code, ExitCode(err))
			require.NotContains(t, out.String(), "--stability.level", "the flags would hide the reason")
		})
	}
}

func TestHelpLeavesOutWhatACommandRefuses(t *testing.T) {
	for _, name := range []string{"backfill", "verify"} {
		cmd, _, err := Command().Find([]string{name})
		require.NoError(t, err)
		require.NotContains(t, cmd.UsageString(), "--cluster.")
		require.NotNil(t, cmd.Flags().Lookup("cluster.enabled"), "who has it in the flags of a service may give it, and is told")
	}
}
