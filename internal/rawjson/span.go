package rawjson

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// A Span is a range of bytes: b[Start:End]. The zero Span means
// "not there". Offsets are 32 bits wide, so that an Event stays small; a page
// is a few megabytes.
type Span struct{ Start, End uint32 }

// SpanOf returns the span of b[start:end].
func SpanOf(start, end int) Span { return Span{uint32(start), uint32(end)} }

// Found tells whether the span is there.
func (s Span) Found() bool { return s.End != 0 }

// Of returns the bytes of b in the span.
func (s Span) Of(b []byte) []byte { return b[s.Start:s.End] }

// IsString tells whether the value at the span is a string.
func (s Span) IsString(b []byte) bool { return s.Found() && b[s.Start] == '"' }

// Inner is the span of a string without its quotes.
func (s Span) Inner() Span { return Span{s.Start + 1, s.End - 1} }

// Is tells whether the raw bytes of a string, without quotes, spell text.
func (s Span) Is(b []byte, text string) bool {
	raw := s.Of(b)
	if string(raw) == text {
		return true
	}
	// An escape makes the spelling longer, never shorter.
	return len(raw) > len(text) && Unquote(raw) == text
}

// Alias returns b as a string that shares its memory. b must not change while
// the string is in use.
func Alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// Unquote returns the text of a valid JSON string's inner bytes. The result
// shares memory with raw when raw holds no escape.
func Unquote(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return Alias(raw)
	}
	return Alias(AppendUnquoted(make([]byte, 0, len(raw)), raw))
}

// AppendUnquoted appends the text of a valid JSON string's inner bytes to dst.
// Half a surrogate pair becomes U+FFFD, as in encoding/json.
func AppendUnquoted(dst, raw []byte) []byte {
	for {
		plain := bytes.IndexByte(raw, '\\')
		if plain < 0 {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:plain]...)
		r, n := Unescape(raw[plain:])
		dst = utf8.AppendRune(dst, r)
		raw = raw[plain+n:]
	}
}

// Unescape reads the escape sequence that raw starts with: what it stands for,
// and how many bytes spell it.
func Unescape(raw []byte) (rune, int) {
	switch c := raw[1]; c {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		r := hex4(raw[2:])
		if !utf16.IsSurrogate(r) {
			return r, 6
		}
		if len(raw) >= 12 && raw[6] == '\\' && raw[7] == 'u' {
			if pair := utf16.DecodeRune(r, hex4(raw[8:])); pair != utf8.RuneError {
				return pair, 12
			}
		}
		return utf8.RuneError, 6
	default:
		return rune(c), 2
	}
}

// hex4 reads four hexadecimal digits.
func hex4(b []byte) (r rune) {
	for _, c := range b[:4] {
		switch {
		case c <= '9':
			r = r<<4 | rune(c-'0')
		default:
			r = r<<4 | rune(c|' '-'a'+10)
		}
	}
	return r
}
