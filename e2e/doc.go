// Package e2e proves alloy-okta from the outside: the built binary, a simulated Okta org (oktasim), a real Loki, and nothing of
// ours in between. What these tests claim, they read back through Loki's own query API.
//
// They run as part of `go test ./...`; `make e2e` (OKTA_E2E=long) runs the long forms. The programs come from the environment
// (ALLOY_OKTA_BIN, OKTASIM_BIN, LOKI_BIN, LOGCLI_BIN, QUICKSTART_BIN), as `make test` sets it, or else from build/. A program that is
// missing fails the test with the command that builds it; nothing is skipped.
//
// Every test has its own folder, ports and processes, and ends what it started, also when it fails. When it fails, the ends of
// the programs' logs are printed and the folder is named.
package e2e
