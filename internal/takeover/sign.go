package takeover

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	// nonceHeader has what a message is signed for: in a question what the answer must be signed with, in all that a seat sends its own
	// nonce, which the next message to it must be signed with. signatureHeader has the signatures of the body.
	nonceHeader     = "Alloy-Okta-Nonce"
	signatureHeader = "Alloy-Okta-Signature"
	// keyFor is how long a key still counts after it was replaced: nodes get a new credential minutes after each other.
	keyFor = time.Hour
	// maxKeys bounds the keys that count at once, and with them the signatures of a message.
	maxKeys = 4
	// maxNonce is more than rand.Text has.
	maxNonce = 64
	// signTries is how often a message is signed anew, for a nonce that another node's message used up.
	signTries = 3
)

// purpose keeps a message from being taken for one of another kind.
type purpose string

const (
	answering  purpose = "answer"
	telling    purpose = "tell"
	announcing purpose = "wake"
)

// key is made of an org's credential, with which nodes that share the org know each other.
type key struct {
	key   [sha256.Size]byte
	until time.Time // zero: for now
}

func newKey(secret []byte, org string) (k key) {
	derived, err := hkdf.Key(sha256.New, secret, nil, "alloy-okta clustering 1 "+org, len(k.key))
	if err != nil { // only a length or, in FIPS 140-only mode, a short secret; a key of its own matches no other
		_, _ = rand.Read(k.key[:])
		return k
	}
	copy(k.key[:], derived)
	return k
}

// keys are the org's keys, the present one first.
func (s *Seat) keys() []key {
	s.mu.Lock()
	ask := s.secret
	s.mu.Unlock()
	secret, now := ask(), time.Now() // which may read a file
	s.mu.Lock()
	defer s.mu.Unlock()
	if secret != nil {
		if k := newKey(secret, s.org); len(s.known) == 0 || s.known[0].key != k.key {
			if len(s.known) > 0 {
				s.known[0].until = now.Add(keyFor)
			}
			s.known = slices.DeleteFunc(s.known, func(had key) bool { return had.key == k.key })
			s.known = slices.Insert(s.known, 0, k)
		}
	}
	s.known = slices.DeleteFunc(s.known, func(k key) bool { return !k.until.IsZero() && now.After(k.until) })
	s.known = s.known[:min(len(s.known), maxKeys)]
	return slices.Clone(s.known)
}

func (k key) sign(p purpose, name, nonce string, body []byte) []byte {
	mac := hmac.New(sha256.New, k.key[:])
	_, _ = io.WriteString(mac, strings.Join([]string{string(p), name, nonce, ""}, "\n")) // none has a newline but the body
	_, _ = mac.Write(body)
	return mac.Sum(nil)
}

// sign returns the signatures of a body, one with each key: a node that does not have the new credential yet knows the old one.
func (s *Seat) sign(p purpose, nonce string, body []byte) string {
	var all []string
	for _, k := range s.keys() {
		all = append(all, base64.RawURLEncoding.EncodeToString(k.sign(p, s.name, nonce, body)))
	}
	return strings.Join(all, ",")
}

// signed reports whether a message was signed with one of the keys, for that purpose and nonce.
func (s *Seat) signed(p purpose, h http.Header, nonce string, body []byte) bool {
	if len(nonce) > maxNonce || strings.Contains(nonce, "\n") {
		return false
	}
	keys := s.keys()
	parts := strings.SplitN(h.Get(signatureHeader), ",", maxKeys+1)
	for _, part := range parts[:min(len(parts), maxKeys)] {
		mac, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil || len(mac) != sha256.Size {
			continue
		}
		for _, k := range keys {
			if hmac.Equal(mac, k.sign(p, s.name, nonce, body)) {
				return true
			}
		}
	}
	return false
}

// spend reports whether a message was signed for the seat's present nonce, and makes another one: no message is taken twice.
func (s *Seat) spend(nonce string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if nonce != s.nonce {
		return false
	}
	s.nonce = rand.Text()
	return true
}

func (s *Seat) present() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.nonce
}

// peerNonce is what a message to a peer must be signed for, "" when that is not known yet.
func (s *Seat) peerNonce(peer string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.nonces[peer]
}

// learn keeps the nonce that a peer sent, and reports whether it is another one than that.
func (s *Seat) learn(peer, nonce, had string) bool {
	if nonce == "" || len(nonce) > maxNonce || nonce == had {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nonces[peer] = nonce
	return true
}
