package takeover

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
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
	// quiet is how long something must not have happened before it is told once more.
	quiet = time.Hour
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
	Age     int64           `json:"age_ms,omitempty"` // of the state, as clocks differ
	Journal json.RawMessage `json:"journal,omitempty"`

	// doubtful says that it was not signed with the org's credential. That another node reads the org is believed all the same, since that
	// only makes this one wait. Neither its journal is, nor that it stopped reading.
	doubtful bool
}

// releasedWithin reports whether a node says that it gave the org up, at most so long ago.
func (a Answer) releasedWithin(d time.Duration) bool {
	return a.State == Released && !a.doubtful && a.Age <= d.Milliseconds()
}

// Config is what an Exchange needs. All fields but Writes and Announced are required.
type Config struct {
	Ring   Ring
	Client func() *http.Client // for the peers
	Dir    string              // where journals and standby copies are; one that cannot be written costs only the copies' durability
	Logger log.Logger
	// Writes reports whether Dir is this process's. While it is another's, copies are kept in memory. Nil: it is.
	Writes func() bool
	// Announced takes what an event hook announced to another node; org is scheme://host. Nil: nothing does.
	Announced func(org string, uuids []string)
}

// Exchange is one component's side of the exchange, for all of its orgs. It is safe for concurrent use.
type Exchange struct {
	Config
	begun time.Time

	mu      sync.Mutex
	seats   map[string]*Seat     // by name
	changed chan struct{}        // closed at the next change
	told    map[string]time.Time // when something that was told happened last
}

// New returns an Exchange without orgs.
func New(cfg Config) *Exchange {
	return &Exchange{
		Config: cfg, begun: time.Now(), seats: map[string]*Seat{}, changed: make(chan struct{}), told: map[string]time.Time{},
	}
}

// Seat returns what decides about an org, which is scheme://host; the same one for the same org. secret returns the org's credential,
// which all nodes have and nobody else; nil: there is none now. It is called for each message, by any goroutine.
func (x *Exchange) Seat(org string, secret func() []byte) *Seat {
	return x.open(org, hostOf(org), x.Dir, secret)
}

// Part returns what decides about a part of an org's log that is read beside the rest, and that has its journal in the folder of its
// name. It is the org's owner's, but neither waits for the other: what is under way of a part may take hours to be seen.
func (x *Exchange) Part(org, part string, secret func() []byte) *Seat {
	return x.open(org, hostOf(org)+"+"+part, filepath.Join(x.Dir, part), secret)
}

