package distribution

import (
	"errors"
	"fmt"
	"maps"
	"slices"

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
	"github.com/grafana/alloy/syntax/ast"
	"github.com/grafana/alloy/syntax/diag"
	"github.com/grafana/alloy/syntax/parser"

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
arguments, the calls of standard functions, and the values of the arguments of
` + ours + ` and ` + ours + `_event_hook. It prints what is wrong, and
then exits with code 1; warnings alone leave it at 0.

It runs nothing, opens no other file and uses no network, so it cannot know
what depends on them: files that arguments name, whether Okta accepts a token
and Loki its entries, what a module contains, and values that other components
export. An environment variable is looked up, and is unknown when it is not set.
What is unknown is taken to be right.`,
		Args:         aPath(1),
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
	diags, err := checkSafely(sources, gate)
	if err != nil {
		return err
	}
	if len(diags) > 0 {
		printDiagnostics(sources, diags)
	}
	if diags.HasErrors() {
		return errors.New("validation failed")
	}
	return nil
}

// checkSafely makes an error of a panic. What check knows to make Alloy panic, it finds before; here is the rest.
func checkSafely(sources map[string][]byte, gate *gateFlags) (diags diag.Diagnostics, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the configuration cannot be checked, which is a defect of %s, please report it: %v", Name, r)
		}
	}()
	return check(sources, gate)
}

// check returns what is wrong with a configuration, warnings included. It reads nothing but the environment.
func check(sources map[string][]byte, gate *gateFlags) (diag.Diagnostics, error) {
	files, diags := parse(sources)
	if diags.HasErrors() {
		return diags, nil
	}
	e := newExpressions(files)
	if e.checkLiterals(); e.diags.HasErrors() {
		return e.sorted(), nil
	}

	registry := component.NewDefaultRegistry(gate.minStability, gate.community)
	err := validator.Validate(validator.Options{
		Sources:            sources,
		ServiceDefinitions: serviceDefinitions(),
		ComponentRegistry:  registry,
		MinStability:       gate.minStability,
	})
	if err = explain(err); err != nil && !errors.As(err, &diags) {
		return nil, err
	}
	e.checkCalls()
	if !diags.HasErrors() && !e.diags.HasErrors() {
		e.checkOurs(registry)
	}
	return append(diags, e.sorted()...), nil
}

// parse parses the files of a configuration, in the order of their names.
func parse(sources map[string][]byte) (files []*ast.File, diags diag.Diagnostics) {
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		err := checkNesting(name, sources[name])
		if err == nil {
			var file *ast.File
			if file, err = parser.ParseFile(name, sources[name]); err == nil {
				files = append(files, file)
				continue
			}
		}
		found, _ := errors.AsType[diag.Diagnostics](err)
		diags.Merge(found)
	}
	return files, diags
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
