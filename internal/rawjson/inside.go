package rawjson

import (
	"slices"
	"unicode/utf8"
)

// A Text is JSON that a string holds. Its zero value is ready for use, and for another use.
type Text struct {
	Raw    []byte
	Places []uint32 // for each byte of Raw, and its end, where in the outer bytes it is spelled
}

// Read reads the string at s in b and tells whether it holds a JSON object or array, perhaps with white space around it.
func (t *Text) Read(b []byte, s Span) (ok bool) {
	raw := s.Inner()
	if !s.IsString(b) || !beginsContainer(b[raw.Start:raw.End]) {
		return false
	}
	text := slices.Grow(t.Raw[:0], int(raw.End-raw.Start))
	places := slices.Grow(t.Places[:0], int(raw.End-raw.Start)+1)
	for i := raw.Start; i < raw.End; {
		before, n := len(text), 1
		if b[i] == '\\' {
			r, width := Unescape(b[i:raw.End])
			text, n = utf8.AppendRune(text, r), width
		} else {
			text = append(text, b[i])
		}
		for range len(text) - before {
			places = append(places, i)
		}
		i += uint32(n)
	}
	t.Raw, t.Places = text, append(places, raw.End)
	end := SkipValue(text, SkipSpace(text, 0), 0)
	return end >= 0 && SkipSpace(text, end) == len(text)
}

// beginsContainer tells whether the text of a string, spelled as in JSON, may begin an object or array.
func beginsContainer(raw []byte) bool {
	for i := 0; i < len(raw); {
		r, n := rune(raw[i]), 1
		if r == '\\' {
			r, n = Unescape(raw[i:])
		}
		switch r {
		case ' ', '\t', '\n', '\r':
			i += n
		default:
			return r == '{' || r == '['
		}
	}
	return false
}
