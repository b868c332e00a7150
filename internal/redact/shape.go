package redact

import (
	"bytes"
	"encoding/binary"
	"slices"
	"sync"

	"go.uber.org/atomic"

	"github.com/grafana/alloy/okta/internal/rawjson"
)

// Okta's events are alike: between their values are the same bytes again and again, such as `},"client":{"ipAddress":"`. What the presets
// do with a value follows from these bytes, so it is decided once for each of them and place, and known at the next event by comparing.
//
// A shapes is what was decided so far. It is safe for concurrent use: to follow it takes no lock, to learn does.
type shapes struct {
	guard *guard
	first piece // before an event

	mu     sync.Mutex
	top    *frame // the event, when one was seen
	pieces int
	frames int
	bytes  int
}

// What is remembered at most, of all events; Okta's catalog has 1,274 types. Other events are walked.
const (
	maxPieces      = 1 << 14 // and as many frames
	maxPieceBytes  = 4 << 20
	maxSuccessors  = 128
	maxDepth       = 64
	maxPieceLength = 1 << 12
)

// A piece is the bytes between two values: brackets, names, commas and white space, null, true, false, and what types objects are of.
type piece struct {
	text  []byte  // up to and with the quotation mark that a string begins with
	ends  byte    // with what it ends: '"' for a string, '0' for a number, '}' for the event; or slow, and then it is not remembered
	in    *frame  // what the value is a member or element of
	value setting // of the value
	plain bool    // a string that stays, unless it is odd

	searched []rawjson.Span // what mentions are looked for in, in the text
	next     atomic.Pointer[[]*piece]
	usual    atomic.Pointer[piece] // the first of next
	last     atomic.Uint32         // the one of next that came last, if they are many
}

// few is how many pieces are tried in the order in which they were learned.
const few = 4

// slow is what an event ends with that is walked.
const slow = 's'

// A frame is an object or array around a value, as far as it decides what becomes of its members.
type frame struct {
	setting
	object bool
	kind   kind // of an object
	parent *frame
	depth  int
	inside []*frame
	typed  [3]*frame         // this one, by kind
	pieces map[string]*piece // that begin in it
}

// A kind is what the "type" of an object says.
type kind uint8

const (
	untyped kind = iota // nothing yet
	aThing
	aPerson // or what is not known
)

// A setting is what holds for a value because of where it is.
type setting struct {
	at     place
	whole  bool // redacted with all that is in it
	search bool // if so, it is looked for elsewhere

	free     bool // in a part where all text may mention somebody
	constant bool // holds one of Okta's own words
	reason   bool // holds one if it is a reason that is Okta's own
	outcome  bool // is the event's outcome
}

// follow returns the piece that comes after p at b[i], or nil.
func (p *piece) follow(b []byte, i int) *piece {
	rest := b[i:]
	if c := p.usual.Load(); c != nil && c.fits(rest) {
		return c
	}
	all := p.next.Load()
	if all == nil {
		return nil
	}
	list := *all
	if len(list) <= few {
		for _, c := range list {
			if c.fits(rest) {
				return c
			}
		}
		return nil
	}
	// Of many, the members of a map for example, the one that came after the last time comes after this one.
	from := int(p.last.Load()) + 1
	for n := range list {
		at := from + n
		if at >= len(list) {
			at -= len(list)
		}
		if list[at].fits(rest) {
			p.last.Store(uint32(at))
			return list[at]
		}
	}
	return nil
}

// fits tells whether b begins with the piece. Pieces are short, so words are compared in place.
func (p *piece) fits(b []byte) bool {
	text := p.text
	n := len(text)
	if n > len(b) {
		return false
	}
	if n < 8 {
		if rawjson.Alias(b[:n]) != rawjson.Alias(text) {
			return false
		}
	} else {
		last := n - 8
		for i := 0; i < last; i += 8 {
			if binary.LittleEndian.Uint64(b[i:]) != binary.LittleEndian.Uint64(text[i:]) {
				return false
			}
		}
		if binary.LittleEndian.Uint64(b[last:]) != binary.LittleEndian.Uint64(text[last:]) {
			return false
		}
	}
	switch p.ends {
	case '"':
		return true
	case '0':
		return n < len(b) && isNumber(b[n])
	}
	return n == len(b)
}

func isNumber(c byte) bool { return c == '-' || '0' <= c && c <= '9' }

// learn returns the piece that comes after p at b[i], and remembers it. It returns nil when no more are, and when the event is to be
// walked: that is for what follows the piece, and the next event may have the piece and something else after it.
func (s *shapes) learn(p *piece, b []byte, i int) *piece {
	s.mu.Lock()
	defer s.mu.Unlock()
	made := s.read(p, b, i)
	if made.ends == slow {
		return nil
	}
	in := p.in
	if in == nil {
		in = s.top
	}
	key := string(rune(made.ends)) + string(made.text)
	known := in.pieces[key]
	if known == nil {
		if s.pieces == maxPieces || s.bytes+len(made.text) > maxPieceBytes || len(made.text) > 2*maxPieceLength {
			return nil
		}
		made.text = bytes.Clone(made.text)
		made.plain = !made.value.whole && !made.value.at.scalar && !made.value.constant && !made.value.reason &&
			!(s.guard.places && made.value.at.scope == free)
		s.pieces++
		s.bytes += len(made.text)
		in.pieces[key] = made
		known = made
	}
	var all []*piece
	if before := p.next.Load(); before != nil {
		all = *before
	}
	if len(all) < maxSuccessors && !slices.Contains(all, known) { // another goroutine may have
		all = append(all[:len(all):len(all)], known)
		p.next.Store(&all)
		p.usual.CompareAndSwap(nil, known)
	}
	return known
}

// read reads the piece after p at b[i]. Its text shares memory with b.
func (s *shapes) read(p *piece, b []byte, i int) *piece {
	r := pieceReader{shapes: s, b: b, start: i, i: i, in: p.in, made: &piece{}}
	if r.in == nil {
		if s.top == nil {
			s.top = newFrame(nil, true, setting{at: place{scope: documented}})
		}
		r.in = s.top
		r.i++ // the event's bracket
		r.i = rawjson.SkipSpace(b, r.i)
	}
	r.read()
	r.made.text, r.made.in = b[i:r.i:r.i], r.in
	return r.made
}

func newFrame(parent *frame, object bool, v setting) *frame {
	f := &frame{setting: v, object: object, parent: parent, pieces: map[string]*piece{}}
	if parent != nil {
		f.depth = parent.depth + 1
	}
	return f
}

// child is the frame of an object or array in f that the setting holds for, or nil if it is too deep, or no more are remembered.
func (s *shapes) child(f *frame, object bool, v setting) *frame {
	for _, known := range f.inside {
		if known.object == object && known.setting == v {
			return known
		}
	}
	if f.depth == maxDepth || s.frames == maxPieces {
		return nil
	}
	s.frames++
	made := newFrame(f, object, v)
	f.inside = append(f.inside, made)
	return made
}

// of is f when the object's type is known, or nil if no more are remembered.
func (s *shapes) of(f *frame, k kind) *frame {
	if f.typed[k] == nil {
		if s.frames == maxPieces {
			return nil
		}
		s.frames++
		made := newFrame(f.parent, f.object, f.setting)
		made.kind = k
		f.typed[k] = made
	}
	return f.typed[k]
}
