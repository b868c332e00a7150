package internal

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const loki = "github.com/grafana/loki/v3/"

// apache are the parts of Loki that are under Apache-2.0, by its LICENSING.md; the rest is AGPL-3.0.
var apache = []string{"clients", "pkg/framedstdcopy", "pkg/ingester/wal", "pkg/logproto", "pkg/loghttp", "pkg/logqlmodel", "pkg/push",
	"pkg/util"}

func isAGPL(path string) bool {
	part, isLoki := strings.CutPrefix(path, loki)
	return isLoki && !slices.ContainsFunc(apache, func(free string) bool { return part == free || strings.HasPrefix(part, free+"/") })
}

// Whoever copies the component gets no AGPL with it: nothing that it links has that license, whoever imports it. Upstream's
// loki.process and loki.rules.kubernetes do link such parts, and so does the binary: see NOTICE.
func TestTheComponentLinksNoAGPL(t *testing.T) {
	for _, path := range list(t, "-deps", "../component/...", "../cmd/oktasim", "../cmd/quickstart") {
		require.False(t, isAGPL(path), "%s", path)
	}
}

func TestOurPackagesImportNoAGPL(t *testing.T) {
	for _, line := range list(t, "-f", `{{$p := .ImportPath}}{{range .Imports}}{{$p}}>{{.}} {{end}}`, "../component/...", "../internal/...",
		"../cmd/...") {
		path, imported, _ := strings.Cut(line, ">")
		require.False(t, isAGPL(imported), "%s imports %s", path, imported)
	}
}

func TestNoticeNamesTheAGPLPackagesThatAreLinked(t *testing.T) {
	var want []string
	for _, path := range list(t, "-deps", "../cmd/alloy-okta") {
		if isAGPL(path) {
			want = append(want, path)
		}
	}
	slices.Sort(want)
	require.NotEmpty(t, want)

	var named []string
	for line := range strings.Lines(read(t, "../NOTICE")) {
		if path := strings.TrimSpace(line); strings.HasPrefix(path, loki) {
			named = append(named, path)
		}
	}
	require.Equal(t, want, named)
}
