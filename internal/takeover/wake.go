package takeover

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/go-kit/log/level"
)

const (
	// wakeTimeout is how long the owner may take to take a wake-up. Without it the poll finds the events.
	wakeTimeout = time.Second
	// maxWakes bounds the wake-ups on their way to other nodes; those beyond it are not sent.
	maxWakes = 16
	wakePath = "/wake"
)

// wake is a wake-up on the wire.
type wake struct {
	UUIDs []string `json:"uuids"`
}

// Wake sends what an event hook announced to the node that an org belongs to, if that is another one, and reports whether it is. It
// does not wait, and a wake-up that does not arrive is nobody's loss.
func (x *Exchange) Wake(org string, uuids []string) (elsewhere bool) {
	name, mine := x.Ring.Owner(org)
	if mine {
		return false
	}
	for _, peer := range x.Ring.Peers() {
		if peer.Name != name {
			continue
		}
		select {
		case x.wakes <- struct{}{}:
			go func() {
				defer func() { <-x.wakes }()
				x.wake(peer, hostOf(org), uuids)
			}()
		default:
		}
	}
	return true
}

func (x *Exchange) wake(peer Peer, host string, uuids []string) {
	ctx, cancel := context.WithTimeout(context.Background(), wakeTimeout)
	defer cancel()
	body, err := json.Marshal(wake{uuids})
	if err != nil {
		return // strings
	}
	if _, err := x.exchange(ctx, http.MethodPost, peer, host, wakePath, body); err != nil {
		level.Debug(x.Logger).Log("msg", "a peer does not take a wake-up", "peer", peer.Name, "org", host)
	}
}

// woken takes a wake-up from a peer.
func (x *Exchange) woken(w http.ResponseWriter, r *http.Request, org string) {
	var m wake
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxMessage)).Decode(&m); err != nil {
		http.Error(w, "not a wake-up of a peer, or too large", http.StatusBadRequest)
		return
	}
	if x.Woken != nil {
		x.Woken(org, m.UUIDs)
	}
	w.WriteHeader(http.StatusNoContent)
}
