package distribution

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/grafana/alloy/internal/component/prometheus/remotewrite"

	// Register the components of this build.
	_ "github.com/grafana/alloy/okta/internal/distribution/components"

	// Trust anchors for machines without a certificate store, such as an empty
	// container image (upstream flowcmd/flowcmd.go).
	_ "golang.org/x/crypto/x509roots/fallback"
)

// Name is the name of the product and of its binary.
const Name = "alloy-okta"

// Command returns the root command. It follows upstream's
// internal/alloycli/alloycli.go: without a subcommand it prints its usage.
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
		componentsCommand(),
		toolsCommand(),
		gqlCommand(),
		convertCommand(),
	)
	return cmd
}

// toolsCommand holds upstream's utilities for the components of this build:
// those that inspect the write-ahead log of prometheus.remote_write
// (internal/alloycli/cmd_tools.go).
func toolsCommand() *cobra.Command {
	remoteWrite := &cobra.Command{
		Use:   "prometheus.remote_write",
		Short: "Tools for the prometheus.remote_write component",
	}
	remotewrite.InstallTools(remoteWrite)

	cmd := &cobra.Command{
		Use:   "tools",
		Short: "Utilities for some of the components",
	}
	cmd.AddCommand(remoteWrite)
	return cmd
}

// convertCommand exists to explain its absence: upstream's converters import
// every component.
func convertCommand() *cobra.Command {
	return &cobra.Command{
		Use:                "convert",
		Short:              "Not part of this build: use upstream Alloy's convert",
		DisableFlagParsing: true,
		SilenceUsage:       true,
		RunE: func(*cobra.Command, []string) error {
			return fmt.Errorf("convert is not part of %s, which reads the alloy format only: convert the file with upstream Alloy (alloy convert),"+
				" then check it with %s validate", Name, Name)
		},
	}
}
