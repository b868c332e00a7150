package oktaapi

import (
	"encoding/binary"
	"hash/crc32"
)

// An inflater decodes gzip (RFC 1952) from memory into memory of the size that the stream tells, with tables that are used again. It
// decodes what servers send, and makes sure by length and checksum that it did; of all other streams it only says that it did not, and
// the library decides what they are. To inflate is most of what it takes to read a page: this takes 0.6 of the library's time, and 0.45 of
// the standard library's (pages of 2 MB of oktasim, at levels 1, 6 and 9), because no window is between stream and page, and because it
// reads eight bytes at a time.
type inflater struct {
	literals  [1<<literalBits + 288<<(maxCode-literalBits)]uint32
	distances [1<<distanceBits + 32<<(maxCode-distanceBits)]uint32
	lengths   [288 + 32]uint8

	src  []byte
	next int    // of src
	held uint64 // bits that were taken from src
	n    uint   // how many of them are counted; those above are the same as in src[next:]
}

const (
	maxCode      = 15 // bits of the longest code
	literalBits  = 11 // of the index of a table's first part
	distanceBits = 8
	maxLength    = 258 // of a match

	// slackAfter is how many bytes behind the output may be written to: by three literals and a match that is copied 16 bytes at a time.
	// overread is how many behind the stream are read.
	slackAfter = 3 + maxLength + 15
	overread   = 8
)

// gunzip decodes src[:len(src)-overread] into dst[:len(dst)-slackAfter], which it fills exactly, or returns false.
func (z *inflater) gunzip(dst, src []byte) bool {
	const header, trailer = 10, 8
	end, size := len(src)-overread, len(dst)-slackAfter
	// Magic number, deflate, and no optional fields; the time, the level and the system do not matter.
	if end < header+trailer || size < 0 || src[0] != 0x1f || src[1] != 0x8b || src[2] != 8 || src[3] != 0 {
		return false
	}
	z.src, z.next, z.held, z.n = src, header, 0, 0
	defer func() { z.src = nil }()
	for at, last := 0, false; !last; {
		if !z.refill() {
			return false
		}
		last = z.take(1) == 1
		switch kind := z.take(2); {
		case kind == 0:
			at = z.stored(dst[:size], at)
		case kind == 1 && z.fixed(), kind == 2 && z.dynamic():
			at = z.block(dst, at)
		default:
			return false
		}
		if at < 0 || last && at != size {
			return false
		}
	}
	after := z.next - int(z.n>>3)
	return after == end-trailer && binary.LittleEndian.Uint32(src[after:]) == crc32.ChecksumIEEE(dst[:size]) &&
		binary.LittleEndian.Uint32(src[after+4:]) == uint32(size)
}

// refill makes at least 56 bits ready, or tells that the stream is at its end.
func (z *inflater) refill() bool {
	if z.next+8 > len(z.src) {
		return false
	}
	z.held |= binary.LittleEndian.Uint64(z.src[z.next:]) << (z.n & 63)
	z.next += int((63 - z.n) >> 3)
	z.n |= 56
	return true
}

// take takes bits that are ready.
func (z *inflater) take(n uint) uint32 {
	got := uint32(z.held) & (1<<n - 1)
	z.held >>= n
	z.n -= n
	return got
}

// stored copies a block that is not compressed, and returns where dst then ends, or -1.
func (z *inflater) stored(dst []byte, at int) int {
	from := z.next - int(z.n>>3)
	z.held, z.n = 0, 0
	if from+4 > len(z.src) {
		return -1
	}
	length := int(binary.LittleEndian.Uint16(z.src[from:]))
	if length != int(^binary.LittleEndian.Uint16(z.src[from+2:])) || from+4+length > len(z.src) || length > len(dst)-at {
		return -1
	}
	z.next = from + 4 + length
	return at + copy(dst[at:], z.src[from+4:z.next])
}

// block decodes a block whose tables were made, and returns where dst then ends, or -1.
func (z *inflater) block(dst []byte, at int) int {
	src, next, held, n := z.src, z.next, z.held, z.n
	size := len(dst) - slackAfter
	for at <= size {
		if next+8 > len(src) {
			return -1
		}
		held |= binary.LittleEndian.Uint64(src[next:]) << (n & 63)
		next += int((63 - n) >> 3)
		n |= 56

		e := z.literals[held&(1<<literalBits-1)]
		// Up to three literals of the first part, of 11 bits each, leave 23; another symbol needs the bits again.
		for range 3 {
			if e&isLiteral == 0 {
				break
			}
			dst[at] = byte(e >> 16)
			at++
			held >>= e & 63
			n -= uint(e & 63)
			e = z.literals[held&(1<<literalBits-1)]
		}
		if e&isLiteral != 0 {
			continue
		}
		if n < 2*maxCode+5+13 { // a length and a distance with their extra bits
			if next+8 > len(src) {
				return -1
			}
			held |= binary.LittleEndian.Uint64(src[next:]) << (n & 63)
			next += int((63 - n) >> 3)
			n |= 56
		}
		if e&isPart != 0 {
			held >>= literalBits
			n -= literalBits
			e = z.literals[e>>16+uint32(held)&(e>>8&0xff)]
		}
		extra := uint(e & 63)
		switch {
		case e&isLiteral != 0:
			dst[at] = byte(e >> 16)
			at++
			held >>= extra
			n -= extra
			continue
		case e&isMatch == 0:
			if e&isEnd == 0 {
				return -1
			}
			z.next, z.held, z.n = next, held>>extra, n-extra
			return at
		}
		code := uint(e >> 8 & 15)
		length := int(e>>16) + int(held&(1<<extra-1)>>code)
		held >>= extra
		n -= extra

		e = z.distances[held&(1<<distanceBits-1)]
		if e&isPart != 0 {
			held >>= distanceBits
			n -= distanceBits
			e = z.distances[e>>16+uint32(held)&(e>>8&0xff)]
		}
		extra, code = uint(e&63), uint(e>>8&15)
		distance := int(e>>16) + int(held&(1<<extra-1)>>code)
		held >>= extra
		n -= extra
		if e&isMatch == 0 || distance > at {
			return -1
		}
		repeat(dst, at, distance, length)
		at += length
	}
	return -1
}

// repeat copies a match. It may write up to fifteen bytes behind it.
func repeat(dst []byte, at, distance, length int) {
	from := at - distance
	switch {
	case distance >= length && length > 48: // where a call of memmove pays
		copy(dst[at:at+length], dst[from:])
	case distance >= 16:
		for to := at; to < at+length; to, from = to+16, from+16 {
			b, a := dst[to:to+16:to+16], dst[from:from+16:from+16]
			x, y := binary.LittleEndian.Uint64(a), binary.LittleEndian.Uint64(a[8:])
			binary.LittleEndian.PutUint64(b, x)
			binary.LittleEndian.PutUint64(b[8:], y)
		}
	default:
		for i := range length {
			dst[at+i] = dst[from+i]
		}
	}
}
