package event

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktasim"
)

func TestAnOrgsEventsAreKeptOrRedacted(t *testing.T) {
	org := &oktasim.Org{Seed: 5}
	org.Generate(120, time.Hour)
	modes := []Redaction{
		{},
		{Mode: ModeHash, Key: testKey, Presets: []string{PresetPersonalData}},
		{Mode: ModeDrop, Presets: []string{PresetPersonalData}, Paths: []string{"target[*].detailEntry", "transaction.detail.*"}},
		{Presets: []string{}, Paths: []string{"client.ipAddress", "debugContext.debugData.*"}},
	}
	for _, raw := range org.Events() {
		line := entryOf(t, Options{LineFormat: FormatEvent}, string(raw)).Line
		require.Equal(t, string(raw), line)
		for _, r := range modes {
			e := entryOf(t, Options{Redaction: &r}, string(raw))
			requireRedacted(t, r, raw, e)
			requireRestKept(t, r, raw, []byte(e.Line[len(lineBegin):][:eventLength(t, e.Line)]))
		}
	}
}
