// Package distribution is alloy-okta, a custom build of Grafana Alloy: the command line, the wiring of Alloy's runtime and services, and
// the diagnostics for components that this build leaves out.
//
// The contract is upstream's. run, fmt and validate take the flags of upstream's with its defaults, so its Helm chart, systemd unit and
// documentation apply; a test compares the flags with upstream's source. Upstream's other commands work on any configuration and any
// process: any alloy has them. Where this build departs from upstream, it says so when it is asked:
//
//   - Only the components of package components are registered. A configuration
//     that names another is refused with a diagnostic that tells whether upstream
//     has it and where the list is. A pipeline that remotecfg fetches is refused
//     as well; there the log has upstream's words alone.
//   - Only the alloy configuration format is read. Converting from other formats
//     would link all of upstream's components; other values of --config.format
//     are refused before anything starts.
//   - Usage is never reported. --disable-reporting is accepted.
//   - The UI is upstream's, embedded by package ui when it was built.
//
// Upstream's own command, internal/alloycli, imports every component there is and cannot be linked here, so this package restates its
// wiring against the same runtime and services. Each file names the upstream file it follows, which is where to look when the Alloy version
// is raised.
//
// Exit codes: 0 after a clean stop, 1 after any error.
package distribution
