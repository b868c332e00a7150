package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	lokipush "github.com/grafana/loki/pkg/push"
	"github.com/klauspost/compress/snappy"

	"github.com/grafana/alloy/okta/internal/testbed"
)

// gone as a gate's answer: connections end without one.
const gone = -1

// gate is a reverse proxy in front of a Loki that can misbehave. A push is either not passed on at all or answered as Loki answers it: an
// answer that gets lost behind a push that Loki took makes loki.write push again, and such a double is not alloy-okta's to prevent.
type gate struct {
	*httptest.Server
	loki *testbed.Loki

	took pushed // what Loki took, without what loki.write pushed again

	mut    sync.RWMutex              // held for reading while a request is passed on
	answer int                       // what pushes are answered; 0: what Loki answers; gone: nothing, nor are queries
	refuse func(lokipush.Stream) int // the status for a stream, 0 to take it; the other streams of the push are taken. Nil: all are
	takes  time.Duration             // until a query is passed on

	rest    sync.Map     // what Loki has not taken yet of a push, by the push's hash
	spoilt  atomic.Int64 // pushes that were not passed on
	queries atomic.Int64 // requests that were no push
	slow    atomic.Bool  // pushes take three seconds
}

func startGate(t *testing.T, loki *testbed.Loki) *gate {
	t.Helper()
	g := &gate{loki: loki}
	g.Server = httptest.NewServer(g)
	t.Cleanup(g.Server.Close)
	return g
}

// set changes how the gate answers from now on. What was being passed on has been answered when it returns.
func (g *gate) set(answer int) {
	g.mut.Lock()
	defer g.mut.Unlock()
	g.answer = answer
}

// change changes how the gate answers from now on, like set.
func (g *gate) change(f func()) {
	g.mut.Lock()
	defer g.mut.Unlock()
	f()
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the client was killed
	}
	push := strings.HasSuffix(r.URL.Path, "/push")
	if !push {
		g.queries.Add(1)
		g.delay(r.Context())
	}
	g.mut.RLock()
	defer g.mut.RUnlock()
	if push && g.answer != 0 {
		g.spoilt.Add(1)
	}
	switch {
	case g.answer == gone:
		panic(http.ErrAbortHandler)
	case g.answer != 0 && push:
		http.Error(w, "the gate says no", g.answer)
		return
	}
	if push && g.slow.Load() {
		time.Sleep(3 * time.Second)
	}
	whole, refused := sha256.Sum256(body), 0
	if push {
		if body, refused = g.part(whole, body); refused != 0 {
			g.spoilt.Add(1)
		}
	}
	if body == nil {
		http.Error(w, "the gate says no to all streams", refused)
		return
	}
	// The client's end does not end this one: a push that has arrived is taken, as by a Loki without a proxy.
	passed, err := http.NewRequest(r.Method, g.loki.URL()+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	passed.Header = r.Header.Clone()
	resp, err := http.DefaultClient.Do(passed)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer resp.Body.Close()
	if push && resp.StatusCode == http.StatusNoContent {
		if err := g.took.addOf(whole, body); err != nil {
			panic(err) // Loki could read it
		}
	}
	if refused != 0 {
		http.Error(w, "the gate says no to a stream", refused)
		return
	}
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body)
}

// delay waits for as long as a query takes, or until its client has left.
func (g *gate) delay(ctx context.Context) {
	g.mut.RLock()
	takes := g.takes
	g.mut.RUnlock()
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		panic(http.ErrAbortHandler)
	}
}

// part is what is passed on of a push, nil when it is nothing, and the status that the rest is refused with, 0 when there is none. Of
// a push that comes again, what Loki has taken is left out: whether Loki drops it is not what these trials are about.
func (g *gate) part(whole [sha256.Size]byte, body []byte) (taken []byte, status int) {
	if rest, again := g.rest.Load(whole); again {
		body = rest.([]byte)
	}
	if g.refuse == nil {
		g.rest.Delete(whole)
		return body, 0
	}
	taken, rest, status := g.split(body)
	if status != 0 {
		g.rest.Store(whole, rest)
	}
	return taken, status
}

// split divides a push into what is taken, nil when it is nothing, and what is refused, with the status of the last stream of it.
func (g *gate) split(compressed []byte) (taken, rest []byte, status int) {
	body, err := snappy.Decode(nil, compressed)
	if err != nil {
		panic(err)
	}
	var request, yes, no lokipush.PushRequest
	if err := request.Unmarshal(body); err != nil {
		panic(err)
	}
	for _, stream := range request.Streams {
		if refused := g.refuse(stream); refused != 0 {
			status = refused
			no.Streams = append(no.Streams, stream)
			continue
		}
		yes.Streams = append(yes.Streams, stream)
	}
	return encode(yes), encode(no), status
}

// encode writes a push as loki.write does; nil when it has no stream.
func encode(request lokipush.PushRequest) []byte {
	if len(request.Streams) == 0 {
		return nil
	}
	body, err := request.Marshal()
	if err != nil {
		panic(err)
	}
	return snappy.Encode(nil, body)
}

// addOf counts the entries of a push, or of the part of it that was taken, but for those that a former try of the same push brought: the
// bytes of a batch are the same in each try.
func (p *pushed) addOf(whole [sha256.Size]byte, compressed []byte) error {
	var fresh pushed
	if err := fresh.add(compressed); err != nil {
		return err
	}
	p.mut.Lock()
	defer p.mut.Unlock()
	if p.times == nil {
		p.times = map[record]int{}
	}
	if p.tries == nil {
		p.tries = map[string]bool{}
	}
	for r, times := range fresh.times {
		try := fmt.Sprintf("%x %d %s", whole, r.time.UnixNano(), r.line)
		if !p.tries[try] {
			p.tries[try] = true
			p.times[r] += times
		}
	}
	return nil
}
