// Package trim has what Alloy's otelcol package names of the original.
package trim

// Config is the original's.
type Config struct {
	PreserveLeading, PreserveTrailing bool
}
