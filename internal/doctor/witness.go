package doctor

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/grafana/alloy/okta/internal/httptext"
)

// witness is a transport that notes what comes back, and bounds how many requests there are. It is safe for concurrent use.
type witness struct {
	next    http.RoundTripper
	secrets *httptext.Secrets

	mu       sync.Mutex
	n        int
	header   http.Header // of the last answer
	received time.Time
}

func newWitness(hc *http.Client) *witness {
	w := &witness{next: http.DefaultTransport}
	if hc != nil && hc.Transport != nil {
		w.next = hc.Transport
	}
	return w
}

// errEnough ends the checks of an org that has used up its requests.
var errEnough = fmt.Errorf("more than %d requests would be needed", MostRequests)

func (w *witness) RoundTrip(req *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.n++
	n := w.n
	w.mu.Unlock()
	if n > MostRequests {
		return nil, errEnough
	}
	resp, err := w.next.RoundTrip(req)
	if err == nil {
		w.mu.Lock()
		w.header, w.received = resp.Header.Clone(), time.Now()
		w.mu.Unlock()
	}
	return resp, err
}

func (w *witness) last() (http.Header, time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.header, w.received
}

func (w *witness) challenge() string {
	h, _ := w.last()
	return strings.Join(h.Values("WWW-Authenticate"), " ")
}

// skew is how far our clock is ahead of the last answer's, to a second.
func (w *witness) skew() time.Duration {
	h, at := w.last()
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return at.Sub(date)
}

func (w *witness) rates() (limit, remaining int, ok bool) {
	h, _ := w.last()
	limit, err := strconv.Atoi(h.Get("X-Rate-Limit-Limit"))
	remaining, err2 := strconv.Atoi(h.Get("X-Rate-Limit-Remaining"))
	return limit, remaining, err == nil && err2 == nil
}

func (w *way) requests() int {
	if w.witness == nil {
		return 0
	}
	w.witness.mu.Lock()
	defer w.witness.mu.Unlock()
	return min(w.witness.n, MostRequests)
}

// clean removes from a text the secrets that a request carried.
func (w *way) clean(text string) string {
	var secrets *httptext.Secrets
	if w.witness != nil {
		secrets = w.witness.secrets
	}
	return secrets.Clean(text, 600)
}
