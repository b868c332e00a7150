package oktaapi

import "math/bits"

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
