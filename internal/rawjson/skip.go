package rawjson

import (
	"encoding/binary"
	"math/bits"
)

// The functions below check and skip JSON (RFC 8259) without building
// anything. Each takes the index of a value's first byte and returns the index
// after its last one, or ^n when the input is broken at byte n; no valid index
// is negative, so one comparison tells the two apart. They accept exactly what
// json.Valid accepts (FuzzScan holds them to it), which includes strings that
// are not UTF-8: such bytes are Okta's and pass through as they are.

// maxDepth is how deep values may nest, the limit encoding/json has as well.
const maxDepth = 10000

// SkipValue skips the value at b[i]; depth counts the containers around it.
func SkipValue(b []byte, i, depth int) int {
	if i >= len(b) {
		return ^i
	}
	switch b[i] {
	case '"':
		return SkipString(b, i)
	case '{':
		return skipInside(b, i, depth+1, '}')
	case '[':
		return skipInside(b, i, depth+1, ']')
	case 't':
		return skipLiteral(b, i, "true")
	case 'f':
		return skipLiteral(b, i, "false")
	case 'n':
		return skipLiteral(b, i, "null")
	default:
		return skipNumber(b, i)
	}
}

// skipInside skips the object or array that begins at b[i] and ends with end.
func skipInside(b []byte, i, depth int, end byte) int {
	if depth > maxDepth {
		return ^i
	}
	i = SkipSpace(b, i+1)
	if i < len(b) && b[i] == end {
		return i + 1
	}
	for {
		if end == '}' {
			if i = SkipKey(b, i); i < 0 {
				return i
			}
		}
		if i = SkipValue(b, i, depth); i < 0 {
			return i
		}
		i = SkipSpace(b, i)
		switch {
		case i >= len(b):
			return ^i
		case b[i] == ',':
			i = SkipSpace(b, i+1)
		case b[i] == end:
			return i + 1
		default:
			return ^i
		}
	}
}

// SkipKey skips a member's name and colon and returns where its value starts.
func SkipKey(b []byte, i int) int {
	_, value := Key(b, i)
	return value
}

// Key is SkipKey, and returns also where the name ends, after its quotation mark.
func Key(b []byte, i int) (end, value int) {
	if i >= len(b) || b[i] != '"' {
		return 0, ^i
	}
	if end = SkipString(b, i); end < 0 {
		return 0, end
	}
	i = SkipSpace(b, end)
	if i >= len(b) || b[i] != ':' {
		return 0, ^i
	}
	return end, SkipSpace(b, i+1)
}

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// SkipString skips the string at b[i], which is '"'. It looks at eight bytes at
// a time for what ends or interrupts a string: a quote, a backslash, a control
// character.
func SkipString(b []byte, i int) int {
	i++
	for {
		for i+8 <= len(b) {
			w := binary.LittleEndian.Uint64(b[i:])
			stop := (w - ' '*lowBits) | ((w ^ '"'*lowBits) - lowBits) | ((w ^ '\\'*lowBits) - lowBits)
			if stop &= highBits &^ w; stop != 0 { // of bytes below 0x80
				i += bits.TrailingZeros64(stop) >> 3
				break
			}
			i += 8
		}
		if i >= len(b) {
			return ^len(b)
		}
		switch c := b[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			if i = SkipEscape(b, i); i < 0 {
				return i
			}
		case c < ' ':
			return ^i
		default:
			i++
		}
	}
}

// SkipEscape skips the escape sequence at b[i], which is '\'.
func SkipEscape(b []byte, i int) int {
	if i+1 >= len(b) {
		return ^len(b)
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		for j := i + 2; j < i+6; j++ {
			if j >= len(b) || !isHex(b[j]) {
				return ^j
			}
		}
		return i + 6
	default:
		return ^(i + 1)
	}
}

// skipNumber skips the number at b[i].
func skipNumber(b []byte, i int) int {
	if i < len(b) && b[i] == '-' {
		i++
	}
	switch {
	case i >= len(b):
		return ^i
	case b[i] == '0':
		i++
	case '1' <= b[i] && b[i] <= '9':
		i = skipDigits(b, i)
	default:
		return ^i
	}
	if i < len(b) && b[i] == '.' {
		if i = skipDigits(b, i+1); i < 0 {
			return i
		}
	}
	if i < len(b) && b[i]|' ' == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		return skipDigits(b, i)
	}
	return i
}

// skipDigits skips one or more digits.
func skipDigits(b []byte, i int) int {
	start := i
	for i < len(b) && '0' <= b[i] && b[i] <= '9' {
		i++
	}
	if i == start {
		return ^i
	}
	return i
}

func skipLiteral(b []byte, i int, literal string) int {
	for j := range len(literal) {
		if i+j >= len(b) || b[i+j] != literal[j] {
			return ^(i + j)
		}
	}
	return i + len(literal)
}

// SkipSpace returns the position of the first byte from i on that is not white space.
func SkipSpace(b []byte, i int) int {
	for i < len(b) && b[i] <= ' ' && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|' ' && c|' ' <= 'f'
}
