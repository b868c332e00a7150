//go:build !slim && (linux || (cgo && !windows))

package components

import (
	// It asks the system through C, but for Linux; on Windows it does nothing.
	_ "github.com/grafana/alloy/internal/component/prometheus/exporter/unix" // prometheus.exporter.unix
)
