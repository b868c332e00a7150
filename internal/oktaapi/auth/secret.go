package auth

import (
	"os"
	"sync"
	"time"
)

// Secret returns what only holders of the API token know, to derive keys from. Of several tokens it is the first one's, whichever is in
// use: nodes with the same list agree.
func (s *SSWS) Secret() []byte { return []byte(s.tokens[0]) }

// Secret returns what only holders of the private key know, in whatever form they have it, to derive keys from; nil: there is no key yet.
// With a key file it is that of the file as it is now, or of the last good one. It is safe for concurrent use and asks no server.
func (a *PrivateKeyJWT) Secret() []byte {
	if a.opts.PrivateKeyFile == "" {
		return a.keys.key.secret // which does not change
	}
	return a.file.secret(a.opts.PrivateKeyFile, a.opts.KeyID)
}

// fileSecret reads a key file again when it was replaced.
type fileSecret struct {
	mu      sync.Mutex
	written time.Time
	size    int64
	last    []byte
}

func (f *fileSecret) secret(path, keyID string) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(path)
	if err != nil || info.ModTime().Equal(f.written) && info.Size() == f.size {
		return f.last
	}
	if key, err := readKeyFile(path, keyID); err == nil { // else it may be half written, and is read again the next time
		f.last, f.written, f.size = key.secret, info.ModTime(), info.Size()
	}
	return f.last
}
