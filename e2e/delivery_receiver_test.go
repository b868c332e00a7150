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

	"github.com/grafana/alloy/okta/internal/testbed"
)

// receiver takes pushes as Loki does and keeps everything, doubles too.
type receiver struct {
	*httptest.Server

	got pushed
}

func startReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Server.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	compressed, err := io.ReadAll(req.Body)
	if err != nil {
		return // the client was killed
	}
	if err := r.got.add(compressed); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// pushed is how often each entry was pushed. It is safe for concurrent use.
type pushed struct {
	mut   sync.Mutex
	times map[record]int
	tries map[string]bool // entries of a push, see addOf
}

// add counts the entries of a push, as Loki gets it: compressed protobuf.
func (p *pushed) add(compressed []byte) error {
	body, err := snappy.Decode(nil, compressed)
	if err != nil {
		return err
	}
	var request lokipush.PushRequest
	if err := request.Unmarshal(body); err != nil {
		return err
	}
	p.mut.Lock()
	defer p.mut.Unlock()
	if p.times == nil {
		p.times = map[record]int{}
	}
	for _, stream := range request.Streams {
		for _, entry := range stream.Entries {
			p.times[record{time: entry.Timestamp.UTC(), line: strings.Clone(entry.Line)}]++
		}
	}
	return nil
}

// entries returns what was pushed, each entry as often as it was.
func (p *pushed) entries() (all []testbed.Entry) {
	p.mut.Lock()
	defer p.mut.Unlock()
	for r, times := range p.times {
		for range times {
			all = append(all, testbed.Entry{Time: r.time, Line: r.line})
		}
	}
	return all
}

// entries is how many entries came, doubles included.
func (r *receiver) entries() int { return len(r.got.entries()) }

// missing returns the records that have not come.
func (r *receiver) missing(all []record) (missing []record) {
	r.got.mut.Lock()
	defer r.got.mut.Unlock()
	for _, due := range all {
		if r.got.times[due] == 0 {
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
	r.got.mut.Lock()
	defer r.got.mut.Unlock()
	require.Len(t, r.got.times, len(all), "what came twice is the same to the byte")
}
