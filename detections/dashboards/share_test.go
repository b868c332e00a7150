package dashboards

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheFilesAreCurrent(t *testing.T) {
	files, err := All()
	require.NoError(t, err)
	require.Len(t, files, 4*len(boards(t, Envelope)))
	written := 0
	for _, pattern := range []string{"*.json", "../grafana/*/*.json"} {
		there, err := filepath.Glob(pattern)
		require.NoError(t, err)
		written += len(there)
	}
	require.Equal(t, len(files), written, "a file that nothing builds")
	for name, content := range files {
		written, err := os.ReadFile(filepath.Join("..", name))
		require.NoError(t, err)
		require.Equal(t, string(content), string(written), "%s is not what the code builds: run go generate ./detections/dashboards", name)
	}
	_, err = Files("raw")
	require.EqualError(t, err, `line format "raw": want envelope or event`)
}

// imported does what Grafana's import does with a dashboard that was shared.
func imported(t *testing.T, content []byte, dataSource string) map[string]any {
	t.Helper()
	filled := regexp.MustCompile(`\$\{`+lokiInput+`\}`).ReplaceAll(content, []byte(dataSource))
	var d map[string]any
	require.NoError(t, json.Unmarshal(filled, &d))
	return d
}

// A shared dashboard asks for its data source, requires what it uses, and becomes after the import what the other form is, but may be
// edited.
func TestSharedDashboardsImport(t *testing.T) {
	for _, format := range []LineFormat{Envelope, Event} {
		files, err := Files(format)
		require.NoError(t, err)
		sharedFiles, err := Shared(format)
		require.NoError(t, err)
		require.Len(t, sharedFiles, len(files))
		for name, content := range sharedFiles {
			d := imported(t, content, "uid-of-loki")
			inputs := d["__inputs"].([]any)
			require.Len(t, inputs, 1)
			require.Equal(t, map[string]any{"name": "DS_LOKI", "label": "Loki", "description": "The Loki data source with Okta's events",
				"type": "datasource", "pluginId": "loki", "pluginName": "Loki"}, inputs[0])
			require.Equal(t, map[string]any{}, d["__elements"])

			required := map[string]bool{}
			for _, r := range d["__requires"].([]any) {
				r := r.(map[string]any)
				required[fmt.Sprint(r["type"], " ", r["id"], " ", r["version"])] = true
				require.NotEmpty(t, r["name"], r["id"])
			}
			needed := map[string]bool{"grafana grafana " + LeastGrafana: true, "datasource loki 1.0.0": true}
			for _, p := range d["panels"].([]any) {
				if kind := p.(map[string]any)["type"]; kind != "row" {
					needed[fmt.Sprint("panel ", kind, " ")] = true
				}
			}
			require.Equal(t, needed, required, name)

			chosen := d["templating"].(map[string]any)["list"].([]any)[0].(map[string]any)
			require.Equal(t, "datasource", chosen["name"])
			require.Equal(t, map[string]any{"text": "uid-of-loki", "value": "uid-of-loki"}, chosen["current"])
			require.Equal(t, true, d["editable"])

			var other map[string]any
			require.NoError(t, json.Unmarshal(files[name], &other))
			require.Equal(t, false, other["editable"])
			delete(chosen, "current")
			d["editable"] = false
			for _, member := range []string{"__inputs", "__elements", "__requires"} {
				delete(d, member)
			}
			require.Equal(t, other, d, name)
		}
	}
}
