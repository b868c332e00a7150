//go:build !windows

package checkpoint

import (
	"errors"
	"os"
	"syscall"
)

// isLocked reports whether a process has the lock of a file. It holds a shared lock for a moment: a process that starts in this moment
// tries again a second later.
func isLocked(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close() // which ends the lock
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	if errors.Is(err, errLocked) {
		return true, nil
	}
	return false, nil // also where the file system has no locks: whether it is held is not known
}
