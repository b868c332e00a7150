//go:build !race

package redact

import (
	"testing"
	"time"

	"github.com/grafana/alloy/okta/internal/oktasim"
)

func TestAnOrgsEventsAreRedacted(t *testing.T) {
	org := &oktasim.Org{Seed: 5}
	org.Generate(120, time.Hour)
	modes := []Options{
		{},
		{Mode: ModeHash, Key: testKey, Presets: []string{PresetPersonalData}},
		{Mode: ModeDrop, Presets: []string{PresetPersonalData}, Paths: []string{"target[*].detailEntry", "transaction.detail.*"}},
		{Presets: []string{}, Paths: []string{"client.ipAddress", "debugContext.debugData.*"}},
	}
	for _, raw := range org.Events() {
		for _, r := range modes {
			got := redacted(t, r, raw)
			requireRedacted(t, r, raw, got)
			requireRestKept(t, r, raw, got)
		}
	}
}
