// Package browser proves what an operator sees: Alloy's own interface, served by the built alloy-okta, opened in a real Chromium, on a
// simulated org whose token gets revoked.
//
// alloy-okta and oktasim come from the environment (ALLOY_OKTA_BIN, OKTASIM_BIN), as `make test` sets it, or else from build/, which
// make brings up to date first. A missing Chromium, or a binary without the UI, fails the tests and says what to do; nothing is skipped.
//
// With SCREENSHOTS=folder (`make screenshots`) the pictures of docs/images are written there.
package browser
