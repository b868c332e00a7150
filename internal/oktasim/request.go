package oktasim

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Request is what the org remembers of one request. It never holds a secret:
// of the Authorization header only the scheme, of the token endpoint no query.
type Request struct {
	Time      time.Time // the org's clock, on arrival
	Method    string
	Host      string // as the client wrote it
	URL       string // path and query
	Status    int    // 0: not answered (yet, or the client left)
	UserAgent string
	Scheme    string // of the Authorization header: "SSWS", "Bearer", "DPoP" or ""
	Encoding  string // the Accept-Encoding header
}

// rememberedRequests bounds the memory of a long-running org.
const rememberedRequests = 100_000

// remember adds to a list that forgets its older half when it has grown to this length.
func remember[T any](all []T, one T, most int) []T {
	if len(all) == most {
		all = slices.Clone(all[most/2:])
	}
	return append(all, one)
}

// put sets a value in a map, which is made if need be: the zero Org has none.
func put[K comparable, V any](m *map[K]V, key K, value V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[key] = value
}

// Requests returns the requests seen so far in order of arrival, at most the last 100,000 of them.
func (o *Org) Requests() []Request {
	o.mu.Lock()
	defer o.mu.Unlock()
	seen := make([]Request, len(o.requests))
	for i, r := range o.requests {
		seen[i] = *r
	}
	return seen
}

// Responses counts the answers given so far by HTTP status. Key 0 counts the requests whose client left without an answer.
func (o *Org) Responses() map[int]int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return maps.Clone(o.responses)
}

func (o *Org) arrive(r *http.Request) *Request {
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	url := r.URL.RequestURI()
	if r.URL.Path != logsPath {
		url = r.URL.EscapedPath() // the query of a token request holds the assertion
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	record := &Request{
		Time: o.now(), Method: r.Method, Host: r.Host, URL: url,
		UserAgent: r.UserAgent(), Scheme: scheme, Encoding: r.Header.Get("Accept-Encoding"),
	}
	o.requests = remember(o.requests, record, rememberedRequests)
	return record
}

func (o *Org) leave(record *Request, status int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	record.Status = status
	put(&o.responses, status, o.responses[status]+1)
}
