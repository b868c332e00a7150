package distribution

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	unformatted = "loki.echo   \"e\" {\n}\n"
	formatted   = "loki.echo \"e\" { }\n"
)

func TestFmtPrintsTheFormattedFile(t *testing.T) {
	file := writeFile(t, "a.alloy", unformatted)
	for name, got := range map[string]result{
		"from a file":             execute(t, "", "fmt", file),
		"from the standard input": execute(t, unformatted, "fmt"),
		"from -":                  execute(t, unformatted, "fmt", "-"),
		"by its alias":            execute(t, "", "format", file),
	} {
		require.Equal(t, result{0, formatted, ""}, got, name)
	}
	require.Equal(t, unformatted, read(t, file))
}

func TestFmtWritesBackAndKeepsTheMode(t *testing.T) {
	file := writeFile(t, "a.alloy", unformatted)
	require.NoError(t, os.Chmod(file, 0o640))
	require.Equal(t, result{0, "", ""}, execute(t, "", "fmt", "--write", file))
	require.Equal(t, formatted, read(t, file))
	fi, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o640), fi.Mode().Perm())
}

func TestFmtDoesNotTouchAFormattedFile(t *testing.T) {
	file := writeFile(t, "a.alloy", formatted)
	long := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	require.NoError(t, os.Chtimes(file, long, long))
	require.Equal(t, result{0, "", ""}, execute(t, "", "fmt", "-w", file))
	fi, err := os.Stat(file)
	require.NoError(t, err)
	require.True(t, fi.ModTime().Equal(long))
}

func TestFmtTestTellsByItsExitCode(t *testing.T) {
	good, bad := writeFile(t, "good.alloy", formatted), writeFile(t, "bad.alloy", unformatted)
	require.Equal(t, result{0, "", ""}, execute(t, "", "fmt", "--test", good))
	require.Equal(t, result{1, "", "Error: file " + bad + " is not formatted correctly\n"}, execute(t, "", "fmt", "-t", bad))
	require.Equal(t, unformatted, read(t, bad))
}

func TestFmtRefuses(t *testing.T) {
	broken := writeFile(t, "broken.alloy", "loki.echo \"e\" {\n  a = \n}\n")
	file := writeFile(t, "a.alloy", unformatted)
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"a syntax error": {[]string{broken}, broken +
			":3:1: expected expression, got }\nError: encountered errors during formatting\n"},
		"a directory":                   {[]string{t.TempDir()}, "Error: cannot format a directory\n"},
		"write with test":               {[]string{"-w", "-t", file}, "Error: cannot use -w/--write and -t/--test at the same time\n"},
		"write with the standard input": {[]string{"-w"}, "Error: cannot use -w with standard input\n"},
		"a missing file":                {[]string{"no/such.alloy"}, "Error: stat no/such.alloy: no such file or directory\n"},
	} {
		require.Equal(t, result{1, "", tc.want}, execute(t, "", append([]string{"fmt"}, tc.args...)...), name)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(content)
}
