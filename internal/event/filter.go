package event

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// A filter points at the places of an event where a secret may be: where its
// plain spelling is, in upper or lower case, and at every byte that can be part
// of another spelling, which are backslashes and bytes that are not ASCII. It
// may point at too much, never at too little. It skips as Wu and Manber's
// search for several strings does, by blocks of two bytes.
type filter struct {
	plain    [][]byte // the ASCII spellings
	next     []int32  // by spelling: the next one that has the same block, plus 1
	shortest int      // length of the shortest of them, at most 255
	escapes  uint32   // the short escapes whose character is in some spelling, see escapeBit

	skip [512]uint8 // by block: how far the next window may begin
	last [512]int32 // by block: a spelling whose window ends with it, plus 1
}

func block(a, b byte) uint { return (uint(a|' ')*5 ^ uint(b|' ')*2) & 511 }

// build makes the filter for the secrets.
func (f *filter) build(all []*secret) {
	f.plain, f.next = f.plain[:0], f.next[:0]
	f.shortest, f.escapes = 255, 0
	for _, s := range all {
		f.escapes |= s.escapes
		for _, spelling := range s.spelled {
			if oddByte(spelling, 0, len(spelling)) < 0 {
				f.plain = append(f.plain, spelling)
				f.shortest = min(f.shortest, len(spelling))
			}
		}
	}
	if f.shortest < 2 {
		return
	}
	for i := range f.skip {
		f.skip[i] = uint8(f.shortest - 1)
	}
	clear(f.last[:])
	for n, spelling := range f.plain {
		end := f.shortest - 2
		for i := range end {
			b := block(spelling[i], spelling[i+1])
			f.skip[b] = min(f.skip[b], uint8(end-i))
		}
		b := block(spelling[end], spelling[end+1])
		f.skip[b] = 0
		f.next = append(f.next, f.last[b])
		f.last[b] = int32(n + 1)
	}
}

// mark appends the places in b[from:to], in order, to marks.
func (f *filter) mark(b []byte, from, to uint32, marks []uint32) []uint32 {
	first := len(marks)
	if len(f.plain) > 0 {
		marks = f.markPlain(b[:to], int(from), marks)
	}
	plain := len(marks)
	for i := oddByte(b, int(from), int(to)); i >= 0; i = oddByte(b, i+1, int(to)) {
		if b[i] == '\\' && b[i+1] != 'u' && f.escapes&escapeBit(b[i+1]) == 0 {
			i++ // stands for a character that no secret has
			continue
		}
		marks = append(marks, uint32(i))
	}
	if plain > first && len(marks) > plain {
		slices.Sort(marks[first:])
	}
	return marks
}

func (f *filter) markPlain(b []byte, from int, marks []uint32) []uint32 {
	if f.shortest < 2 {
		for i := from; i < len(b); i++ {
			if slices.ContainsFunc(f.plain, func(spelling []byte) bool { return beginsWith(b[i:], spelling) }) {
				marks = append(marks, uint32(i))
			}
		}
		return marks
	}
	end := f.shortest - 2
	for i := from + end; i+1 < len(b); {
		here := block(b[i], b[i+1])
		if skip := f.skip[here]; skip > 0 {
			i += int(skip)
			continue
		}
		for n := f.last[here]; n != 0; n = f.next[n-1] {
			if beginsWith(b[i-end:], f.plain[n-1]) {
				marks = append(marks, uint32(i-end))
				break
			}
		}
		i++
	}
	return marks
}

// beginsWith tells whether b begins with the folded ASCII spelling.
func beginsWith(b, spelling []byte) bool {
	if len(b) < len(spelling) {
		return false
	}
	for i, c := range spelling {
		got := b[i]
		if 'A' <= got && got <= 'Z' {
			got |= ' '
		}
		if got != c {
			return false
		}
	}
	return true
}

// oddByte returns the first place in b[from:to] of a backslash or a byte that is
// not ASCII, or -1.
func oddByte(b []byte, from, to int) int {
	i := from
	for ; i+8 <= to; i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		slash := w ^ '\\'*lowBits
		if odd := (w | (slash-lowBits)&^slash) & highBits; odd != 0 {
			return i + bits.TrailingZeros64(odd)>>3
		}
	}
	for ; i < to; i++ {
		if b[i] >= 0x80 || b[i] == '\\' {
			return i
		}
	}
	return -1
}
