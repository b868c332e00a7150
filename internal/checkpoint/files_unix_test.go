//go:build !windows

package checkpoint

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// A file system that syncs no folder keeps nobody from writing; a folder that fails to be synced, or is not there, does.
func TestOnlyAFolderThatCannotBeSyncedIsLeftUnsynced(t *testing.T) {
	for err, left := range map[error]bool{syscall.EINVAL: true, syscall.ENOTSUP: true, syscall.EBADF: true, syscall.EIO: false,
		syscall.ENOSPC: false, errors.New("other"): false} {
		require.Equal(t, left, noFolderSync(&os.PathError{Op: "sync", Path: "x", Err: err}), "%v", err)
	}
	require.NoError(t, system{}.syncFolder(t.TempDir()))
	require.ErrorIs(t, system{}.syncFolder(filepath.Join(t.TempDir(), "missing")), os.ErrNotExist)
}
