package redact

import (
	"bytes"
	"encoding/hex"
	"html"
	"iter"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/grafana/alloy/okta/internal/rawjson"
)

// decoded is the text of a token, folded, and where in the event it is from.
type decoded struct {
	folded []byte
	at     []uint32 // for each byte of folded, and for its end
}

// decode reads the string, without quotes, or number at s.
func (d *decoded) decode(b []byte, s rawjson.Span) {
	d.folded, d.at = d.folded[:0], d.at[:0]
	for i := int(s.Start); i < int(s.End); {
		r, n := readRune(b[i:s.End])
		d.add(r, uint32(i))
		i += n
	}
	d.at = append(d.at, s.End)
}

// add adds a character that is spelled from at on.
func (d *decoded) add(r rune, at uint32) {
	before := len(d.folded)
	d.folded = appendRune(d.folded, fold(r))
	for range len(d.folded) - before {
		d.at = append(d.at, at)
	}
}

// maxLevels is how often a text is looked at again. JSON in a string in JSON in a string is one level each.
const maxLevels = 4

// decodeAgain reads what is spelled in the text of from by escapes of JSON and entities of HTML. Without any it returns false.
func (d *decoded) decodeAgain(from *decoded) (changed bool) {
	b := from.folded
	if bytes.IndexByte(b, '\\') < 0 && bytes.IndexByte(b, '&') < 0 {
		return false
	}
	d.folded, d.at = d.folded[:0], d.at[:0]
	for i := 0; i < len(b); {
		r, n := rune(0), 0
		switch b[i] {
		case '\\':
			if end := rawjson.SkipEscape(b, i); end > 0 {
				r, n = rawjson.Unescape(b[i:])
			}
		case '&':
			r, n = entity(b[i:])
		}
		if n > 0 {
			changed = true
		} else {
			r, n = utf8.DecodeRune(b[i:])
		}
		d.add(r, from.at[i])
		i += n
	}
	d.at = append(d.at, from.at[len(b)])
	return changed
}

// decodeURL reads what is percent-encoded in the text of from, whose places d.at has. Without anything it returns false.
func (d *decoded) decodeURL(from *decoded) (changed bool) {
	b := from.folded
	if bytes.IndexByte(b, '%') < 0 {
		return false
	}
	d.folded, d.at = d.folded[:0], d.at[:0]
	for i := 0; i < len(b); {
		r, n := unpercent(b[i:])
		if n > 0 {
			changed = true
		} else {
			r, n = utf8.DecodeRune(b[i:])
		}
		d.add(r, uint32(i))
		i += n
	}
	d.at = append(d.at, uint32(len(b)))
	return changed
}

// unpercent reads the percent-encoded character that b starts with. Without one, n is 0.
func unpercent(b []byte) (r rune, n int) {
	var text [utf8.UTFMax]byte
	length := 0
	for length < len(text) && len(b) >= 3 && b[0] == '%' {
		if _, err := hex.Decode(text[length:length+1], b[1:3]); err != nil {
			break
		}
		length++
		b = b[3:]
	}
	r, width := utf8.DecodeRune(text[:length])
	if r == utf8.RuneError && width <= 1 {
		return 0, 0
	}
	return r, 3 * width
}

// entity reads the HTML entity that b starts with. Without one, n is 0.
func entity(b []byte) (r rune, n int) {
	const longest = len("&#x1f600;")
	end := bytes.IndexByte(b[:min(len(b), longest)], ';')
	if end < 0 {
		return 0, 0
	}
	spelled := string(b[:end+1])
	text := html.UnescapeString(spelled)
	r, width := utf8.DecodeRuneInString(text)
	if text == spelled || width != len(text) {
		return 0, 0
	}
	return r, end + 1
}

// find appends where in the event the secrets are. Where they overlap, the whole stretch stands for the longest one. Short spellings
// are looked for last: what is replaced beside them does not make them part of a longer word.
func (d *decoded) find(all []*secret, found []interval) []interval {
	earlier := len(found)
	short := false
	for _, s := range all {
		for _, spelling := range s.spelled {
			if spelling.short {
				short = true
				continue
			}
			for at := range d.places(spelling.text) {
				found = append(found, interval{at, at + len(spelling.text), s})
			}
		}
	}
	found = found[:earlier+len(mergeIntervals(found[earlier:]))]
	others := found[earlier:]
	for _, s := range all {
		for _, spelling := range s.spelled {
			if !short || !spelling.short {
				continue
			}
			for at := range d.places(spelling.text) {
				if end := at + len(spelling.text); d.isWord(at, end, others) {
					found = append(found, interval{at, end, s})
				}
			}
		}
	}
	for i := range found[earlier:] {
		f := &found[earlier+i]
		f.start, f.end = int(d.at[f.start]), int(d.at[f.end])
	}
	return found
}

// places goes over the places where a spelling is, overlapping ones included.
func (d *decoded) places(spelling []byte) iter.Seq[int] {
	return func(yield func(int) bool) {
		for from := 0; ; {
			i := bytes.Index(d.folded[from:], spelling)
			if i < 0 || !yield(from+i) {
				return
			}
			from += i + 1
		}
	}
}

// isWord tells whether no letter or digit adjoins folded[start:end], other than
// those of the others.
func (d *decoded) isWord(start, end int, others []interval) bool {
	before, _ := utf8.DecodeLastRune(d.folded[:start])
	after, _ := utf8.DecodeRune(d.folded[end:])
	if !isWordRune(before) && !isWordRune(after) {
		return true
	}
	next, _ := slices.BinarySearchFunc(others, end, func(i interval, end int) int { return i.start - end })
	last, _ := slices.BinarySearchFunc(others, start, func(i interval, start int) int { return i.end - start })
	begins := last < len(others) && others[last].end == start
	ends := next < len(others) && others[next].start == end
	return (begins || !isWordRune(before)) && (ends || !isWordRune(after))
}

func isWordRune(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r))
}

// readRune reads a character of a JSON string, which may be escaped.
func readRune(raw []byte) (rune, int) {
	if c := raw[0]; c < utf8.RuneSelf {
		if c == '\\' && len(raw) > 1 {
			return rawjson.Unescape(raw)
		}
		return rune(c), 1
	}
	return utf8.DecodeRune(raw)
}

func appendRune(dst []byte, r rune) []byte {
	if r < utf8.RuneSelf {
		return append(dst, byte(r))
	}
	return utf8.AppendRune(dst, r)
}
