package checkpoint

import (
	"errors"
	"syscall"

	"github.com/natefinch/atomic"
)

// rename is written through before it returns (MoveFileEx, MOVEFILE_WRITE_THROUGH), for no folder can be synced.
func (system) rename(from, to string) error { return atomic.ReplaceFile(from, to) }

func (system) syncFolder(string) error { return nil }

// busy: what is open without FILE_SHARE_DELETE can be neither renamed nor replaced, also what Go opened.
func (system) busy(err error) bool {
	return errors.Is(err, errLocked) || errors.Is(err, syscall.ERROR_ACCESS_DENIED)
}

// tears: Microsoft promises of MoveFileEx that what it did lasts, and not that nothing is seen of it half done.
func (system) tears() bool { return true }
