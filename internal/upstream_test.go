package internal

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// checkout returns a copy of Alloy's module, of the version that go.mod names. The module cache has it without the modules below it, of
// which it needs syntax.
func checkout(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for path, folder := range map[string]string{"github.com/grafana/alloy": ".", "github.com/grafana/alloy/syntax": "syntax"} {
		var module struct{ Dir string }
		out, err := exec.Command("go", "list", "-m", "-json", path).Output()
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(out, &module))
		require.NoError(t, os.CopyFS(filepath.Join(dir, folder), os.DirFS(module.Dir)))
	}
	return dir
}

// upstream runs what `make upstream` does.
func upstream(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	args = append([]string{"-C", "../tools/upstream", "run", ".", "-repository", "../..", "-dir", dir}, args...)
	out, err := exec.Command("go", args...).CombinedOutput()
	return string(out), err
}

// in runs the go command in a checkout.
func in(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-mod=mod")
	out, err := cmd.CombinedOutput()
	require.NoErrorf(t, err, "go %s: %s", strings.Join(args, " "), out)
	return string(out)
}

// What `make upstream` makes of a copy of the Alloy module: its lists have both components where its own generators put them, what is
// there now compiles, and running it again changes nothing. With OKTA_E2E=long it vets and tests the components, too, for which it
// compiles Alloy anew: 10 minutes of CPU.
func TestTheComponentsFitIntoAnAlloyCheckout(t *testing.T) {
	dir, check := checkout(t), "none"
	if os.Getenv("OKTA_E2E") == "long" {
		check = "all"
	}
	before := read(t, filepath.Join(dir, "docs/sources/reference/compatibility/_index.md"))
	out, err := upstream(t, dir, "-check", check)
	require.NoError(t, err, out)

	for file, want := range map[string]string{
		"internal/component/all/all.go": `\t_ "github\.com/grafana/alloy/internal/component/loki/source/kubernetes_events" .*\n` +
			`\t_ "github\.com/grafana/alloy/internal/component/loki/source/okta" +// Import loki\.source\.okta\n` +
			`\t_ "github\.com/grafana/alloy/internal/component/loki/source/okta_event_hook" +// Import loki\.source\.okta_event_hook\n` +
			`\t_ "github\.com/grafana/alloy/internal/component/loki/source/podlogs" `,
		"docs/sources/reference/compatibility/_index.md": "\n- \\[`loki\\.source\\.kubernetes_events`\\].*\n" +
			"- \\[`loki\\.source\\.okta`\\]\\(\\.\\./components/loki/loki\\.source\\.okta\\)\n" +
			"- \\[`loki\\.source\\.okta_event_hook`\\]\\(\\.\\./components/loki/loki\\.source\\.okta_event_hook\\)\n" +
			"- \\[`loki\\.source\\.podlogs`\\]",
		".github/ISSUE_TEMPLATE/bug_report.yaml": `(?s)# Start components list.*\n      - loki\.source\.kubernetes_events\n` +
			`      - loki\.source\.okta\n      - loki\.source\.okta_event_hook\n      - loki\.source\.podlogs\n.*# End components list`,
		"docs/sources/reference/components/loki/loki.source.okta.md": "- Components that export \\[Loki `LogsReceiver`\\]" +
			`\(\.\./\.\./\.\./compatibility/#loki-logsreceiver-exporters\)`,
		"go.mod": `github\.com/biter777/countries v`,
	} {
		require.Regexp(t, want, read(t, filepath.Join(dir, file)), file)
	}
	after := read(t, filepath.Join(dir, "docs/sources/reference/compatibility/_index.md"))
	require.Len(t, strings.Split(after, "\n"), len(strings.Split(before, "\n"))+2, "nothing else there changes")

	// Alloy finds all that it needs for its list of components, and nothing refers to this repository.
	deps := strings.Fields(in(t, dir, "list", "-deps", "./internal/component/all"))
	require.Contains(t, deps, "github.com/grafana/alloy/internal/component/loki/source/okta_event_hook")
	require.False(t, slices.ContainsFunc(deps, func(p string) bool { return strings.HasPrefix(p, module+"/") }))
	in(t, dir, "vet", "-p", "1", "./internal/component/loki/source/internal/okta/...")
	in(t, dir, "test", "-p", "1", "./internal/component/loki/source/internal/okta/event/...")

	out, err = upstream(t, dir, "-check", "none")
	require.NoError(t, err, out)
	require.Equal(t, 7, strings.Count(out, ": has it already\n"), out)
	require.Equal(t, after, read(t, filepath.Join(dir, "docs/sources/reference/compatibility/_index.md")))
}

// What `make upstream CORE=1` makes of another copy: one component, and what it needs. With OKTA_E2E=long it is vetted and tested, too.
func TestTheCoreFitsIntoAnAlloyCheckout(t *testing.T) {
	dir, check := checkout(t), "none"
	if os.Getenv("OKTA_E2E") == "long" {
		check = "all"
	}
	out, err := upstream(t, dir, "-check", check, "-without", "all")
	require.NoError(t, err, out)
	for _, file := range []string{"internal/component/all/all.go", "docs/sources/reference/compatibility/_index.md",
		".github/ISSUE_TEMPLATE/bug_report.yaml"} {
		text := read(t, filepath.Join(dir, file))
		require.Regexp(t, `[./]okta\b`, text, file)
		require.NotContains(t, text, "okta_event_hook", file)
	}
	deps := strings.Fields(in(t, dir, "list", "-deps", "./internal/component/all"))
	require.Contains(t, deps, "github.com/grafana/alloy/internal/component/loki/source/okta")
	require.NotContains(t, deps, "github.com/grafana/alloy/internal/component/loki/source/internal/okta/reconcile")
	require.False(t, slices.ContainsFunc(deps, func(p string) bool { return strings.HasPrefix(p, module+"/") }))
}

// What is missing, or is no checkout, is said by name.
func TestUpstreamSaysWhatIsMissing(t *testing.T) {
	dir := t.TempDir()
	for _, folder := range []string{"", "/nowhere", dir} {
		out, err := upstream(t, folder, "-check", "none")
		require.Error(t, err)
		require.Contains(t, out, "checkout of grafana/alloy")
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module github.com/grafana/alloy\n\ngo 1.26.7\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.sum"), nil, 0o600))
	out, err := upstream(t, dir, "-check", "none")
	require.NoError(t, err, out)
	for _, missing := range []string{"internal/component/all/all.go", "docs/sources/reference/compatibility/_index.md",
		"docs/sources/reference/components/loki/", ".github/ISSUE_TEMPLATE", "syntax/go.mod"} {
		require.Contains(t, out, "not in this checkout: "+missing+"\n")
	}
	out, err = upstream(t, dir, "-check", "some")
	require.Error(t, err)
	require.Contains(t, out, "-check=some: it is all, library, or none")
}
