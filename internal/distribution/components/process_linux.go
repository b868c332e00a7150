//go:build !slim

package components

import (
	_ "github.com/grafana/alloy/internal/component/discovery/process" // discovery.process
)
