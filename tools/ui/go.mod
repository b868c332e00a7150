// Whose web interface is built: Alloy v1.15.1's, and not that of the version in the main go.mod. From v1.16 on the interface
// wants the npm package @grafana/alloy-pipeline-graph, which no public registry serves. The routes of the API that the pages call
// are the same in both versions; e2e/browser proves it in a browser.
//
// No Go is compiled here: build.sh only copies internal/web/ui out of the module. So there is nothing to import, and
// `go mod tidy` would drop the line.
module github.com/grafana/alloy/okta/tools/ui

go 1.26.7

require github.com/grafana/alloy v1.15.1
