package event

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheReferenceListsLabelsAndMetadata holds the one table of each to the code.
func TestTheReferenceListsLabelsAndMetadata(t *testing.T) {
	page, err := os.ReadFile("../../docs/loki.source.okta.md")
	require.NoError(t, err)
	row := func(name string) string {
		return regexp.MustCompile("(?m)^\\| `" + name + "` .*$").FindString(string(page))
	}
	for name, from := range sourceLabels {
		if name != "__okta_target_type" { // described in words
			require.Contains(t, row(string(name)), "`"+from+"`", name)
		}
	}
	for name, path := range DefaultStructuredMetadata() {
		require.Contains(t, row(name), "`"+strings.ReplaceAll(path, "|", "\\|")+"`", name)
	}
}
