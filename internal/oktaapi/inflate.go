package oktaapi

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"
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

	// slackAfter is how many bytes behind the output may be written to, and overread how many behind the stream are read: a match that
	// begins before the output's end, copied eight bytes at a time, and a word.
	slackAfter = maxLength + 16
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

// An entry of a table is of a symbol or, where codes are longer than the index, of the table's second part:
//
//	bits 0 to 5    how many bits it takes, with extra bits
//	bits 8 to 11   how many of them are the code's; of a part, bits 8 to 15 are the mask of its index
//	bits 16 to 31  the literal; the length or distance without extra bits; where the part begins
//
// An entry that is 0 belongs to no code.
const (
	isLiteral = 1 << 15
	isPart    = 1 << 6
	isMatch   = 1 << 7
	isEnd     = 1 << 14
)

var (
	lengthBase = [...]uint16{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227,
		258}
	distanceBase = [...]uint16{1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
		6145, 8193, 12289, 16385, 24577}
	orderOfLength = [...]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
)

// entryOfLiteral is what a literal/length symbol's entry is but for its code.
func entryOfLiteral(symbol int) uint32 {
	switch i := symbol - 257; {
	case i == -1:
		return isEnd
	case i < 0:
		return isLiteral | uint32(symbol)<<16
	case i >= len(lengthBase):
		return 0
	default:
		extra := uint32(0)
		if i >= 8 && i < 28 {
			extra = uint32(i-4) / 4
		}
		return isMatch | uint32(lengthBase[i])<<16 | extra
	}
}

func entryOfDistance(symbol int) uint32 {
	if symbol >= len(distanceBase) {
		return 0
	}
	return isMatch | uint32(distanceBase[symbol])<<16 | uint32(max(0, symbol/2-1))
}

// fixed makes the tables that the format defines (RFC 1951, 3.2.6).
func (z *inflater) fixed() bool {
	for symbol := range 288 {
		z.lengths[symbol] = uint8(8 + min(1, symbol/144) - 2*min(1, symbol/256) + min(1, symbol/280))
	}
	for symbol := range 32 {
		z.lengths[288+symbol] = 5
	}
	return z.tables(z.lengths[:288], z.lengths[288:])
}

// dynamic makes the tables that the block begins with (RFC 1951, 3.2.7).
func (z *inflater) dynamic() bool {
	if !z.refill() {
		return false
	}
	literals, distances, used := int(z.take(5))+257, int(z.take(5))+1, int(z.take(4))+4
	var lengths [19]uint8
	for _, symbol := range orderOfLength[:used] {
		if z.n < 3 && !z.refill() {
			return false
		}
		lengths[symbol] = uint8(z.take(3))
	}
	const longest = 7
	var codes [1 << longest]uint32
	if !table(codes[:], longest, lengths[:], func(symbol int) uint32 { return isLiteral | uint32(symbol)<<16 }) {
		return false
	}
	all := z.lengths[:literals+distances]
	for i := 0; i < len(all); {
		if !z.refill() {
			return false
		}
		e := codes[z.held&(1<<longest-1)]
		if e == 0 {
			return false
		}
		z.take(uint(e & 63))
		symbol, repeats := uint8(e>>16), 1
		switch symbol {
		case 16:
			if i == 0 {
				return false
			}
			symbol, repeats = all[i-1], 3+int(z.take(2))
		case 17:
			symbol, repeats = 0, 3+int(z.take(3))
		case 18:
			symbol, repeats = 0, 11+int(z.take(7))
		}
		if repeats > len(all)-i {
			return false
		}
		for range repeats {
			all[i] = symbol
			i++
		}
	}
	return z.tables(all[:literals], all[literals:])
}

func (z *inflater) tables(literals, distances []uint8) bool {
	return table(z.literals[:], literalBits, literals, entryOfLiteral) && table(z.distances[:], distanceBits, distances, entryOfDistance)
}

// table fills a table whose first part is found by the next bits of the stream, for the symbols' code lengths (RFC 1951, 3.2.2). It
// returns false when there are more codes than bits can tell apart.
func table(to []uint32, first int, lengths []uint8, entry func(symbol int) uint32) bool {
	var count, code [maxCode + 2]int
	for _, n := range lengths {
		count[n]++
	}
	count[0] = 0
	longest := first
	for n := 1; n <= maxCode; n++ {
		code[n+1] = (code[n] + count[n]) << 1
		if code[n]+count[n] > 1<<n {
			return false
		}
		if count[n] > 0 {
			longest = max(longest, n)
		}
	}
	clear(to[:1<<first])
	used, mask := 1<<first, 1<<(longest-first)-1
	for symbol, length := range lengths {
		n := int(length)
		if n == 0 {
			continue
		}
		e, reversed := entry(symbol), int(bits.Reverse16(uint16(code[n]))>>(16-n))
		code[n]++
		part, width := to[:1<<first], n
		if n > first {
			at := &to[reversed&(1<<first-1)]
			if *at == 0 {
				clear(to[used : used+mask+1])
				*at = isPart | uint32(mask)<<8 | uint32(used)<<16
				used += mask + 1
			}
			part = to[*at>>16:][:mask+1]
			reversed, width = reversed>>first, n-first
		}
		if e != 0 {
			e += uint32(width) | uint32(width)<<8
		}
		for i := reversed; i < len(part); i += 1 << width {
			part[i] = e
		}
	}
	return true
}
