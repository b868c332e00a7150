package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the manifests mount; deploy/validate holds the manifests themselves against the Kubernetes API.
func TestTheConfigurationsForKubernetesAreValid(t *testing.T) {
	configs, err := filepath.Glob("../deploy/kubernetes/*/config.alloy")
	require.NoError(t, err)
	require.Len(t, configs, 2)
	configs = append(configs, monitored(t))
	for _, config := range configs {
		for _, command := range [][]string{{"fmt", "--test", config}, {"validate", config}} {
			if command[0] == "fmt" && config == configs[len(configs)-1] {
				continue // Grafana's chart made it
			}
			output, err := exec.Command(program(t, "alloy-okta"), command...).CombinedOutput()
			require.NoErrorf(t, err, "alloy-okta %v: %s", command, output)
		}
	}
}

// monitored is the configuration that Grafana's chart k8s-monitoring makes of deploy/helm/k8s-monitoring.yaml, with its own loki.write.
func monitored(t *testing.T) string {
	t.Helper()
	rendered, err := os.ReadFile("../deploy/validate/testdata/k8s-monitoring.yaml")
	require.NoError(t, err)
	_, text, found := strings.Cut(string(rendered), "\n  config.alloy: |\n")
	require.True(t, found)
	file := filepath.Join(t.TempDir(), "config.alloy")
	require.NoError(t, os.WriteFile(file, []byte(strings.ReplaceAll("\n"+text, "\n    ", "\n")), 0o600))
	return file
}
