// Package syntax holds configurations for alloy-okta, ready to run and to copy from. Each is formatted by `alloy-okta fmt`, accepted by
// `alloy-okta validate`, and run by an end-to-end test (package e2e). The launcher (cmd/quickstart) runs quickstart.alloy and
// terminal.alloy as they are.
//
// All but tenants.alloy and logzio-okta.alloy, whose orgs are in TENANTS_FILE, event-hook-regions.alloy, which reads none, and logzio.alloy,
// a module, take the org from the environment:
//
//	OKTA_URL        https://acme.okta.com
//	OKTA_API_TOKEN  an API token of a user who may read the System Log
//	LOKI_URL        http://localhost:3100, without a path and a slash at the end; not used by terminal.alloy and other destinations than Loki
package syntax

import "embed"

// Files holds the configurations by name, such as quickstart.alloy.
//
//go:embed *.alloy
var Files embed.FS
