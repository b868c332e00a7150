// Package check holds the documentation in docs/ against the code: what a reference page leaves out, calls otherwise, or promises
// without the code keeping it, fails a test. It has no code of its own.
package check
