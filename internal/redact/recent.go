package redact

import (
	"encoding/binary"

	"github.com/grafana/alloy/okta/internal/rawjson"
)

// A recent is a value that a pass saw: the same people act again and again, and the same text is in many events. It saves to read escapes,
// to ask for a secret, which takes a lock, and to look into JSON in strings, URLs and behaviors in which there is nothing to redact.
type recent struct {
	spelled []byte // between quotes, if it is a string
	secret  *secret
	event   uint64 // the last one in which the secret was told to be known
	clean   bool   // nothing is redacted in it, at this place
	at      place
}

// recents is how many a pass remembers, and maxRecent how long they are at most, in bytes.
const (
	recents   = 1 << 10
	maxRecent = 1 << 9
)

// recentOf is where a value that is spelled so is or would be remembered, and whether it is. It is nil for a long one.
func (p *Pass) recentOf(spelled []byte) (r *recent, known bool) {
	n := len(spelled)
	if n > maxRecent {
		return nil, false
	}
	var h uint64
	switch {
	case n >= 16:
		h = binary.LittleEndian.Uint64(spelled)*0x9e3779b97f4a7c15 ^ binary.LittleEndian.Uint64(spelled[n/2-4:])*0xc2b2ae3d27d4eb4f ^
			binary.LittleEndian.Uint64(spelled[n-8:])
	case n >= 8:
		h = binary.LittleEndian.Uint64(spelled)*0x9e3779b97f4a7c15 ^ binary.LittleEndian.Uint64(spelled[n-8:])
	default:
		for _, c := range spelled {
			h = h<<8 | uint64(c)
		}
	}
	r = &p.recent[(h^uint64(n))*0x9e3779b97f4a7c15>>(64-10)]
	return r, string(r.spelled) == string(spelled)
}

// secretOf is the secret of the string, number, true or false at v. If the event is to be searched for it, and is so already, again may
// tell that.
func (p *Pass) secretOf(v rawjson.Span, search bool) (s *secret, again bool) {
	spelled := v
	if v.IsString(p.raw) {
		spelled = v.Inner()
	}
	r, known := p.recentOf(spelled.Of(p.raw))
	if known && r.secret != nil {
		again = r.event == p.event
		if search {
			r.event = p.event
		}
		return r.secret, again
	}
	s = p.redactor.secrets.of(p.scalarText(v))
	if r != nil {
		*r = recent{spelled: append(r.spelled[:0], spelled.Of(p.raw)...), secret: s}
	}
	return s, false
}

// isClean tells whether in the string whose bytes between quotes are at s nothing was found to redact at a place like this.
func (p *Pass) isClean(s rawjson.Span, at place) bool {
	r, known := p.recentOf(s.Of(p.raw))
	return known && r.clean && r.at == at
}

func (p *Pass) keepClean(s rawjson.Span, at place) {
	if r, _ := p.recentOf(s.Of(p.raw)); r != nil {
		*r = recent{spelled: append(r.spelled[:0], s.Of(p.raw)...), clean: true, at: at}
	}
}
