//go:build !windows

package checkpoint

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatRootMakesIsItsOwners(t *testing.T) {
	if os.Geteuid() != 0 { // then everything made here is ours in any case
		require.NoError(t, OwnerOf(t.TempDir()).Keep())
		return
	}
	for _, made := range []string{"", "data/component", "data"} {
		base := t.TempDir()
		require.NoError(t, os.Chown(base, 4711, 4712))
		if made == "" {
			made = "."
		}
		o := OwnerOf(filepath.Join(base, made))
		dir := filepath.Join(base, made)
		require.NoError(t, os.MkdirAll(dir, 0o750))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
		require.NoError(t, o.Keep())
		for path := filepath.Join(dir, "file"); path != filepath.Dir(base); path = filepath.Dir(path) {
			info, err := os.Stat(path)
			require.NoError(t, err)
			require.EqualValues(t, 4711, info.Sys().(*syscall.Stat_t).Uid, path)
			require.EqualValues(t, 4712, info.Sys().(*syscall.Stat_t).Gid, path)
		}
	}
}