func (x *Exchange) open(org, name, dir string, secret func() []byte) *Seat {
	x.mu.Lock()
	defer x.mu.Unlock()
	s := x.seats[name]
	if s == nil || s.org != org {
		s = newSeat(x, org, name, dir)
		x.seats[name] = s
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secret = secret
	return s
}

func (x *Exchange) seat(name string) *Seat {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.seats[name]
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

// Changed makes all seats look at the ring again, and at their credentials. It does not block.
func (x *Exchange) Changed() {
	x.mu.Lock()
	close(x.changed)
	x.changed = make(chan struct{})
	seats := slices.Collect(maps.Values(x.seats))
	x.mu.Unlock()
	for _, s := range seats {
		s.glanceIn(0)
		if !x.Ring.Alone() {
			s.keys() // a credential that no message was signed with would be forgotten at the next one
		}
	}
}

// next is closed at the next change. Take it before looking at the ring, or a change may be missed.
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
	name, ok := strings.CutPrefix(strings.TrimPrefix(r.URL.Path, "/"), "orgs/")
	name, announces := strings.CutSuffix(name, announcePath)
	s := x.seat(name)
	switch {
	case !ok || s == nil:
		http.Error(w, "no such org", http.StatusNotFound)
	case announces && r.Method == http.MethodPost:
		if body, ok := s.receive(w, r, announcing); ok {
			x.announced(w, body, s.org)
		}
	case announces:
		w.Header().Set("Allow", "POST")
		http.Error(w, "POST", http.StatusMethodNotAllowed)
	case r.Method == http.MethodGet:
		s.reply(w, r)
	case r.Method == http.MethodPut:
		body, ok := s.receive(w, r, telling)
		if !ok {
			return
		}
		var a Answer
		err := json.Unmarshal(body, &a)
		if err == nil {
			err = s.take(a)
		}
		if err != nil {
			http.Error(w, "no message of a peer, or no checkpoint of this org", http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Allow", "GET, PUT")
		http.Error(w, "GET or PUT", http.StatusMethodNotAllowed)
	}
}

// reply answers a question. Anybody may ask: the answer holds no secret, and is signed for the question.
func (s *Seat) reply(w http.ResponseWriter, r *http.Request) {
	body, err := json.Marshal(s.answer())
	if err != nil {
		http.Error(w, "no answer", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set(nonceHeader, s.present())
	if nonce := r.Header.Get(nonceHeader); nonce != "" && len(nonce) <= maxNonce {
		h.Set(signatureHeader, s.sign(answering, nonce, body))
	}
	_, _ = w.Write(body) // the peer may have gone away
}

// receive reads a message and reports whether it is a peer's and was not received before. Else it has answered: 409 tells a peer what to
// sign for.
func (s *Seat) receive(w http.ResponseWriter, r *http.Request, p purpose) (body []byte, ok bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage))
	if err != nil {
		http.Error(w, "cut off, or too large", http.StatusBadRequest)
		return nil, false
	}
	nonce := r.Header.Get(nonceHeader)
	signed := s.signed(p, r.Header, nonce, body)
	ok = signed && s.spend(nonce)
	w.Header().Set(nonceHeader, s.present())
	if ok {
		return body, true
	}
	if !signed {
		s.doubt()
		s.x.warn("received", "a message was not signed with this node's credential for the org, so nothing of it is used",
			"org", s.name, "from", r.RemoteAddr)
	}
	http.Error(w, "not signed with this node's credential for the org, or not for the nonce", http.StatusConflict)
	return nil, false
}

// doubt notes that something came that may be of a node with another credential: that one may read the org, or have read it.
func (s *Seat) doubt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doubted = time.Now()
}

// ask asks all peers about an org. silent is how many did not answer. A peer that refuses, as it is configured otherwise or has no
// credentials, counts as one that answered None.
func (x *Exchange) ask(ctx context.Context, s *Seat) (answers []Answer, silent int) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	peers := x.Ring.Peers()
	got := make([]*Answer, len(peers))
	var wg sync.WaitGroup
	for i, peer := range peers {
		wg.Go(func() {
			a, err := x.question(ctx, s, peer)
			if err != nil {
				level.Debug(s.logger).Log("msg", "a peer does not answer", "peer", peer.Name, "err", err)
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

// question asks one peer about an org.
func (x *Exchange) question(ctx context.Context, s *Seat, peer Peer) (a Answer, err error) {
	nonce := rand.Text()
	status, h, data, err := x.send(ctx, http.MethodGet, peer, s.path(), http.Header{nonceHeader: {nonce}}, nil)
	switch {
	case err != nil:
		return a, err
	case status != http.StatusOK:
		return Answer{Node: peer.Name, State: None}, nil
	}
	if err := json.Unmarshal(data, &a); err != nil {
		return a, fmt.Errorf("not an answer of a peer: %w", err)
	}
	s.learn(peer.Name, h.Get(nonceHeader), "")
	if !s.signed(answering, h, nonce, data) || a.Node != "" && a.Node != peer.Name { // "": it has not met itself yet
		if a.State != None {
			s.doubt()
		}
		x.warn("answer of "+peer.Name, "an answer was not signed with this node's credential for the org, so its checkpoint is not used",
			"org", s.name, "peer", peer.Name)
		return Answer{Node: peer.Name, State: a.State, doubtful: true}, nil
	}
	return a, nil
}

// inform sends a peer a message about an org, to a path below the org's that is "" or begins with a slash.
func (x *Exchange) inform(ctx context.Context, s *Seat, method string, peer Peer, p purpose, below string, body []byte) error {
	for range signTries {
		nonce := s.peerNonce(peer.Name)
		h := http.Header{nonceHeader: {nonce}, signatureHeader: {s.sign(p, nonce, body)}}
		status, h, _, err := x.send(ctx, method, peer, s.path()+below, h, body)
		if err != nil {
			return err
		}
		news := s.learn(peer.Name, h.Get(nonceHeader), nonce)
		switch {
		case status == http.StatusConflict && news:
		case status >= 300:
			return fmt.Errorf("it answers %d", status)
		default:
			return nil
		}
	}
	return errors.New("it does not take this node's signature")
}

// path is the seat's, below the component's on any node.
func (s *Seat) path() string { return "orgs/" + url.PathEscape(s.name) }

// send sends one request to a peer, and returns the answer's status, header and body.
func (x *Exchange) send(
	ctx context.Context, method string, peer Peer, path string, h http.Header, body []byte,
) (int, http.Header, []byte, error) {

	req, err := http.NewRequestWithContext(ctx, method, peer.URL+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, err
	}
	req.Header = h
	resp, err := x.Client().Do(req)
	if err != nil {
		if cause := errors.Unwrap(err); cause != nil { // the URL says nothing that the peer's name does not
			err = cause
		}
		return 0, nil, nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxMessage))
	if resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden {
		x.warn("refusal of "+peer.Name, "a peer refuses this node, so no checkpoint comes from it; check basic_auth and tls_config in clustering",
			"peer", peer.Name, "status", resp.StatusCode)
	}
	return resp.StatusCode, resp.Header, data, err
}

// warn logs what happens once, and again after it has not happened for a while.
func (x *Exchange) warn(what, msg string, keyvals ...any) {
	x.mu.Lock()
	last := x.told[what]
	x.told[what] = time.Now()
	x.mu.Unlock()
	if last.IsZero() || time.Since(last) > quiet {
		level.Warn(x.Logger).Log(append([]any{"msg", msg}, keyvals...)...)
	}
}
