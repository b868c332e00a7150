package event

import (
	"bytes"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// A span is a range of bytes in an event: b[start:end]. The zero span means
// "not there". Offsets are 32 bits wide, so that an Event stays small; a page
// is a few megabytes.
type span struct{ start, end uint32 }

func (s span) found() bool            { return s.end != 0 }
func (s span) of(b []byte) []byte     { return b[s.start:s.end] }
func spanOf(start, end int) span      { return span{uint32(start), uint32(end)} }
func (s span) isString(b []byte) bool { return s.found() && b[s.start] == '"' }

// inner is the span of a string without its quotes.
func (s span) inner() span { return span{s.start + 1, s.end - 1} }

// alias returns b as a string that shares its memory. b must not change while
// the string is in use.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// unquote returns the text of a valid JSON string's inner bytes. The result
// shares memory with raw when raw holds no escape.
func unquote(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return alias(raw)
	}
	return alias(appendUnquoted(make([]byte, 0, len(raw)), raw))
}

// appendUnquoted appends the text of a valid JSON string's inner bytes to dst.
// Half a surrogate pair becomes U+FFFD, as in encoding/json.
func appendUnquoted(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			dst = append(dst, raw[i])
			i++
			continue
		}
		r, n := unescape(raw[i:])
		dst = utf8.AppendRune(dst, r)
		i += n
	}
	return dst
}

// unescape reads the escape sequence that raw starts with: what it stands for,
// and how many bytes spell it.
func unescape(raw []byte) (rune, int) {
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

// validText is text as labels and structured metadata may hold it: UTF-8.
func validText(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
