package validate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// Compose and Grafana are not had in tests: what is checked is that all that the files name is there, and that they are YAML without
// members given twice.
func TestWhatComposeMountsIsThere(t *testing.T) {
	content, err := os.ReadFile("../compose/compose.yaml")
	require.NoError(t, err)
	var compose struct {
		Services map[string]struct {
			Image   string   `json:"image"`
			Volumes []string `json:"volumes"`
		} `json:"services"`
		Volumes map[string]any `json:"volumes"`
	}
	require.NoError(t, yaml.Unmarshal(content, &compose))
	require.Len(t, compose.Services, 3)
	for name, service := range compose.Services {
		require.NotEmpty(t, service.Image, name)
		for _, volume := range service.Volumes {
			source, _, _ := strings.Cut(volume, ":")
			if !strings.HasPrefix(source, ".") {
				require.Contains(t, compose.Volumes, source)
				continue
			}
			path := filepath.Join("../compose", source)
			require.FileExists(t, firstFile(t, path))
			if strings.HasSuffix(path, ".yaml") {
				provisioned, err := os.ReadFile(path)
				require.NoError(t, err)
				var document map[string]any
				require.NoError(t, yaml.UnmarshalStrict(provisioned, &document), path)
				if filepath.Base(path) != "loki.yaml" { // which e2e starts a Loki with
					require.EqualValues(t, 1, document["apiVersion"], path)
				}
			}
		}
	}
}

// firstFile returns path, or, when it is a folder, a dashboard in it.
func firstFile(t *testing.T, path string) string {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	if !info.IsDir() {
		return path
	}
	dashboards, err := filepath.Glob(filepath.Join(path, "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, dashboards)
	return dashboards[0]
}
