package takeover

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/grafana/alloy/okta/internal/checkpoint"
)

const (
	// askTimeout is how long a peer may take to answer.
	askTimeout = 5 * time.Second
	// maxMessage bounds what is read from a peer: a journal and a few words.
	maxMessage = checkpoint.MaxCopy + 1<<10
)

// State is what a node does about an org.
type State string

// The states.
const (
	None      State = "none"      // it is another node's
	Acquiring State = "acquiring" // the ring names this node, and it asks the others
	Owned     State = "owned"     // it is read
	Draining  State = "draining"  // it was read, and what was delivered is waited for
	Released  State = "released"  // it was read, and nothing is under way
	Stopping  State = "stopping"  // the node stops, and something may be under way
)

// Peer is another node.
type Peer struct {
	Name string
	URL  string // of the component's path on it, with a slash at the end
}

// Ring says which node an org belongs to, as this node sees it. Its methods do not block and are safe for concurrent use.
type Ring interface {
	// Self is this node's name.
	Self() string
	// Alone reports whether the work is not shared at all: all orgs are this node's, and nobody is asked.
	Alone() bool
	// Owner returns the name of the node that the org belongs to, "" when that is not known, and whether it is this one.
	Owner(org string) (name string, mine bool)
	// Standby returns the node that the org would belong to without this one.
	Standby(org string) (Peer, bool)
	// Peers are all nodes but this one.
	Peers() []Peer
}

// Answer is what a node says of an org, on the wire.
type Answer struct {
	Node    string          `json:"node"`
	State   State           `json:"state"`
	Journal json.RawMessage `json:"journal,omitempty"`
}

// Config is what an Exchange needs. All fields but Woken are required.
type Config struct {
	Ring   Ring
	Client func() *http.Client // for the peers
	Dir    string              // where journals and standby copies are; one that cannot be written costs only the copies' durability
	Logger log.Logger
	// Woken takes what an event hook announced to another node; org is scheme://host. Nil: nothing does.
	Woken func(org string, uuids []string)
}

// Exchange is one component's side of the exchange, for all of its orgs. It is safe for concurrent use.
type Exchange struct {
	Config
	begun time.Time
	wakes chan struct{} // holds a token for each wake-up under way

	mu      sync.Mutex
	seats   map[string]*Seat // by name
	changed chan struct{}    // closed at the next change
	refused map[string]bool  // peers whose refusal was logged
}

// New returns an Exchange without orgs.
func New(cfg Config) *Exchange {
	return &Exchange{
		Config: cfg, begun: time.Now(), wakes: make(chan struct{}, maxWakes),
		seats: map[string]*Seat{}, changed: make(chan struct{}), refused: map[string]bool{},
	}
}

// Seat returns what decides about an org, which is scheme://host; the same one for the same org.
func (x *Exchange) Seat(org string) *Seat { return x.seat(org, hostOf(org), x.Dir) }

// Part returns what decides about a part of an org's log that is read beside the rest, and that has its journal in the folder of its
// name. It is the org's owner's, but neither waits for the other: what is under way of a part may take hours to be seen.
func (x *Exchange) Part(org, part string) *Seat {
	return x.seat(org, hostOf(org)+"+"+part, filepath.Join(x.Dir, part))
}

func (x *Exchange) seat(org, name, dir string) *Seat {
	x.mu.Lock()
	defer x.mu.Unlock()
	s := x.seats[name]
	if s == nil || s.org != org {
		s = newSeat(x, org, name, dir)
		x.seats[name] = s
	}
	return s
}

// Keep forgets all orgs but those.
func (x *Exchange) Keep(orgs map[string]bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for name, s := range x.seats {
		if !orgs[s.org] {
			delete(x.seats, name)
		}
	}
}

// Changed has the ring looked at again. It does not block.
func (x *Exchange) Changed() {
	x.mu.Lock()
	defer x.mu.Unlock()
	close(x.changed)
	x.changed = make(chan struct{})
}

// next is closed at the next change. Who takes it before looking at the ring misses none.
func (x *Exchange) next() <-chan struct{} {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.changed
}

func hostOf(org string) string {
	_, host, _ := strings.Cut(org, "://")
	return host
}

// ServeHTTP answers peers.
func (x *Exchange) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, ok := strings.CutPrefix(strings.TrimPrefix(r.URL.Path, "/"), "orgs/")
	host, wakes := strings.CutSuffix(host, wakePath)
	x.mu.Lock()
	s := x.seats[host]
	x.mu.Unlock()
	switch {
	case !ok || s == nil:
		http.Error(w, "no such org", http.StatusNotFound)
	case wakes && r.Method == http.MethodPost:
		x.woken(w, r, s.org)
	case wakes:
		w.Header().Set("Allow", "POST")
		http.Error(w, "POST", http.StatusMethodNotAllowed)
	case r.Method == http.MethodGet:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(s.answer()) // a peer that went away is its own affair
	case r.Method == http.MethodPut:
		var a Answer
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxMessage)).Decode(&a); err != nil {
			http.Error(w, "not a message of a peer, or too large", http.StatusBadRequest)
			return
		}
		if err := s.take(a); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Allow", "GET, PUT")
		http.Error(w, "GET or PUT", http.StatusMethodNotAllowed)
	}
}

// ask asks all peers about an org. silent is how many did not answer. One that refuses, because it is not configured alike or for want
// of credentials, says none.
func (x *Exchange) ask(ctx context.Context, host string) (answers []Answer, silent int) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	peers := x.Ring.Peers()
	got := make([]*Answer, len(peers))
	var wg sync.WaitGroup
	for i, peer := range peers {
		wg.Go(func() {
			a, err := x.exchange(ctx, http.MethodGet, peer, host, "", nil)
			if err != nil {
				level.Debug(x.Logger).Log("msg", "a peer does not answer", "peer", peer.Name, "org", host, "err", err)
				return
			}
			got[i] = &a
		})
	}
	wg.Wait()
	for _, a := range got {
		if a == nil {
			silent++
			continue
		}
		answers = append(answers, *a)
	}
	return answers, silent
}

// exchange sends one request about an org to a peer; what is asked for below the org's path, if anything, begins with a slash.
func (x *Exchange) exchange(ctx context.Context, method string, peer Peer, host, below string, body []byte) (a Answer, err error) {
	req, err := http.NewRequestWithContext(ctx, method, peer.URL+"orgs/"+url.PathEscape(host)+below, bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	resp, err := x.Client().Do(req)
	if err != nil {
		if cause := errors.Unwrap(err); cause != nil { // the URL says nothing that the peer's name does not
			err = cause
		}
		return a, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxMessage))
	x.note(peer, resp.StatusCode)
	switch {
	case err != nil:
		return a, err
	case resp.StatusCode == http.StatusNoContent:
		return a, nil
	case resp.StatusCode != http.StatusOK:
		return Answer{Node: peer.Name, State: None}, nil
	}
	if err := json.Unmarshal(data, &a); err != nil {
		return a, fmt.Errorf("not an answer of a peer: %w", err)
	}
	return a, nil
}

// note logs once that a peer refuses this node, for then nothing is exchanged.
func (x *Exchange) note(peer Peer, status int) {
	refused := status == http.StatusUnauthorized || status == http.StatusForbidden
	x.mu.Lock()
	first := refused && !x.refused[peer.Name]
	x.refused[peer.Name] = refused
	x.mu.Unlock()
	if first {
		level.Warn(x.Logger).Log("msg", "a peer refuses this node, so no checkpoint comes from it; check basic_auth and tls_config in clustering",
			"peer", peer.Name, "status", status)
	}
}
