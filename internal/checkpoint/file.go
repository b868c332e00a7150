package checkpoint

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/google/renameio/v2"
)

// version of the file format. A file with a higher one is set aside, not guessed at.
const version = 1

// maxFileSize is far above what maxMarks marks need; a larger file is not ours.
const maxFileSize = 4 << 20

// noChecksum in place of a checksum marks a file that a person edited.
const noChecksum = "none"

// file is the format on disk, see the package documentation.
type file struct {
	Version  int       `json:"version"`
	Scope    Scope     `json:"scope"`
	Marks    []Mark    `json:"marks"`
	Newest   time.Time `json:"newest,omitzero"`
	Delivery Delivery  `json:"delivery,omitzero"`
	Finished bool      `json:"finished,omitempty"`
	Checksum string    `json:"checksum"`
}

// sum covers everything but itself, in compact form, so that white space is free.
func (f file) sum() string {
	f.Checksum = ""
	data, err := json.Marshal(f)
	if err != nil { // a time outside years 0 to 9999 cannot have been read from a file
		return ""
	}
	h := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(h[:])
}

// UnreadableError says that the operating system did not let the checkpoint be read: permission denied, an I/O error. The file may
// be perfectly good, so it stays where it is.
type UnreadableError struct {
	Path string // of the file
	Err  error  // the operating system's
}

func (e *UnreadableError) Error() string {
	return fmt.Sprintf("reading checkpoint %s: %v", e.Path, e.Err)
}

// Unwrap returns the operating system's error.
func (e *UnreadableError) Unwrap() error { return e.Err }

// load returns what the file at path holds. found is false when there is no such file; an error is always an
// [*UnreadableError].
func load(path string) (data []byte, found bool, err error) {
	r, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, &UnreadableError{Path: path, Err: cause(err)}
	}
	defer r.Close()
	data, err = io.ReadAll(io.LimitReader(r, maxFileSize+1))
	if err != nil {
		return nil, false, &UnreadableError{Path: path, Err: cause(err)}
	}
	return data, true, nil
}

// cause leaves out the path, which an [UnreadableError] names itself.
func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

// parse returns the file's content or why it cannot be used.
func parse(data []byte) (file, error) {
	if len(data) > maxFileSize {
		return file{}, errors.New("it is too large")
	}
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return file{}, fmt.Errorf("it is corrupt: %w", err)
	}
	if head.Version > version {
		return file{}, fmt.Errorf("it has version %d, this program knows up to %d", head.Version, version)
	}
	var f file
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return file{}, fmt.Errorf("it is corrupt: %w", err)
	}
	if f.Version != version {
		return file{}, fmt.Errorf("it is corrupt: version %d", f.Version)
	}
	if f.Checksum != noChecksum && f.Checksum != f.sum() {
		return file{}, errors.New(`it is corrupt: the checksum does not match; if it was edited by hand, write "checksum": "none"`)
	}
	for _, m := range f.Marks {
		if m.Cursor == "" {
			return file{}, errors.New("it is corrupt: a mark without cursor")
		}
	}
	return f, nil
}

// encode returns the file's content.
func (f file) encode() ([]byte, error) {
	f.Checksum = f.sum()
	data, err := json.MarshalIndent(f, "", "  ")
	return append(data, '\n'), err
}

// write replaces the file. renameio syncs the file before the rename; the folder is
// synced here, for without it the rename itself may be lost with the power.
func write(path string, data []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	// The temporary file must be on the same file system to be renamed.
	if err := renameio.WriteFile(path, data, 0o600, renameio.WithTempDir(dir),
		renameio.WithStaticPermissions(0o600)); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// removeTemporary deletes what a write that was killed left behind: renameio names
// its temporary files .NAME followed by digits.
func removeTemporary(path string) {
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"[0-9]*"))
	for _, name := range left {
		_ = os.Remove(name) // not ours to fail on: the next start tries again
	}
}
