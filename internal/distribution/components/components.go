// Package components is the table of contents of alloy-okta: importing it registers every component this build contains, and nothing else.
// A component is added or removed by one line here, or in full.go. The names that result are pinned by testdata/components.txt, and
// docs/components.md is generated from them:
//
//	go test ./internal/distribution/components -update
//
// A name is registered only where the component works. What needs a platform or a build tag has a file of its own (process_linux.go,
// journal.go, windowsevent_windows.go, unixexporter.go) and an entry in [PerPlatform], instead of the stub upstream puts in its place, which accepts a
// configuration and then does nothing.
//
// Left out on purpose: everything that has no part in collecting logs, storing secrets, or watching the collector itself, and pyroscope.*,
// for which the version of ebpf-profiler that Alloy pins is not published.
//
// Costly and in all the same, because upstream's configurations use them: peer discovery in clouds (--cluster.discover-peers), 17.5 MB
// of the binary and 96 of its 3,100 packages, and loki.source.gelf, 4.9 MB and 61. Both compile the clouds' SDKs, 289 of 931 CPU seconds.
//
// With the build tag slim, for `make run`, both are missing, and so is all else of full.go that the configurations of `make run` and
// `make demo` do not name, OpenTelemetry's and Kubernetes' components above all. tools/slim stands in for what Alloy imports of them in
// every build.
package components

import (
	// Okta: the reason for this build.
	_ "github.com/grafana/alloy/okta/component/loki/source/okta"            // loki.source.okta
	_ "github.com/grafana/alloy/okta/component/loki/source/okta_event_hook" // loki.source.okta_event_hook
	_ "github.com/grafana/alloy/okta/component/loki/stdout"                 // loki.stdout
	_ "github.com/grafana/alloy/okta/component/okta/environment"            // okta.environment

	// loki.*: processing and delivery.
	_ "github.com/grafana/alloy/internal/component/loki/echo"    // loki.echo
	_ "github.com/grafana/alloy/internal/component/loki/relabel" // loki.relabel
	_ "github.com/grafana/alloy/internal/component/loki/write"   // loki.write

	// local.* and remote.*: secrets and configuration from elsewhere.
	_ "github.com/grafana/alloy/internal/component/local/file"       // local.file
	_ "github.com/grafana/alloy/internal/component/local/file_match" // local.file_match
	_ "github.com/grafana/alloy/internal/component/remote/http"      // remote.http
)
