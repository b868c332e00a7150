// Package linux tests the files of the deb and rpm packages.
package linux

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The unit is one that systemd accepts, and its sandbox leaves the program little: 0 is none of the machine, 10 is all of it.
func TestTheUnitIsValidAndHardened(t *testing.T) {
	unit, err := os.ReadFile("alloy-okta.service")
	require.NoError(t, err)
	program, err := os.Executable() // systemd wants one that exists
	require.NoError(t, err)
	copied := filepath.Join(t.TempDir(), "alloy-okta.service")
	require.NoError(t, os.WriteFile(copied, []byte(strings.ReplaceAll(string(unit), "/usr/bin/alloy-okta", program)), 0o600))
	output, err := exec.Command("systemd-analyze", "verify", "--man=no", copied).CombinedOutput()
	require.NoErrorf(t, err, "%s", output)
	require.Empty(t, string(output))

	output, err = exec.Command("systemd-analyze", "security", "--offline=yes", "--threshold=19", "alloy-okta.service").CombinedOutput()
	require.NoErrorf(t, err, "%s", output)
}

func TestTheScriptsAreShell(t *testing.T) {
	scripts, err := filepath.Glob("*.sh")
	require.NoError(t, err)
	require.Len(t, scripts, 3)
	for _, script := range scripts {
		output, err := exec.Command("sh", "-n", script).CombinedOutput()
		require.NoErrorf(t, err, "%s", output)
	}
}
