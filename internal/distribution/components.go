package distribution

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/grafana/alloy/internal/component"

	"github.com/grafana/alloy/okta/internal/distribution/components"
)

// componentsCommand prints what components are in this binary, which is what a configuration can name.
func componentsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "components",
		Short: "List the components of this build",
		Long: `components prints the names of the components in this build, one a line, each
with the stability level that a configuration needs to use it.`,
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, name := range component.AllNames() {
				fmt.Fprintf(w, "%s\t%s\n", name, components.Stability(name))
			}
			return w.Flush()
		},
	}
}
