package takeover

import "net/http"

// Headers are those of a message to a seat, signed with a secret. The purpose is as on the wire: "answer", "tell", "wake".
func Headers(secret, org, as, nonce string, body []byte) http.Header {
	s := New(Config{}).Seat(org, func() []byte { return []byte(secret) })
	return http.Header{nonceHeader: {nonce}, signatureHeader: {s.sign(purpose(as), nonce, body)}}
}

// Nonce is what the next message to a seat must be signed for.
func Nonce(h http.Header) string { return h.Get(nonceHeader) }

// Signed reports whether an answer to a question with that nonce is signed with a secret.
func Signed(secret, org, nonce string, h http.Header, body []byte) bool {
	s := New(Config{}).Seat(org, func() []byte { return []byte(secret) })
	return s.signed(answering, h, nonce, body)
}
