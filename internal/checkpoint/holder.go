package checkpoint

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Holder returns who uses the folder dir, nil when nobody does. It writes nothing, creates nothing, and does not take the folder: for
// those who only look.
func Holder(dir string) (*HeldError, error) {
	held, err := isLocked(filepath.Join(dir, lockName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil || !held {
		return nil, err
	}
	return heldBy(dir), nil
}

// heldBy is what is known of the process that has the lock of dir.
func heldBy(dir string) *HeldError {
	e := &HeldError{}
	if data, err := os.ReadFile(filepath.Join(dir, holderName)); err != nil || json.Unmarshal(data, e) != nil {
		e = &HeldError{}
	}
	e.Dir = dir
	return e
}
