package detections

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/grafana/loki/v3/pkg/logql/syntax"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

func copied(source model.LabelName, target string) []*relabel.Config {
	rule := relabel.DefaultRelabelConfig
	rule.SourceLabels, rule.TargetLabel = model.LabelNames{source}, target
	return []*relabel.Config{&rule}
}

func TestGeneratedFilesAreCurrent(t *testing.T) {
	files, err := Generate("..", DefaultLinks)
	require.NoError(t, err)
	require.Len(t, files, 7+3+1+len(withAdministrators(rules(t))), "three drop lists, and a configuration with a deployment of each rule")
	for name, want := range files {
		got, err := os.ReadFile(name)
		require.NoError(t, err)
		require.Equalf(t, string(want), string(got), "%s: run `go generate ./detections`", name)
	}
}

func decode(t *testing.T, name string, into any) {
	t.Helper()
	content, err := os.ReadFile(name)
	require.NoError(t, err)
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	require.NoError(t, decoder.Decode(into))
}

// TestRulerFilesAreValid checks what Loki's ruler does when it loads a file (ValidateGroups in pkg/ruler/compat.go).
func TestRulerFilesAreValid(t *testing.T) {
	for _, name := range []string{"ruler.yaml", "ruler-event.yaml"} {
		var file rulerFile
		decode(t, name, &file)
		seen := map[string]bool{}
		for _, group := range file.Groups {
			require.False(t, seen[group.Name], group.Name)
			seen[group.Name] = true
			require.LessOrEqual(t, len(group.Rules), maxGroup)
			for _, rule := range group.Rules {
				require.False(t, seen[rule.Alert], rule.Alert)
				seen[rule.Alert] = true
				_, err := syntax.ParseExpr(rule.Expr)
				require.NoError(t, err, rule.Alert)
				require.NotEmpty(t, rule.Labels["severity"])
				require.NotEmpty(t, rule.Annotations["summary"])
				for label := range rule.Labels {
					require.True(t, model.LegacyValidation.IsValidLabelName(label))
				}
			}
		}
		require.Len(t, seen, len(file.Groups)+len(withAdministrators(rules(t)))+len(sigmaRules(t)))
	}
}

func TestGrafanaFilesAreValid(t *testing.T) {
	for _, name := range []string{"grafana/alerts.yaml", "grafana/alerts-event.yaml"} {
		var file grafanaFile
		decode(t, name, &file)
		seen := map[string]bool{}
		for _, group := range file.Groups {
			for _, rule := range group.Rules {
				require.False(t, seen[rule.UID], rule.UID)
				seen[rule.UID] = true
				require.LessOrEqual(t, len(rule.UID), 40)
				expr := rule.Data[0].Model["expr"].(string)
				undoubled := strings.ReplaceAll(expr, "$$", "\x00")
				require.NotContainsf(t, undoubled, "$", "%s: Grafana would put in a variable of the environment", rule.UID)
				_, err := syntax.ParseExpr(strings.ReplaceAll(undoubled, "\x00", "$"))
				require.NoError(t, err, rule.UID)
			}
		}
		require.Len(t, seen, len(withAdministrators(rules(t)))+len(sigmaRules(t)))
	}
}
