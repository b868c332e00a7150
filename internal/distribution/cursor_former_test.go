package distribution

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Files that former versions wrote (testdata/checkpoints/README.md) are shown, moved, and kept as they were.
func TestCursorsOfFormerVersionsAreShownAndMoved(t *testing.T) {
	files, err := filepath.Glob("../../testdata/checkpoints/*.json")
	require.NoError(t, err)
	require.Len(t, files, 6)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			c := newCursors(t, strings.ReplaceAll(twoOrgs, "https://acme.okta.com", "http://localhost"))
			path := c.file("loki.source.okta.one", "localhost")
			for _, verb := range [][]string{{"set", "--since", "1h", "localhost"}, {"reset", "localhost"}} {
				require.NoError(t, os.RemoveAll(c.storage))
				require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
				require.NoError(t, os.WriteFile(path, data, 0o600))
				shown, err := c.do(t, "show", "localhost")
				require.NoError(t, err)
				require.Contains(t, shown, "2000-01-01T00:")
				require.Contains(t, shown, "older ones are lost", "it is long ago")
				pending := strings.Contains(string(data), `"pending"`) && !strings.Contains(string(data), `"finished"`)
				require.Equal(t, pending, strings.Contains(shown, "until 2000-01-01T00:"))

				shown, err = c.do(t, verb[0], verb[1:]...)
				require.NoError(t, err)
				require.NotContains(t, shown, "cannot be used")
				kept, err := filepath.Glob(path + ".set-aside-*")
				require.NoError(t, err)
				require.Len(t, kept, 1)
				had, err := os.ReadFile(kept[0])
				require.NoError(t, err)
				require.Equal(t, string(data), string(had))
			}
		})
	}
}
