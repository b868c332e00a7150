package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	lokipush "github.com/grafana/loki/pkg/push"
	"github.com/klauspost/compress/snappy"
	"github.com/stretchr/testify/require"
)

// receiver takes pushes as Loki does and keeps everything, doubles too.
type receiver struct {
	*httptest.Server

	mut sync.Mutex
	got map[record]int
}

func startReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{got: map[record]int{}}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Server.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	compressed, err := io.ReadAll(req.Body)
	if err != nil {
		return // the client was killed
	}
	body, err := snappy.Decode(nil, compressed)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var request lokipush.PushRequest
	if err := request.Unmarshal(body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mut.Lock()
	defer r.mut.Unlock()
	for _, stream := range request.Streams {
		for _, entry := range stream.Entries {
			r.got[record{time: entry.Timestamp.UTC(), line: strings.Clone(entry.Line)}]++
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

// entries is how many entries came, doubles included.
func (r *receiver) entries() (n int) {
	r.mut.Lock()
	defer r.mut.Unlock()
	for _, times := range r.got {
		n += times
	}
	return n
}

// missing returns the records that have not come.
func (r *receiver) missing(all []record) (missing []record) {
	r.mut.Lock()
	defer r.mut.Unlock()
	for _, due := range all {
		if r.got[due] == 0 {
			missing = append(missing, due)
		}
	}
	return missing
}

// waitFor waits until all records have come, or until that takes too long: requireAtLeastOnce then says what is missing.
func (r *receiver) waitFor(t *testing.T, all []record) {
	t.Helper()
	for end := time.Now().Add(time.Minute); len(r.missing(all)) > 0 && time.Now().Before(end); {
		time.Sleep(200 * time.Millisecond)
	}
}

// requireAtLeastOnce asserts that every record came, and nothing that is not a record.
func (r *receiver) requireAtLeastOnce(t *testing.T, all []record) {
	t.Helper()
	if missing := r.missing(all); len(missing) > 0 {
		t.Fatalf("the second receiver lacks %s", difference{missing: missing})
	}
	r.mut.Lock()
	defer r.mut.Unlock()
	require.Len(t, r.got, len(all), "what came twice is the same to the byte")
}
