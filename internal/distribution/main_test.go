package distribution

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite testdata/flags.txt from upstream's source")

// asProgram makes the test binary behave as alloy-okta. It holds the same code,
// so that the tests of the program need no second link.
const asProgram = "ALLOY_OKTA_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Args[0] = Name
		os.Exit(ExitCode(Command().Execute()))
	}
	os.Exit(m.Run())
}

// program returns the command alloy-okta with args: the binary that
// ALLOY_OKTA_BIN names, or else this test binary.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	if bin := os.Getenv("ALLOY_OKTA_BIN"); bin != "" {
		require.True(t, filepath.IsAbs(bin), "ALLOY_OKTA_BIN=%q: want an absolute path", bin)
		return exec.CommandContext(t.Context(), bin, args...)
	}
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

// result is what a program that ended left behind.
type result struct {
	code           int
	stdout, stderr string
}

// execute runs the program to its end.
func execute(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	cmd := program(t, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	err := cmd.Run()
	if _, exited := err.(*exec.ExitError); !exited {
		require.NoError(t, err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// writeFile writes content below a new folder and returns the path.
func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
	return path
}

// requireDiagnostic asserts that stderr holds Alloy's diagnostic at line and column of file,
// with the offending line marked below.
func requireDiagnostic(t *testing.T, stderr, file string, line, column int, message string) {
	t.Helper()
	require.Contains(t, stderr, fmt.Sprintf("Error: %s:%d:%d: %s", file, line, column, message))
	require.Regexp(t, fmt.Sprintf(`(?m)^%d \| .*\n +\| *\^`, line), stderr)
}
