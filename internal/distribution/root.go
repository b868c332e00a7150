package distribution

import (
	"github.com/spf13/cobra"

	// Register the components of this build.
	_ "github.com/grafana/alloy/okta/internal/distribution/components"

	// Trust anchors for machines without a certificate store, such as an empty container image (upstream flowcmd/flowcmd.go).
	_ "golang.org/x/crypto/x509roots/fallback"
)

// Name is the name of the product and of its binary.
const Name = "alloy-okta"

// Command returns the root command. It follows upstream's internal/alloycli/alloycli.go: without a subcommand it prints its usage.
func Command() *cobra.Command {
	cmd := &cobra.Command{
		Use:     Name + " [global options] <subcommand>",
		Short:   "Grafana Alloy with loki.source.okta",
		Version: versionText(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmd.Usage()
		},
	}
	cmd.SetVersionTemplate("{{ .Version }}\n")

	cmd.AddCommand(
		runCommand(),
		backfillCommand(),
		fmtCommand(),
		validateCommand(),
		cursorCommand(),
		doctorCommand(),
		verifyCommand(),
		componentsCommand(),
	)
	return cmd
}
