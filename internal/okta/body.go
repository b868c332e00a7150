package okta

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
)

// sizeHint remembers how large the last body was, so that the next one is read into
// a buffer that need not grow.
type sizeHint struct{ last atomic.Int64 }

// gzip readers hold 40 KB of tables each; they are kept for the next page.
var gzipReaders sync.Pool

// readBody reads and decodes at most limit bytes. A body that is longer gives
// ErrBodyTooLarge, one that is cut gives io.ErrUnexpectedEOF. klauspost/compress
// decodes in about two thirds of the standard library's time.
func readBody(resp *http.Response, limit int64, hint *sizeHint) ([]byte, error) {
	var src io.Reader = resp.Body
	switch enc := strings.ToLower(strings.TrimSpace(resp.Header.Get("Content-Encoding"))); enc {
	case "", "identity":
	case "gzip", "x-gzip":
		zr, err := gzipReader(resp.Body)
		if err != nil {
			return nil, fmt.Errorf("decoding gzip: %w", err)
		}
		defer gzipReaders.Put(zr)
		src = zr
	default:
		return nil, fmt.Errorf("content encoding %q was not asked for", printable(enc, 40))
	}
	var buf bytes.Buffer
	if resp.StatusCode == http.StatusOK {
		buf.Grow(int(min(hint.last.Load()*9/8, limit)) + bytes.MinRead)
	}
	n, err := buf.ReadFrom(io.LimitReader(src, limit+1))
	if n > limit {
		return nil, ErrBodyTooLarge
	}
	if err == nil && resp.StatusCode == http.StatusOK {
		hint.last.Store(n)
	}
	return buf.Bytes(), err
}

func gzipReader(r io.Reader) (*gzip.Reader, error) {
	if zr, ok := gzipReaders.Get().(*gzip.Reader); ok {
		if err := zr.Reset(r); err != nil {
			gzipReaders.Put(zr)
			return nil, err
		}
		return zr, nil
	}
	return gzip.NewReader(r)
}
