package auth

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// maxKeyFile is far above any key; it keeps a wrong path from filling memory.
const maxKeyFile = 1 << 20

// keySource gives the key for the next assertion. It is not safe for concurrent use.
type keySource struct {
	path  string // "": key is fixed
	keyID string
	key   *signingKey // the last good one, nil before
	err   error       // of the last read of path
}

// load reads the file again. A file that is gone or damaged, as it can be for a moment while it is being replaced, leaves the last good key
// in place: Okta decides whether that one is still good.
func (s *keySource) load() (*signingKey, error) {
	if s.path == "" {
		return s.key, nil
	}
	key, err := readKeyFile(s.path, s.keyID)
	s.err = err
	if err == nil {
		s.key = key
	}
	if s.key == nil {
		return nil, err
	}
	return s.key, nil
}

func readKeyFile(path, keyID string) (*signingKey, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("private_key_file cannot be read: %w", err)
	}
	switch {
	case !info.Mode().IsRegular(): // A FIFO would block, without a way to give up.
		return nil, fmt.Errorf("private_key_file %q is a %s: a regular file is required", path, describeMode(info.Mode()))
	case info.Size() > maxKeyFile:
		return nil, fmt.Errorf("private_key_file %q has %d bytes: a key file has at most %d", path, info.Size(), maxKeyFile)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("private_key_file cannot be read: %w", err)
	}
	key, err := parseKey(text, keyID)
	if err != nil {
		return nil, fmt.Errorf("private_key_file %q %w", path, err)
	}
	return key, nil
}

func describeMode(m fs.FileMode) string {
	if m.IsDir() {
		return "directory"
	}
	return "special file"
}

// isMissing tells a file that may still appear from one that is wrong.
func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
