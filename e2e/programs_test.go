package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// programs are the binaries under test and beside it, by name, with the variable that names each.
var programs = map[string]string{
	"alloy-okta":      "ALLOY_OKTA_BIN",
	"slim/alloy-okta": "ALLOY_OKTA_SLIM_BIN",
	"oktasim":         "OKTASIM_BIN",
	"quickstart":      "QUICKSTART_BIN",
	"loki":            "LOKI_BIN",
	"logcli":          "LOGCLI_BIN",
}

// program returns the path of a binary. `make test` names them all in the environment. Otherwise they are brought up to date by make,
// once, so that `go test ./e2e` never proves something about yesterday's build.
func program(t testing.TB, name string) string {
	t.Helper()
	path := os.Getenv(programs[name])
	if path == "" {
		require.NoError(t, makePrograms())
		path = filepath.Join("..", "build", name)
	}
	path, err := filepath.Abs(path)
	require.NoError(t, err)
	// go test remembers what a test looked at: having looked, it runs again when the binary changes.
	_, err = os.Stat(path)
	require.NoErrorf(t, err, "%s is needed by this test: run `make build slim loki`, or set %s", name, programs[name])
	return path
}

var makePrograms = sync.OnceValue(func() error {
	output, err := exec.Command("make", "-C", "..", "build", "slim", "loki").CombinedOutput()
	if err != nil {
		return fmt.Errorf("make build slim loki: %w\n%s", err, output)
	}
	return nil
})

// long tells whether the long forms of the proofs are asked for (`make e2e`).
func long() bool { return os.Getenv("OKTA_E2E") == "long" }
