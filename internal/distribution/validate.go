package distribution

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/internal/service"
	"github.com/grafana/alloy/internal/service/cluster"
	httpservice "github.com/grafana/alloy/internal/service/http"
	"github.com/grafana/alloy/internal/service/labelstore"
	"github.com/grafana/alloy/internal/service/livedebugging"
	otelservice "github.com/grafana/alloy/internal/service/otel"
	"github.com/grafana/alloy/internal/service/remotecfg"
	"github.com/grafana/alloy/internal/validator"
	"github.com/grafana/alloy/syntax/diag"

	"github.com/grafana/alloy/okta/internal/distribution/ui"
)

// validateCommand follows upstream's internal/alloycli/cmd_validate.go.
func validateCommand() *cobra.Command {
	var (
		config configFlags
		gate   gateFlags
	)
	cmd := &cobra.Command{
		Use:   "validate [flags] path",
		Short: "Check a configuration without running it",
		Long: `validate checks the configuration at path, a file or a directory as for run,
against the components of this build: its syntax, the names of its blocks and
arguments, and the values of the arguments. It prints what is wrong, and then
exits with code 1.

It runs nothing, opens no other file and uses no network, so it cannot know
what depends on them: files that arguments name, whether Okta accepts a token
and Loki its entries, what a module contains, and values that other components
export. An environment variable is looked up, and is unknown when it is not set.
What is unknown is taken to be right in loki.source.okta; a block of another
component is checked when all of its values are known.`,
		Args:         cobra.ExactArgs(1),
		SilenceUsage: true,
		RunE: func(_ *cobra.Command, args []string) error {
			return validate(&config, &gate, args[0])
		},
	}
	config.register(cmd.Flags())
	gate.register(cmd.Flags())
	return cmd
}

func validate(config *configFlags, gate *gateFlags, path string) error {
	if err := config.check(); err != nil {
		return err
	}
	sources, err := readSources(path)
	if err != nil {
		return err
	}

	registry := component.NewDefaultRegistry(gate.minStability, gate.community)
	err = validator.Validate(validator.Options{
		Sources:            sources,
		ServiceDefinitions: serviceDefinitions(),
		ComponentRegistry:  registry,
		MinStability:       gate.minStability,
	})
	if err == nil {
		err = checkValues(sources, registry)
	}
	if err == nil {
		return nil
	}
	if diags, ok := errors.AsType[diag.Diagnostics](explain(err)); ok {
		printDiagnostics(sources, diags)
		return errors.New("validation failed")
	}
	return err
}

// serviceDefinitions describes the services that newDaemon runs, whose blocks a
// configuration may hold. A definition does not depend on the service's options.
func serviceDefinitions() []service.Definition {
	services := []service.Service{
		&cluster.Service{},
		&httpservice.Service{},
		&labelstore.Service{},
		&livedebugging.Service{},
		&otelservice.Service{},
		&remotecfg.Service{},
		&ui.Service{},
	}
	definitions := make([]service.Definition, len(services))
	for i, s := range services {
		definitions[i] = s.Definition()
	}
	return definitions
}
