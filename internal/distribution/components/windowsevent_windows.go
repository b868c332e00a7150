//go:build !slim

package components

import (
	_ "github.com/grafana/alloy/internal/component/loki/source/windowsevent" // loki.source.windowsevent

	// The manifest of a Windows program (upstream flowcmd/flowcmd.go).
	_ "github.com/grafana/alloy/internal/winmanifest"
)
