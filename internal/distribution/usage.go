package distribution

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// aPath wants the path of a configuration, and allows so many arguments in all. Cobra's own refusal counts arguments and names none.
func aPath(most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return fmt.Errorf("no configuration is named: give its path, as in %s %s", cmd.CommandPath(), "/etc/alloy-okta/config.alloy")
		case len(args) > most:
			return fmt.Errorf("too many arguments, %q is not expected: see %s --help", args[most], cmd.CommandPath())
		}
		return nil
	}
}

// misused has a command end with a code of its own when its flags or arguments are wrong: for one whose code 1 is an answer.
func misused(cmd *cobra.Command, code int) {
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return exitError{err, code} })
	check := cmd.Args
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		err := check(cmd, args)
		if err == nil {
			err = cmd.ValidateRequiredFlags()
		}
		if err != nil {
			return exitError{err, code}
		}
		return nil
	}
}

// withoutCluster leaves the cluster's flags out of a command's help: the command is of no cluster, and says so to who sets them.
func withoutCluster(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) { f.Hidden = f.Hidden || strings.HasPrefix(f.Name, "cluster.") })
}
