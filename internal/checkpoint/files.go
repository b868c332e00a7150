package checkpoint

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// files is what is done to files, and what a system promises of it. Tests put a simulated disk in the place of [system], which crashes at
// any step by the rules of each platform: that is why the steps stand here, and not in a library that knows one platform.
type files interface {
	read(path string) ([]byte, error)             // maxFileSize+1 bytes at most
	list(dir string) ([]string, error)            // names
	makeFolder(dir string) error                  // and its parents
	create(dir, prefix string) (temporary, error) // a new file, whose name is prefix and digits
	rename(from, to string) error                 // in to's place
	remove(path string) error
	syncFolder(dir string) error // nil where no folder can be synced

	// busy reports whether an error passes by itself: another program, or a goroutine of this one, has the file open.
	busy(err error) bool
	// tears reports whether a crash in the middle of a rename may leave no file of the name.
	tears() bool
}

// temporary is a file that is not under its name yet.
type temporary interface {
	io.WriteCloser
	Name() string
	Sync() error
}

// system is the disk of the machine. files_unix.go and files_windows.go say the rest.
type system struct{}

func (system) read(path string) ([]byte, error) {
	r, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, maxFileSize+1))
}

func (system) list(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

func (system) makeFolder(dir string) error { return os.MkdirAll(dir, 0o750) }

func (system) create(dir, prefix string) (temporary, error) { return os.CreateTemp(dir, prefix) } // its mode is 0600

func (system) remove(path string) error { return os.Remove(path) }

// busyTimeout is how long to wait for a file that another program has open, such as a virus scanner. Go's own tools wait as long on Windows
// (cmd/internal/robustio, arbitraryTimeout).
const busyTimeout = 2 * time.Second

// patiently does something that fails while somebody else has a file open.
func patiently(on files, do func() error) error {
	for begin, wait := time.Now(), time.Millisecond; ; wait *= 2 {
		err := do()
		left := busyTimeout - time.Since(begin)
		switch {
		case err == nil || !on.busy(err):
			return err
		case left <= 0:
			return fmt.Errorf("%w (for %s: another program has it open, or it is read-only)", err, busyTimeout)
		}
		time.Sleep(min(wait, left))
	}
}

// write replaces the file, durably, and makes its folder.
func write(on files, path string, data []byte) (err error) {
	dir := filepath.Dir(path)
	if err := on.makeFolder(dir); err != nil {
		return err
	}
	// In the same folder: what is on another file system cannot be renamed.
	f, err := on.create(dir, temporaryPrefix(path))
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close() // which may have been done
			_ = on.remove(f.Name())
		}
	}()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil { // before the rename: else the name may last and the content not
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return move(on, f.Name(), path)
}

// move renames a file within its folder, durably: without the folder's sync, the power may take the rename with it.
func move(on files, from, to string) error {
	if err := patiently(on, func() error { return on.rename(from, to) }); err != nil {
		return err
	}
	return on.syncFolder(filepath.Dir(to))
}

func temporaryPrefix(path string) string { return "." + filepath.Base(path) }

// temporaries are the files that writes of path left behind which were killed.
func temporaries(on files, path string) (left []string) {
	names, _ := on.list(filepath.Dir(path))
	for _, name := range names {
		if digits, ok := strings.CutPrefix(name, temporaryPrefix(path)); ok && digits != "" && strings.Trim(digits, "0123456789") == "" {
			left = append(left, filepath.Join(filepath.Dir(path), name))
		}
	}
	return left
}
