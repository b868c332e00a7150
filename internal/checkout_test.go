package internal

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the README says about adding the component to an Alloy checkout, done in a copy of the Alloy module: it builds, vet
// is content, and Alloy finds all that it needs for its list of components.
func TestTheComponentBuildsInAnAlloyCheckout(t *testing.T) {
	readme, checkout := read(t, "../README.md"), t.TempDir()
	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command("go", args...)
		cmd.Dir = checkout
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-mod=mod")
		out, err := cmd.CombinedOutput()
		require.NoErrorf(t, err, "go %s: %s", strings.Join(args, " "), out)
	}
	// The module cache has Alloy without the modules below it, of which it needs syntax.
	for path, folder := range map[string]string{"github.com/grafana/alloy": ".", "github.com/grafana/alloy/syntax": "syntax"} {
		var module struct{ Dir string }
		out, err := exec.Command("go", "list", "-m", "-json", path).Output()
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(out, &module))
		require.NoError(t, os.CopyFS(filepath.Join(checkout, folder), os.DirFS(module.Dir)))
	}

	for _, folder := range packagesToCopy(t) {
		target := filepath.Join(checkout, "okta", strings.TrimPrefix(folder, "../"))
		require.NoError(t, os.CopyFS(target, os.DirFS(folder)))
	}
	require.NoError(t, filepath.WalkDir(filepath.Join(checkout, "okta"), func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, "_test.go") {
			return os.Remove(path)
		}
		return err
	}))
	line := regexp.MustCompile(`(?m)^_ "github.com/grafana/alloy/okta/.*$`).FindString(readme)
	all := filepath.Join(checkout, "internal/component/all/all.go")
	code := strings.Replace(read(t, all), "import (\n", "import (\n\t"+line+"\n", 1)
	require.Contains(t, code, line)
	require.NoError(t, os.WriteFile(all, []byte(code), 0o600))
	get := regexp.MustCompile("`go (get [^`]+)`").FindStringSubmatch(readme)
	require.NotNil(t, get)
	version := regexp.MustCompile(strings.Fields(get[1])[1] + ` (v\S+)`).FindStringSubmatch(read(t, "../go.mod"))
	require.NotNil(t, version)
	run("get", strings.Fields(get[1])[1]+"@"+version[1])
	run("build", "-p", "1", "./okta/...")
	run("vet", "-p", "1", "./okta/...")
	run("list", "-deps", "./internal/component/all")
}
