package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/prometheus/tsdb/fileutil"
)

// lockName is the file whose lock says that a process uses the folder, and holderName the one that says which: where a lock keeps others
// from reading, as on Windows, the first cannot. Both stay: a lock ends with its process, however that ends, and not with its file.
const (
	lockName   = "lock"
	holderName = "lock.holder"
)

// Lock is a folder that belongs to this process. It is safe for concurrent use.
type Lock struct{ held fileutil.Releaser }

// HeldError says that another process uses a folder, or this one twice.
type HeldError struct {
	Dir   string    `json:"-"`
	PID   int       `json:"pid"`  // 0: it is not known who
	Host  string    `json:"host"` // of the process; in a container, the container's name
	Since time.Time `json:"since"`
}

func (e *HeldError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("another process uses %s", e.Dir)
	}
	return fmt.Sprintf("another process uses %s: pid %d on %s, since %s", e.Dir, e.PID, e.Host, e.Since.UTC().Format(time.RFC3339))
}

// Acquire takes the folder dir, which is created when missing, for this process until Release or the process's end. It does not wait:
// while another process has the folder, the error is a [*HeldError]. Any other means that the folder cannot be locked, because it cannot
// be written or its file system has no locks, and whether another process uses it is not known.
func Acquire(dir string) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, cause(err)
	}
	held, _, err := fileutil.Flock(filepath.Join(dir, lockName))
	if errors.Is(err, errLocked) {
		return nil, heldBy(dir)
	}
	if err != nil {
		return nil, cause(err)
	}
	host, _ := os.Hostname()
	if data, err := json.Marshal(HeldError{PID: os.Getpid(), Host: host, Since: time.Now().UTC()}); err == nil {
		_ = os.WriteFile(filepath.Join(dir, holderName), append(data, '\n'), 0o600) // only for another process's message
	}
	return &Lock{held}, nil
}

// Release gives the folder back.
func (l *Lock) Release() { _ = l.held.Release() } // which closes a file that was not written to
