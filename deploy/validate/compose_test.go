package validate

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// Compose and Grafana are not had in tests: what is checked is that all that the files name is there, and that they are YAML without
// members given twice.
func TestWhatComposeMountsIsThere(t *testing.T) {
	base, over := composeFile(t, "compose.yaml"), composeFile(t, "ruler.yaml")
	require.Len(t, base.Services, 3)
	require.Empty(t, over.Volumes)
	for _, c := range []compose{base, over} {
		for name, service := range c.Services {
			require.True(t, service.Image != "" || base.Services[name].Image != "", name)
			for _, volume := range service.Volumes {
				source, target, _ := strings.Cut(volume, ":")
				if !strings.HasPrefix(source, ".") {
					require.Contains(t, c.Volumes, source)
					continue
				}
				path := filepath.Join("../compose", source)
				require.FileExists(t, firstFile(t, path))
				if strings.HasSuffix(path, ".yaml") {
					document := document(t, path)
					if strings.HasPrefix(target, "/etc/grafana/") {
						require.EqualValues(t, 1, document["apiVersion"], path)
					}
				}
			}
		}
	}
}

// The examples name the image as a load of the archive does: by the name that tools/dist writes into it, for version v1.2.3.
func TestExamplesNameTheImageAsItIsLoaded(t *testing.T) {
	source, err := os.ReadFile("../../tools/dist/image.go")
	require.NoError(t, err)
	written := regexp.MustCompile(`name := "([^"]+:)" \+ r\.version`).FindSubmatch(source)
	require.NotNil(t, written, "tools/dist names the image")
	main, err := os.ReadFile("../../tools/dist/main.go")
	require.NoError(t, err)
	require.Contains(t, string(main), `r.version = strings.TrimPrefix(r.version, "v")`)

	named := regexp.MustCompile(`[\w./-]*alloy-okta:v?(1\.2\.3|<VERSION>)`)
	for _, path := range []string{"../compose/compose.yaml", "../compose/ruler.yaml", "../../docs/install.md"} {
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		examples := named.FindAllStringSubmatch(string(content), -1)
		require.NotEmpty(t, examples, path)
		for _, example := range examples {
			require.Equal(t, string(written[1])+example[1], example[0], path)
		}
	}
}

type compose struct {
	Services map[string]struct {
		Image       string            `json:"image"`
		Environment map[string]string `json:"environment"`
		Volumes     []string          `json:"volumes"`
	} `json:"services"`
	Volumes map[string]any `json:"volumes"`
}

func composeFile(t *testing.T, name string) (c compose) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("../compose", name))
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(content, &c))
	return c
}

// document is a file of YAML, without members given twice.
func document(t *testing.T, path string) (d map[string]any) {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, yaml.UnmarshalStrict(content, &d), path)
	return d
}

// Loki's ruler reads the rules where ruler.yaml mounts them, sends alerts to the service there, and its links lead to Compose's Grafana and
// the data source in it, which has no rules of its own then.
func TestComposesRulerAndGrafanaAgree(t *testing.T) {
	base, over := composeFile(t, "compose.yaml"), composeFile(t, "ruler.yaml")
	loki := document(t, "../compose/loki.yaml")
	require.Equal(t, false, loki["auth_enabled"], "its one tenant is called fake")
	filesystem := loki["common"].(map[string]any)["storage"].(map[string]any)["filesystem"].(map[string]any)
	require.Equal(t, []string{"../../detections/ruler.yaml:" + filesystem["rules_directory"].(string) + "/fake/okta.yaml:ro"},
		over.Services["loki"].Volumes)

	ruler := loki["ruler"].(map[string]any)
	require.Equal(t, base.Services["grafana"].Environment["GF_SERVER_ROOT_URL"], ruler["external_url"].(string)+"/")
	source := document(t, "../compose/grafana/datasource.yaml")["datasources"].([]any)[0].(map[string]any)
	require.Equal(t, source["uid"], ruler["datasource_uid"])
	manager, err := url.Parse(ruler["alertmanager_url"].(string))
	require.NoError(t, err)
	require.Contains(t, over.Services, manager.Hostname())
	require.Equal(t, "9093", manager.Port(), "Alertmanager's own")

	var places []string
	for _, volume := range base.Services["grafana"].Volumes {
		places = append(places, strings.SplitN(volume, ":", 2)[1])
	}
	require.Len(t, over.Services["grafana"].Volumes, 1)
	file, place, _ := strings.Cut(over.Services["grafana"].Volumes[0], ":")
	require.Contains(t, places, place, "it takes the place of Grafana's rules")
	require.Equal(t, map[string]any{"apiVersion": 1.0}, document(t, filepath.Join("../compose", file)))
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
