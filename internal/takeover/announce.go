package takeover

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/go-kit/log/level"
)

const (
	// announceTimeout bounds how long a message to the owner takes. When it does not arrive, the next poll finds the events.
	announceTimeout = time.Second
	// maxAnnounced bounds what waits to be sent to another node. An org that announces more is polled each second anyway.
	maxAnnounced = 4096
	announcePath = "/wake"
)

// announcement is what an event hook announced, on the wire.
type announcement struct {
	UUIDs []string `json:"uuids"`
}

// Announce sends what an event hook announced to the node that an org belongs to, if that is another one, and reports whether it is. It
// does not wait, and nothing is lost with a message that does not arrive. What is announced while one is under way goes with the next.
func (x *Exchange) Announce(org string, uuids []string) (elsewhere bool) {
	if _, mine := x.Ring.Owner(org); mine {
		return false
	}
	s := x.seat(hostOf(org))
	if s == nil {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.announced = append(s.announced, uuids[:min(len(uuids), maxAnnounced-len(s.announced))]...)
	if !s.forwards {
		s.forwards = true
		go s.forward()
	}
	return true
}

// forward sends what is announced, one message after the other, until nothing is left.
func (s *Seat) forward() {
	for {
		s.mu.Lock()
		uuids := s.announced
		s.announced, s.forwards = nil, len(uuids) > 0
		s.mu.Unlock()
		if len(uuids) == 0 {
			return
		}
		name, _ := s.x.Ring.Owner(s.org)
		for _, peer := range s.x.Ring.Peers() {
			if peer.Name == name {
				s.forwardTo(peer, uuids)
			}
		}
	}
}

func (s *Seat) forwardTo(peer Peer, uuids []string) {
	ctx, cancel := context.WithTimeout(context.Background(), announceTimeout)
	defer cancel()
	body, err := json.Marshal(announcement{uuids})
	if err != nil {
		return // strings
	}
	if err := s.x.inform(ctx, s, http.MethodPost, peer, announcing, announcePath, body); err != nil {
		level.Debug(s.logger).Log("msg", "a peer does not take a wake-up", "peer", peer.Name, "err", err)
	}
}

// announced takes an announcement from a peer.
func (x *Exchange) announced(w http.ResponseWriter, body []byte, org string) {
	var m announcement
	if err := json.Unmarshal(body, &m); err != nil {
		http.Error(w, "not a wake-up of a peer", http.StatusBadRequest)
		return
	}
	if x.Announced != nil {
		x.Announced(org, m.UUIDs)
	}
	w.WriteHeader(http.StatusNoContent)
}
