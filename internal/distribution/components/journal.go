//go:build linux && cgo && promtail_journal_enabled && !slim

package components

import (
	_ "github.com/grafana/alloy/internal/component/loki/source/journal" // loki.source.journal
)
