// Command alloy-okta is Grafana Alloy with loki.source.okta and a curated set of
// upstream's components. See package distribution.
package main

import (
	"os"

	"github.com/grafana/alloy/okta/internal/distribution"
)

func main() {
	// Cobra has already printed the error.
	os.Exit(distribution.ExitCode(distribution.Command().Execute()))
}
