package components

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy"
)

func TestAlloyIsTheVersionInGoMod(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", "github.com/grafana/alloy").Output()
	require.NoError(t, err)
	require.Equal(t, Alloy, strings.TrimSpace(string(out)))
	require.Equal(t, Alloy, strings.TrimSuffix(alloy.FallbackVersion(), "-devel"), "the module's own release manifest")
}

// writtenVersion matches a version of Alloy as documents write it.
var writtenVersion = regexp.MustCompile(`Alloy v(1\.\d+(\.\d+)?)|docs/alloy/v(1\.\d+)/`)

func TestDocumentsNameThisAlloy(t *testing.T) {
	minor := Alloy[:strings.LastIndex(Alloy, ".")]
	documents, err := filepath.Glob("../../../docs/*.md")
	require.NoError(t, err)
	documents = append(documents, "../../../README.md")
	named := 0
	for _, document := range documents {
		content, err := os.ReadFile(document)
		require.NoError(t, err)
		for _, found := range writtenVersion.FindAllString(string(content), -1) {
			require.True(t, strings.Contains(found, Alloy) || strings.HasSuffix(strings.Trim(found, "/"), minor), "%s: %s", document, found)
			named++
		}
	}
	require.Greater(t, named, 40)
}
