package checkpoint

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// MaxCopy is the largest copy of a journal that is taken from another node, in bytes: maxMarks URLs of 8 KiB, which is what HTTP servers
// take for a request line as a rule (nginx, large_client_header_buffers), and as much again for their escapes and the rest.
const MaxCopy = 1 << 20

// maxAhead is how far in the future a copy's times may lie: further than nodes' clocks differ. Without a bound, one with a wrong clock
// would stay the newest for ever.
const maxAhead = 10 * time.Minute

// Read checks a copy of org's journal that another node sent and returns when it was written, by its writer's clock.
func Read(data []byte, org string) (written time.Time, err error) {
	f, err := parseCopy(data, org)
	return f.written(), err
}

func parseCopy(data []byte, org string) (file, error) {
	if len(data) > MaxCopy {
		return file{}, errors.New("it is too large")
	}
	f, err := parse(data)
	switch {
	case err != nil:
		return file{}, err
	case f.Scope.Org != org:
		return file{}, fmt.Errorf("it belongs to %s", f.Scope.Org)
	case time.Until(f.written()) > maxAhead:
		return file{}, fmt.Errorf("it was written in the future, at %s", f.written())
	}
	return f, nil
}

// written is when the newest mark was made, or when it was last noted how far delivery was about to get.
func (f file) written() (at time.Time) {
	if n := len(f.Marks); n > 0 {
		at = f.Marks[n-1].Delivered
	}
	if p := f.Delivery.Pending; p != nil && p.Delivered.After(at) {
		at = p.Delivered
	}
	return at
}

// Current returns what the file of org in the folder dir holds, nil when there is none or it cannot be read.
func Current(dir, org string) []byte { return current(filepath.Join(dir, FileName(org)), org) }

// Standby returns the copy that is kept for another node, nil when there is none or it is of no use.
func Standby(dir, org string) []byte { return current(standbyPath(dir, org), org) }

// WriteStandby keeps a copy of another node's journal in <org host>.standby.json, as durable as the journal itself.
func WriteStandby(dir, org string, data []byte) error {
	if err := write(system{}, standbyPath(dir, org), data); err != nil {
		return fmt.Errorf("writing standby checkpoint: %w", err)
	}
	return nil
}

func standbyPath(dir, org string) string {
	return filepath.Join(dir, strings.TrimSuffix(FileName(org), ".json")+".standby.json")
}

func current(path, org string) []byte {
	data, found, err := load(system{}, path)
	if err != nil || !found {
		return nil
	}
	if _, err := parseCopy(data, org); err != nil {
		return nil
	}
	return data
}
