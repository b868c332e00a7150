package checkpoint

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// As seen: started once as root, then as its own user. The folder is the new user's, so the file could be renamed away; it must not be.
func TestForbiddenFileStaysAndIsReadLater(t *testing.T) {
	dir, j := filled(t, 3)
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	require.NoError(t, os.Chmod(dir, 0o777))
	require.NoError(t, os.Chmod(j.path, 0))

	asAnotherUser(t, func() {
		got, notes, err := Open(dir, testScope, time.Minute)
		requireUnreadable(t, err, syscall.EACCES, j.path)
		require.Nil(t, got)
		require.Empty(t, notes)
	})

	require.NoError(t, os.Chmod(j.path, 0o600))
	again, notes, err := Open(dir, testScope, time.Minute)
	require.NoError(t, err)
	require.Empty(t, notes)
	require.Equal(t, j.marks, again.marks, "nothing was lost meanwhile")
}

// A file that opens and then fails to be read. On a real disk that is EIO; what every file system offers for it is a folder, EISDIR.
func TestFileThatFailsToBeReadStays(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, FileName(testScope.Org))
	require.NoError(t, os.Mkdir(path, 0o700))
	_, _, err := Open(dir, testScope, time.Minute)
	requireUnreadable(t, err, syscall.EISDIR, path)
	require.DirExists(t, path)
}

func requireUnreadable(t *testing.T, err error, cause syscall.Errno, path string) {
	t.Helper()
	var unreadable *UnreadableError
	require.ErrorAs(t, err, &unreadable)
	require.ErrorIs(t, err, cause)
	require.Equal(t, "reading checkpoint "+path+": "+cause.Error(), err.Error())
	entries, dirErr := os.ReadDir(filepath.Dir(path))
	require.NoError(t, dirErr)
	require.Len(t, entries, 1, "nothing is set aside")
}

// asAnotherUser calls do with the file permissions of an unprivileged user. The kernel keeps them for each thread (setfsuid(2)),
// and takes the privilege to read anything away with them. Who is not root already is such a user.
func asAnotherUser(t *testing.T, do func()) {
	t.Helper()
	if os.Getuid() != 0 {
		do()
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	require.NoError(t, syscall.Setfsuid(65534))
	defer func() { require.NoError(t, syscall.Setfsuid(0)) }()
	do()
}
