// Package testbed runs the real programs that stand around the component: alloy-okta itself, oktasim, and a Loki with everything
// needed to read it back. The end-to-end tests and `make run` and `make demo` share it, so what a stranger sees in the demo is
// what the tests prove.
//
// A Process is a child of this program and never outlives it: on Linux the kernel kills it when its parent dies, however the
// parent dies. It runs in a process group of its own, so that a Ctrl-C at the terminal reaches the parent alone, which then ends
// its children in the order it wants. Nothing here ends a process that it did not start.
//
// The Reader asks Loki over its HTTP API and returns entries exactly as stored. It is the judge of the delivery proofs, so
// it is written to be complete rather than quick: it pages without losing entries that share a timestamp, and it says so when
// it cannot.
package testbed
