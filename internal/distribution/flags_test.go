package distribution

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
)

// testdata/flags.txt shows, for the reader, what the two tests below compare.
const flagsFile = "testdata/flags.txt"

func TestTheListedFlagsAreThoseOfUpstreamsSource(t *testing.T) {
	got := describe(upstreamFlags(t, true))
	if *update {
		require.NoError(t, os.WriteFile(flagsFile, []byte(got), 0o644))
	}
	want, err := os.ReadFile(flagsFile)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "run this test with -update, and review what upstream changed")
}

func TestFlagsHaveUpstreamsNamesTypesAndDefaults(t *testing.T) {
	ours := make(map[string]*pflag.FlagSet)
	for _, cmd := range Command().Commands() {
		ours[cmd.Name()] = cmd.Flags()
	}
	upstream := upstreamFlags(t, runtime.GOOS == "windows")
	for name := range upstream {
		require.Contains(t, ours, name)
	}
	for name := range ours {
		if _, shared := upstream[name]; !shared {
			delete(ours, name) // components and backfill are compared nowhere: upstream has no such command
		}
	}
	require.Equal(t, describe(upstream), describe(ours))
}

func TestFlagsThatNoRunCouldHonorAreRefused(t *testing.T) {
	config := writeFile(t, "config.alloy", `loki.echo "e" { }`)
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"direct fanout is experimental": {
			[]string{"--feature.prometheus.direct-fanout.enabled"},
			`--feature.prometheus.direct-fanout.enabled needs --stability.level=experimental, not "generally-available"`,
		},
		"GraphQL is experimental": {
			[]string{"--server.http.enable-graphql"},
			`--server.http.enable-graphql needs --stability.level=experimental, not "generally-available"`,
		},
		"so is its playground": {
			[]string{"--server.http.enable-graphql-playground"},
			`--server.http.enable-graphql-playground needs --stability.level=experimental, not "generally-available"`,
		},
		"a format that upstream converts": {
			[]string{"--config.format=promtail"},
			`--config.format "promtail" is not part of alloy-okta, which reads "alloy" only: convert the file first with upstream Alloy (alloy ` +
				`convert --source-format=promtail`,
		},
		"a format that does not exist": {
			[]string{"--config.format=toml"},
			`unknown --config.format "toml": alloy-okta reads "alloy"`,
		},
		"a stability level that does not exist": {
			[]string{"--stability.level=stable"},
			`invalid argument "stable" for "--stability.level" flag`,
		},
		"a flag that does not exist": {
			[]string{"--server.http.port=1"},
			`unknown flag: --server.http.port`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := execute(t, "", append([]string{"run", "--storage.path", t.TempDir(), config}, tc.args...)...)
			require.Equal(t, 1, got.code)
			require.Contains(t, got.stderr, "Error: "+tc.want)
			require.NotContains(t, got.stderr, "ts=", "something was started")
		})
	}
}

// describe prints flags in lines of command, name, shorthand, type, default and
// whether it is deprecated; pflag sorts them by name.
func describe(commands map[string]*pflag.FlagSet) string {
	var out strings.Builder
	for _, command := range []string{"fmt", "run", "validate"} {
		commands[command].VisitAll(func(f *pflag.Flag) {
			if f.Name == "help" {
				return
			}
			fmt.Fprintf(&out, "%s --%s", command, f.Name)
			if f.Shorthand != "" {
				fmt.Fprintf(&out, " -%s", f.Shorthand)
			}
			fmt.Fprintf(&out, " %s %q", f.Value.Type(), f.DefValue)
			if f.Deprecated != "" {
				out.WriteString(" deprecated")
			}
			out.WriteByte('\n')
		})
	}
	return out.String()
}
