package distribution

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grafana/alloy/internal/build"

	"github.com/grafana/alloy/okta/internal/distribution/components"
)

// Version is the version of this distribution, such as v0.1.0. It is stamped,
// with the variables of upstream's internal/build that describe the build:
//
//	-ldflags "
//	  -X github.com/grafana/alloy/okta/internal/distribution.Version=v0.1.0
//	  -X github.com/grafana/alloy/internal/build.Revision=<commit>
//	  -X github.com/grafana/alloy/internal/build.Branch=<branch>
//	  -X github.com/grafana/alloy/internal/build.BuildUser=<user@host>
//	  -X github.com/grafana/alloy/internal/build.BuildDate=<RFC 3339>"
//
// internal/build.Version is upstream's and needs no stamp: it is the version of the Alloy module in this build, which components send in
// their User-Agent. A revision that is not stamped is the one the go command embedded, if it did.
var Version = "devel"

// Components read build.Version while they are built, so it is set before main (upstream flowcmd/flowcmd.go does the same).
func init() {
	if build.Version == "" || build.Version == "v0.0.0" {
		build.Version = components.Alloy
	}
	if info, ok := debug.ReadBuildInfo(); ok && build.Revision == "" {
		build.Revision = revision(info)
	}
}

// revision returns the commit the go command built from, "" if it did not record one. A tree with changes is marked as such.
func revision(info *debug.BuildInfo) string {
	settings := make(map[string]string, len(info.Settings))
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	commit := settings["vcs.revision"]
	if commit != "" && settings["vcs.modified"] == "true" {
		commit += "-modified"
	}
	return commit
}

// versionText is the output of --version. Its first line has the form of upstream's.
func versionText() string {
	lines := []struct{ key, value string }{
		{"alloy", build.Version},
		{"build user", build.BuildUser},
		{"build date", build.BuildDate},
		{"go version", runtime.Version()},
		{"platform", runtime.GOOS + "/" + runtime.GOARCH},
	}
	orUnknown := func(s string) string { return cmp.Or(s, "unknown") }
	var sb strings.Builder
	fmt.Fprintf(&sb, "%s, version %s (branch: %s, revision: %s)", Name, Version, orUnknown(build.Branch), orUnknown(build.Revision))
	for _, l := range lines {
		fmt.Fprintf(&sb, "\n  %-17s%s", l.key+":", orUnknown(l.value))
	}
	return sb.String()
}

// versionCollectors returns alloy_build_info, which upstream's dashboards read, and alloy_okta_build_info, which names this distribution.
func versionCollectors() []prometheus.Collector {
	return []prometheus.Collector{
		build.NewCollector("alloy"),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "alloy_okta_build_info",
			Help: "A metric with a constant '1' value labeled by version and revision of alloy-okta and the version of Alloy it is built on.",
			ConstLabels: prometheus.Labels{
				"version":  Version,
				"revision": build.Revision,
				"alloy":    build.Version,
			},
		}, func() float64 { return 1 }),
	}
}
