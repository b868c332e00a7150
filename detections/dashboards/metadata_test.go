package dashboards

import (
	"bytes"
	"maps"
	"slices"
	"testing"
	"time"

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

// TestVolumeIsThatOfTheLines compares what the dashboard says with the lines themselves, by type and org.
func TestVolumeIsThatOfTheLines(t *testing.T) {
	f := attacked(t)
	formatter, err := event.New(event.Options{Org: "acme.okta.com"})
	require.NoError(t, err)
	bytes, inRange := 0, f.end.Add(-span)
	for _, e := range f.events {
		scanned, err := event.Scan([]byte("[" + e.Raw + "]"))
		require.NoError(t, err)
		if entry := formatter.Entry(scanned[0], f.end); entry.Timestamp.After(inRange) && !entry.Timestamp.After(f.end) {
			bytes += len(entry.Line)
		}
	}
	shown := panels(t, Envelope)
	for name, want := range map[string]float64{
		"Bytes": float64(bytes), "Largest orgs": float64(bytes), "Bytes a day": float64(bytes) * float64(24*time.Hour) / float64(span),
	} {
		_, sum := f.run(t, Envelope, shown["okta-volume: "+name].Targets[0], nil)
		require.InEpsilon(t, want, sum, 1e-9, name)
	}
}
