// Package split has what Alloy's otelcol package names of the original.
package split

// Config is the original's.
type Config struct {
	LineStartPattern, LineEndPattern string
	OmitPattern                      bool
}
