package components

import (
	_ "embed"
	"slices"
	"strings"

	"github.com/grafana/alloy/internal/component"
)

// Alloy is the version of the Alloy module that this build is made of, and the one place in the code that says it. Tests compare
// it with go.mod, and the documents with it.
const Alloy = "v1.19.2"

// Conditional is a component that only some builds contain.
type Conditional struct {
	Name string
	// Needs says, in half a sentence, which builds contain it.
	Needs string
}

// PerPlatform lists the components that depend on how and for what the binary was built, in the order of their names.
var PerPlatform = []Conditional{
	{"discovery.process", "it works on Linux only"},
	{"loki.source.journal", "it reads the journal through libsystemd, which a static binary cannot link; on Linux, with gcc and " +
		"libsystemd-dev installed, make build JOURNAL=1 adds it"},
	{"loki.source.windowsevent", "it works on Windows only"},
	{"prometheus.exporter.unix", "it works on Linux, and on macOS and FreeBSD when built with cgo"},
}

// upstream.txt holds the names of all components of the Alloy version in go.mod. A test compares it with upstream's source.
//
//go:embed upstream.txt
var upstreamNames string

// Upstream reports whether upstream Alloy has a component called name.
func Upstream(name string) bool {
	return slices.Contains(strings.Fields(upstreamNames), name)
}

// Stability returns the stability level of the registered component called name
// as --stability.level spells it, or "community", which has a flag of its own.
func Stability(name string) string {
	r, ok := component.Get(name)
	switch {
	case !ok:
		return ""
	case r.Community:
		return "community"
	default:
		return strings.Trim(r.Stability.String(), `"`)
	}
}
