package rawjson

import "unicode/utf8"

// Inside returns the JSON object or array that the string at s holds as text, white space around it included, and for each of its
// bytes, and its end, where in b it is spelled. Without one, ok is false.
func Inside(b []byte, s Span) (text []byte, places []uint32, ok bool) {
	raw := s.Inner()
	if !s.IsString(b) || !beginsContainer(b[raw.Start:raw.End]) {
		return nil, nil, false
	}
	text = make([]byte, 0, raw.End-raw.Start)
	places = make([]uint32, 0, raw.End-raw.Start+1)
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
	places = append(places, raw.End)
	end := SkipValue(text, SkipSpace(text, 0), 0)
	return text, places, end >= 0 && SkipSpace(text, end) == len(text)
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
