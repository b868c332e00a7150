package oktaapi

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"

	"github.com/grafana/alloy/okta/internal/httptext"
)

// Memory that is kept for the next page. A body is 2 MB, and to touch new memory costs more than to decode these bytes.
var (
	bodies      sync.Pool // of *bytes.Buffer: bodies that were released
	packed      sync.Pool // of *bytes.Buffer: bodies before they were decoded
	gzipReaders sync.Pool // of *gzip.Reader, which hold 40 KB of tables each
)

// readBody reads and decodes at most limit bytes. A body that is longer gives ErrBodyTooLarge, one that was cut off gives
// io.ErrUnexpectedEOF. klauspost/compress decodes in about two thirds of the standard library's time when it reads from memory rather than
// from the connection. received is called when nothing more comes from the connection; its error is returned.
func readBody(resp *http.Response, limit int64, received func() error) (*bytes.Buffer, error) {
	src, size := io.Reader(resp.Body), resp.ContentLength
	switch enc := strings.ToLower(strings.TrimSpace(resp.Header.Get("Content-Encoding"))); enc {
	case "", "identity":
	case "gzip", "x-gzip":
		whole := buffer(&packed)
		defer packed.Put(whole)
		if err := readAll(whole, src, size, limit); err != nil {
			return new(bytes.Buffer), err
		}
		if err := received(); err != nil {
			return new(bytes.Buffer), err
		}
		size, received = decodedSize(whole.Bytes()), always
		zr, err := gzipReader(whole)
		if err != nil {
			return new(bytes.Buffer), fmt.Errorf("decoding gzip: %w", err)
		}
		defer gzipReaders.Put(zr)
		src = zr
	default:
		return new(bytes.Buffer), fmt.Errorf("content encoding %q was not asked for", httptext.Clean(enc, 40))
	}
	body := buffer(&bodies)
	if err := readAll(body, src, size, limit); err != nil {
		return body, err
	}
	return body, received()
}

func always() error { return nil }

// readAll reads at most limit bytes into buf, of which size are expected.
func readAll(buf *bytes.Buffer, src io.Reader, size, limit int64) error {
	// Grow would double what is there, and pages of one size differ by little.
	if need := int(max(0, min(size, limit))) + bytes.MinRead; buf.Cap() < need {
		*buf = *bytes.NewBuffer(make([]byte, 0, need+need/8))
	}
	n, err := buf.ReadFrom(io.LimitReader(src, limit+1))
	if n > limit {
		buf.Reset()
		return ErrBodyTooLarge
	}
	return err
}

// decodedSize is the size that a gzip stream says its content has (RFC 1952, 2.3.1), if that is possible: deflate makes at most 1032 bytes
// of one.
func decodedSize(stream []byte) int64 {
	if len(stream) < 18 {
		return 0
	}
	return min(int64(binary.LittleEndian.Uint32(stream[len(stream)-4:])), 1032*int64(len(stream)))
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

func buffer(from *sync.Pool) *bytes.Buffer {
	if b, ok := from.Get().(*bytes.Buffer); ok {
		b.Reset()
		return b
	}
	return new(bytes.Buffer)
}
