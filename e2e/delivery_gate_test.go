package e2e

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grafana/alloy/okta/internal/testbed"
)

// gone as a gate's answer: connections end without one.
const gone = -1

// gate is a reverse proxy in front of a Loki that can misbehave. A push is either not passed on at all or answered as Loki answers it: an
// answer that gets lost behind a push that Loki took makes loki.write push again, and such a double is not alloy-okta's to prevent.
type gate struct {
	*httptest.Server
	loki *testbed.Loki

	took pushed // what Loki took

	mut    sync.RWMutex // held for reading while a request is passed on
	answer int          // what pushes are answered; 0: what Loki answers; gone: nothing, nor are queries

	spoilt atomic.Int64 // pushes that were not passed on
	slow   atomic.Bool  // pushes take three seconds
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

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the client was killed
	}
	g.mut.RLock()
	defer g.mut.RUnlock()
	push := strings.HasSuffix(r.URL.Path, "/push")
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
		if err := g.took.add(body); err != nil {
			panic(err) // Loki could read it
		}
	}
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body)
}
