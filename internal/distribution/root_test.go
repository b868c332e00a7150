package distribution

import (
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/build"
	"github.com/grafana/alloy/internal/component"

	"github.com/grafana/alloy/okta/internal/distribution/components"
)

func TestVersionNamesThisDistributionAndItsAlloy(t *testing.T) {
	got := execute(t, "", "--version")
	require.Zero(t, got.code)
	require.Regexp(t, `^alloy-okta, version \S+ \(branch: \S+, revision: \S+\)\n`, got.stdout)
	require.Regexp(t, `(?m)^  alloy: +`+regexp.QuoteMeta(components.Alloy)+`$`, got.stdout)
	require.Regexp(t, `(?m)^  go version: +`+runtime.Version()+`$`, got.stdout)
	require.Regexp(t, `(?m)^  platform: +`+runtime.GOOS+`/`+runtime.GOARCH+`$`, got.stdout)
}

func TestVersionShowsWhatWasStamped(t *testing.T) {
	defer func(version, rev, branch, user, date string) {
		Version, build.Revision, build.Branch, build.BuildUser, build.BuildDate = version, rev, branch, user, date
	}(Version, build.Revision, build.Branch, build.BuildUser, build.BuildDate)
	Version, build.Revision, build.Branch, build.BuildUser, build.BuildDate = "v0.1.0", "abc123", "main", "me@here", "2026-01-02T03:04:05Z"

	text := versionText()
	require.True(t, strings.HasPrefix(text, "alloy-okta, version v0.1.0 (branch: main, revision: abc123)\n"), text)
	require.Contains(t, text, "build user:      me@here\n")
	require.Contains(t, text, "build date:      2026-01-02T03:04:05Z\n")
}

func TestAnUnstampedBuildHasTheGoCommandsRevision(t *testing.T) {
	info := func(settings ...debug.BuildSetting) *debug.BuildInfo { return &debug.BuildInfo{Settings: settings} }
	require.Equal(t, "", revision(info()))
	require.Equal(t, "abc", revision(info(debug.BuildSetting{Key: "vcs.revision", Value: "abc"}, debug.BuildSetting{Key: "vcs.modified",
		Value: "false"})))
	require.Equal(t, "abc-modified", revision(info(debug.BuildSetting{Key: "vcs.revision", Value: "abc"},
		debug.BuildSetting{Key: "vcs.modified", Value: "true"})))
}

func TestComponentsListsEveryRegisteredComponent(t *testing.T) {
	got := execute(t, "", "components")
	require.Zero(t, got.code)
	var names []string
	for line := range strings.Lines(got.stdout) {
		fields := strings.Fields(line)
		require.Len(t, fields, 2, line)
		names = append(names, fields[0])
	}
	require.Equal(t, component.AllNames(), names)
	require.Regexp(t, `(?m)^otelcol\.exporter\.debug +experimental$`, got.stdout)

	pinned, err := os.ReadFile("components/testdata/components.txt")
	require.NoError(t, err)
	require.Subset(t, names, strings.Fields(string(pinned)))
}

func TestUsageReportingIsNotEvenLinked(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "../../cmd/alloy-okta").Output()
	require.NoError(t, err)
	linked := strings.Fields(string(out))
	require.Contains(t, linked, "github.com/grafana/alloy/internal/runtime")
	for _, name := range []string{"usagestats", "converter", "component/all", "alloycli"} {
		require.NotContains(t, linked, "github.com/grafana/alloy/internal/"+name)
	}
}

func TestShellsAreTaughtTheCommands(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		got := execute(t, "", "completion", shell)
		require.Zero(t, got.code, got.stderr)
		require.Contains(t, got.stdout, Name)
	}
	got := execute(t, "", "__complete", "cursor", "")
	for _, verb := range []string{"show", "set", "reset"} {
		require.Regexp(t, `(?m)^`+verb+`\t`, got.stdout)
	}
	got = execute(t, "", "__complete", "cursor", "set", "--si")
	require.Contains(t, got.stdout, "--since")
}
