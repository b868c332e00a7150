package oktasim

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/klauspost/compress/gzip"
)

// reply is an answer that was computed and not yet written.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// edgeHeaders adds to h what every answer of an Okta org carries. The clock in Date is the org's, which is why it is not left to net/http.
func (o *Org) edgeHeaders(h http.Header) http.Header {
	if h == nil {
		h = http.Header{}
	}
	h.Set("Date", o.now().Format(http.TimeFormat))
	h.Set("X-Okta-Request-Id", requestID())
	h.Set("Server", "nginx")
	h.Set("Cache-Control", "no-cache, no-store")
	h.Set("Pragma", "no-cache")
	h.Set("Expires", "0")
	h.Set("Vary", "Accept-Encoding")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Strict-Transport-Security", "max-age=315360000; includeSubDomains")
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json")
	}
	return h
}

// worthCompressing is the size below which Okta's edge leaves a body alone.
const worthCompressing = 256

func (a reply) writeTo(w http.ResponseWriter, r *http.Request) {
	body := a.begin(w, r)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client may be gone: its own business
	}
}

// begin sends status and headers, and returns the body that they announce.
func (a reply) begin(w http.ResponseWriter, r *http.Request) []byte {
	body := a.body
	if len(body) >= worthCompressing && acceptsGzip(r) {
		body = compress(body)
		a.header.Set("Content-Encoding", "gzip")
	}
	a.header.Set("Content-Length", strconv.Itoa(len(body)))
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.status)
	return body
}

// compressors are *gzip.Writer: a new one costs 0.8 MB, which is more than what most answers cost.
var compressors = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is a constant that is allowed
	return z
}}

func compress(body []byte) []byte {
	z := compressors.Get().(*gzip.Writer)
	defer compressors.Put(z)
	var b bytes.Buffer
	z.Reset(&b)
	_, _ = z.Write(body)
	_ = z.Close() // a bytes.Buffer takes everything
	return b.Bytes()
}

// gzipped is a list of codings with gzip, or all, whose weight is not 0.
var gzipped = regexp.MustCompile(`(?i)(?:^|,)\s*(?:gzip|\*)\s*(?:,|$|;\s*q\s*=\s*(?:1|0?\.0*[1-9]))`)

func acceptsGzip(r *http.Request) bool {
	return gzipped.MatchString(strings.Join(r.Header.Values("Accept-Encoding"), ","))
}

// statusWriter remembers the status that was sent.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController flush through.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// wait pauses for d and reports whether ctx outlived it.
func wait(ctx context.Context, d time.Duration) bool {
	if d > 0 {
		select {
		case <-time.After(d):
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil
}

func requestID() string { return strings.ReplaceAll(uuid.NewString(), "-", "") }
