package dashboards

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/detections/lokitest"
	"github.com/grafana/alloy/okta/internal/event"
)

// TestPanelsFindTheSameWithMetadataForDrilldown: queries take user, ip and session out of the line, and where the metadata of
// syntax/drilldown.alloy has these names, Loki's parser puts _extracted behind its own.
func TestPanelsFindTheSameWithMetadataForDrilldown(t *testing.T) {
	f := attacked(t)
	more := event.DefaultStructuredMetadata()
	maps.Copy(more, map[string]string{
		"user": "actor.alternateId", "ip": "client.ipAddress", "session": "authenticationContext.externalSessionId",
	})
	formatter, err := event.New(event.Options{Org: "acme.okta.com", StructuredMetadata: more})
	require.NoError(t, err)
	var raw [][]byte
	for _, e := range f.events {
		raw = append(raw, []byte(e.Raw))
	}
	scanned, err := event.Scan(slices.Concat([]byte("["), bytes.Join(raw, []byte(",")), []byte("]")))
	require.NoError(t, err)
	with := &fixture{loki: map[LineFormat]*lokitest.Loki{Envelope: {}}, end: f.end}
	for _, e := range scanned {
		with.loki[Envelope].Push(formatter.EntryIn(contextOf(e), e, f.end))
	}
	for name, p := range panels(t, Envelope) {
		found, sum := f.run(t, Envelope, p.Targets[0], nil)
		foundWith, sumWith := with.run(t, Envelope, p.Targets[0], nil)
		require.Equal(t, found, foundWith, "%s: %s", name, p.Targets[0].Expr)
		require.InDelta(t, sum, sumWith, 1e-9, name)
	}
}
