//go:build !windows

package checkpoint

import (
	"errors"
	"os"
	"syscall"
)

// rename is atomic (POSIX, rename).
func (system) rename(from, to string) error { return os.Rename(from, to) }

// syncFolder has what a folder names last. Not every file system can: SMB's and some in user space refuse it, and then there is nothing
// more to be had. PostgreSQL leaves such errors out, too (src/common/file_utils.c, fsync_fname).
func (system) syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !noFolderSync(err) {
		return err
	}
	return nil
}

func noFolderSync(err error) bool {
	return errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EBADF) || errors.Is(err, syscall.ENOTSUP)
}

// busy: a file that is open can be renamed, replaced and read.
func (system) busy(error) bool { return false }

func (system) tears() bool { return false }
