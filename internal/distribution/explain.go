package distribution

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/grafana/alloy/internal/build"
	"github.com/grafana/alloy/syntax/diag"

	"github.com/grafana/alloy/okta/internal/distribution/components"
)

// unknownComponent is upstream's message for a name that nothing registered (internal/component/registry.go). It may be part of a longer
// one, when the name stands in a module.
var unknownComponent = regexp.MustCompile(`cannot find the definition of component name "([^"]+)"`)

// explain adds to diagnostics about unknown components why this build does not know them. The result prints all diagnostics, where
// diag.Diagnostics prints its first and a count, because the log of a reload holds nothing else. An error without diagnostics is returned
// as it is.
func explain(err error) error {
	diags, ok := errors.AsType[diag.Diagnostics](err)
	if !ok {
		return err
	}
	explained := slices.Clone(diags)
	for i := range explained {
		explained[i].Message = explainMessage(explained[i].Message)
	}
	return configError{explained}
}

func explainMessage(message string) string {
	return unknownComponent.ReplaceAllStringFunc(message, func(found string) string {
		return found + ": " + absence(unknownComponent.FindStringSubmatch(found)[1])
	})
}

// absence tells why the component called name is not registered.
func absence(name string) string {
	const list = `run "` + Name + ` components" or see docs/components.md for the list`
	for _, p := range components.PerPlatform {
		if p.Name == name {
			return fmt.Sprintf("it is not part of this build of %s: %s; %s", Name, p.Needs, list)
		}
	}
	if components.Upstream(name) {
		return fmt.Sprintf("it is not part of this build: upstream Alloy %s has it, %s leaves it out; %s", build.Version, Name, list)
	}
	return fmt.Sprintf("it is not part of this build, nor of upstream Alloy %s: is the name misspelled, or its declare or import block "+
		"missing?; %s", build.Version, list)
}

// configError is the diagnostics of a configuration as one error.
type configError struct {
	diags diag.Diagnostics
}

func (e configError) Error() string { return e.diags.AllMessages() }
func (e configError) Unwrap() error { return e.diags }
