package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"github.com/grafana/alloy/okta/internal/event"
)

// TestSigmaRulesInARealLoki asks a real Loki each query of detections/sigma/rules: over the entries of all rules' events, it finds its
// own rule's event and nothing else. What package sigma tests in more ways with Loki's pipeline alone, this proves with all of Loki
// around it: index, chunks, and what its distributor adds to entries.
func TestSigmaRulesInARealLoki(t *testing.T) {
	t.Parallel()
	for format, query := range map[string]string{event.FormatEnvelope: "envelope.logql", event.FormatEvent: "raw.logql"} {
		t.Run(format, func(t *testing.T) {
			formatter, err := event.New(event.Options{Org: "acme.okta.com", LineFormat: format})
			require.NoError(t, err)
			folders, err := filepath.Glob("../detections/sigma/rules/*")
			require.NoError(t, err)
			require.NotEmpty(t, folders)

			loki := startLoki(t)
			lines := map[string]string{} // by folder
			var from, to time.Time
			for _, folder := range folders {
				raw, err := os.ReadFile(filepath.Join(folder, "event.json"))
				require.NoError(t, err)
				events, err := event.Scan(append(append([]byte("["), bytes.TrimSpace(raw)...), ']'))
				require.NoError(t, err)
				entry := formatter.Entry(events[0], time.Time{})
				pushEntry(t, loki.URL(), entry)
				lines[folder] = entry.Line
				if from.IsZero() || entry.Timestamp.Before(from) {
					from = entry.Timestamp
				}
				if entry.Timestamp.After(to) {
					to = entry.Timestamp
				}
			}
			for _, folder := range folders {
				rule, err := os.ReadFile(filepath.Join(folder, query))
				require.NoError(t, err)
				found, err := loki.Reader().Entries(t.Context(), string(rule), from, to.Add(time.Second))
				require.NoError(t, err)
				require.Len(t, found, 1, folder)
				require.Equal(t, lines[folder], found[0].Line)
			}
		})
	}
}

// pushEntry sends one entry to Loki's push API.
func pushEntry(t *testing.T, url string, entry event.Entry) {
	t.Helper()
	metadata := map[string]string{}
	for _, m := range entry.StructuredMetadata {
		metadata[m.Name] = m.Value
	}
	body, err := json.Marshal(map[string]any{"streams": []any{map[string]any{
		"stream": entry.Labels,
		"values": []any{[]any{strconv.FormatInt(entry.Timestamp.UnixNano(), 10), entry.Line, metadata}},
	}}})
	require.NoError(t, err)
	require.Equal(t, entry.Line, gjson.GetBytes(body, "streams.0.values.0.1").String())
	resp, err := http.Post(url+"/loki/api/v1/push", "application/json", bytes.NewReader(body))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusNoContent, resp.StatusCode)
}
