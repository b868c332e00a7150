// Package operator has what Alloy's otelcol package names of the original.
package operator

import (
	"errors"

	"go.opentelemetry.io/collector/confmap"
)

// Config cannot be read.
type Config struct{}

// Unmarshal returns an error.
func (*Config) Unmarshal(*confmap.Conf) error { return errors.New("not in the slim build") }
