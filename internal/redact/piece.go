package redact

import (
	"bytes"
	"unicode/utf8"

	"github.com/grafana/alloy/okta/internal/rawjson"
)

// A pieceReader reads a piece, as the walk would go over it.
type pieceReader struct {
	shapes *shapes
	b      []byte
	start  int
	i      int
	in     *frame
	made   *piece
}

// read goes from r.i, where a value has ended or the event begins, to the next.
func (r *pieceReader) read() {
	ended := r.start > 0
	for r.made.ends == 0 {
		if r.i-r.start > maxPieceLength {
			r.slow()
			return
		}
		r.i = rawjson.SkipSpace(r.b, r.i)
		switch c := r.b[r.i]; {
		case c == '}' || c == ']':
			r.i++
			if r.in.parent == nil {
				r.made.ends = '}'
				return
			}
			r.in = r.in.parent
			ended = true
		case ended && c == ',':
			r.i++
			ended = false
		default:
			ended = r.member()
		}
	}
}

// slow has such an event walked.
func (r *pieceReader) slow() { r.made.ends = slow }

// member goes to the value of the member or element at r.b[r.i], or into it, or past it if it is known, which it tells.
func (r *pieceReader) member() (ended bool) {
	v := r.in.setting
	v.reason, v.outcome = false, false
	typed := false
	if r.in.object {
		name := rawjson.SpanOf(r.i+1, rawjson.SkipString(r.b, r.i)-1)
		r.i = rawjson.SkipSpace(r.b, rawjson.SkipSpace(r.b, int(name.End)+1)+1)
		v = r.named(name)
		typed = !v.whole && string(name.Of(r.b)) == "type"
	}
	if r.made.ends == slow {
		return false
	}
	switch c := r.b[r.i]; {
	case c == '{' || c == '[':
		if r.in = r.shapes.child(r.in, c == '{', v); r.in == nil {
			r.slow()
			return false
		}
		r.i++
		return false
	case c == '"' && typed:
		r.typeOf(v)
	case c == '"':
		r.i++
		r.made.ends, r.made.value = '"', v
	case isNumber(c):
		r.made.ends, r.made.value = '0', v
	case c != 'n' && v.whole: // true and false are redacted there
		r.slow()
	default:
		r.i = rawjson.SkipValue(r.b, r.i, 0)
	}
	return true
}

// typeOf reads the type of the object r.in, which tells whether it is a thing.
func (r *pieceReader) typeOf(v setting) {
	text := rawjson.SpanOf(r.i+1, rawjson.SkipString(r.b, r.i)-1)
	spelled := text.Of(r.b)
	odd := bytes.ContainsAny(spelled, `@%\&?.:`) || len(spelled) > 0 && bytes.IndexByte([]byte("{[ "), spelled[0]) >= 0 || !isASCII(spelled)
	if r.in.kind != untyped || v.at.scalar || odd {
		r.slow()
		return
	}
	k := aPerson
	if r.shapes.guard.isThing([]string{rawjson.Alias(spelled)}) {
		k = aThing
	}
	if r.in = r.shapes.of(r.in, k); r.in == nil {
		r.slow()
		return
	}
	if !v.constant {
		r.searched(text)
	}
	r.i = int(text.End) + 1
}

func (r *pieceReader) searched(s rawjson.Span) {
	r.made.searched = append(r.made.searched, rawjson.SpanOf(int(s.Start)-r.start, int(s.End)-r.start))
}

// named is the setting of the member of that name in r.in. What Pass.member does with a name must be nothing.
func (r *pieceReader) named(s rawjson.Span) (v setting) {
	g, in, spelled := r.shapes.guard, r.in, s.Of(r.b)
	at := in.at
	if in.whole {
		at = place{scope: free, open: in.at.open}
	}
	c, known := g.classOf(at.scope, spelled)
	if bytes.IndexByte(spelled, '\\') >= 0 || !isASCII(spelled) {
		r.slow()
		return v
	}
	if !known && !g.isWords(rawjson.Alias(spelled)) {
		if thing := at.open || c > word; !thing || bytes.ContainsAny(spelled, `@%&?`) {
			r.slow()
			return v
		}
	}

	what := r.mentions(s, &v)
	if in.whole {
		inside, _ := c.in(at, noThing)
		v.whole, v.at.open = true, inside.open
		container := r.b[r.i] == '{' || r.b[r.i] == '['
		v.search = in.search && (what != nameConstant || container)
		return v
	}
	if c == name && in.kind == untyped {
		r.slow() // its type may follow
		return v
	}
	v.at, v.whole = c.in(at, func() bool { return in.kind == aThing })
	v.search = v.whole
	return v
}

// mentions says what of the member of that name mentions are looked for in, and returns what is known of the name.
func (r *pieceReader) mentions(s rawjson.Span, v *setting) (what uint8) {
	in, name := r.in, rawjson.Alias(s.Of(r.b))
	what = knownNames[name]
	if in.parent == nil {
		v.free, v.constant, v.outcome = !topNames[name], topConstants[name], name == "outcome"
		if v.free {
			r.searched(s)
		}
		return what
	}
	v.free, v.constant = in.free || what == nameFree, !in.free && what == nameConstant
	v.reason = in.outcome && name == "reason"
	if what == nameUnknown {
		r.searched(s)
	}
	return what
}

func isASCII(b []byte) bool {
	return !bytes.ContainsFunc(b, func(r rune) bool { return r >= utf8.RuneSelf })
}
