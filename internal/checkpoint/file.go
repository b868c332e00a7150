package checkpoint

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"syscall"
	"time"
)

// version of the file format. A file that needs a reader of a higher one is set aside, not guessed at.
const version = 1

// maxFileSize is far above what maxMarks marks need; a larger file is not ours.
const maxFileSize = 4 << 20

// noChecksum in place of a checksum marks a file that a person edited.
const noChecksum = "none"

// byteOrderMark is what editors on Windows put before UTF-8.
const byteOrderMark = "\ufeff"

// file is the format on disk, see the package documentation.
type file struct {
	Version int `json:"version"`
	// LeastReader is the lowest version that a program must know to use the file; 0: Version.
	LeastReader int       `json:"least_reader,omitempty"`
	Scope       Scope     `json:"scope"`
	Marks       []Mark    `json:"marks"`
	Newest      time.Time `json:"newest,omitzero"`
	Delivery    Delivery  `json:"delivery,omitzero"`
	Finished    bool      `json:"finished,omitempty"`
	Checksum    string    `json:"checksum"`

	others []member // that a later version wrote
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

// load returns what the file at path holds. found is false when there is no such file; an error is always an [*UnreadableError].
func load(on files, path string) (data []byte, found bool, err error) {
	err = patiently(on, func() (err error) {
		data, err = on.read(path)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, false, nil
	}
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
	data = bytes.TrimPrefix(data, []byte(byteOrderMark))
	var head struct {
		Version     int `json:"version"`
		LeastReader int `json:"least_reader"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return file{}, fmt.Errorf("it is corrupt: %w", err)
	}
	switch least := cmp.Or(head.LeastReader, head.Version); {
	case least > version:
		return file{}, fmt.Errorf("it has version %d, which a program must know version %d to read; this one knows up to %d",
			head.Version, least, version)
	case head.Version < 1 || least < 1:
		return file{}, fmt.Errorf("it is corrupt: version %d, least_reader %d", head.Version, head.LeastReader)
	}
	var f file
	if err := json.Unmarshal(data, &f); err != nil {
		return file{}, fmt.Errorf("it is corrupt: %w", err)
	}
	members, err := membersOf(data)
	if err != nil {
		return file{}, fmt.Errorf("it is corrupt: %w", err)
	}
	if f.Checksum != noChecksum && f.Checksum != sum(members) {
		return file{}, errors.New(`it is corrupt: the checksum does not match; if it was edited by hand, write "checksum": "none"`)
	}
	for _, m := range f.Marks {
		if m.Cursor == "" {
			return file{}, errors.New("it is corrupt: a mark without cursor")
		}
	}
	f.others = unknown(members)
	return f, nil
}

// encode returns the file's content.
func (f file) encode() ([]byte, error) {
	f.Checksum = ""
	data, err := json.Marshal(f)
	if err != nil { // a time outside years 0 to 9999 cannot have been read from a file
		return nil, err
	}
	members, err := membersOf(data)
	if err != nil {
		return nil, err
	}
	members = slices.Insert(members, len(members)-1, f.others...) // the checksum stays the last one
	members[len(members)-1].value = fmt.Appendf(nil, "%q", sum(members))
	var indented bytes.Buffer
	err = json.Indent(&indented, object(members), "", "  ")
	return append(indented.Bytes(), '\n'), err
}
