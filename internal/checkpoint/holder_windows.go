package checkpoint

import (
	"errors"
	"os"
)

// isLocked reports whether a process has the lock of a file, which it does not share.
func isLocked(path string) (bool, error) {
	f, err := os.Open(path)
	if errors.Is(err, errLocked) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return false, f.Close()
}
