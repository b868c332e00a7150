package e2e

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the manifests mount; deploy/validate holds the manifests themselves against the Kubernetes API.
func TestTheConfigurationsForKubernetesAreValid(t *testing.T) {
	configs, err := filepath.Glob("../deploy/kubernetes/*/config.alloy")
	require.NoError(t, err)
	require.Len(t, configs, 2)
	for _, config := range configs {
		for _, command := range [][]string{{"fmt", "--test", config}, {"validate", config}} {
			output, err := exec.Command(program(t, "alloy-okta"), command...).CombinedOutput()
			require.NoErrorf(t, err, "alloy-okta %v: %s", command, output)
		}
	}
}
