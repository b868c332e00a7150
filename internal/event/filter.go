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
	plain    [][]byte   // the ASCII spellings
	shortest int        // length of the shortest of them, at most 255
	skip     [512]uint8 // by block: how far the next window may begin
}

func block(a, b byte) uint { return (uint(a|' ')*5 ^ uint(b|' ')*2) & 511 }

// build makes the filter for the secrets.
func (f *filter) build(all []*secret) {
	f.plain = f.plain[:0]
	f.shortest = 255
	for _, s := range all {
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
	for _, spelling := range f.plain {
		for i := range f.shortest - 1 {
			b := block(spelling[i], spelling[i+1])
			f.skip[b] = min(f.skip[b], uint8(f.shortest-2-i))
		}
	}
}

// mark appends the places in b[from:to], in order, to marks.
func (f *filter) mark(b []byte, from, to uint32, marks []uint32) []uint32 {
	first := len(marks)
	if len(f.plain) > 0 {
		marks = f.markPlain(b, int(from), int(to), marks)
	}
	plain := len(marks)
	for i := oddByte(b, int(from), int(to)); i >= 0; i = oddByte(b, i+1, int(to)) {
		marks = append(marks, uint32(i))
	}
	if plain > first && len(marks) > plain {
		slices.Sort(marks[first:])
	}
	return marks
}

func (f *filter) markPlain(b []byte, from, to int, marks []uint32) []uint32 {
	if f.shortest < 2 {
		for i := from; i < to; i++ {
			if f.at(b[i:to]) {
				marks = append(marks, uint32(i))
			}
		}
		return marks
	}
	for i := from + f.shortest - 2; i+1 < to; {
		if skip := f.skip[block(b[i], b[i+1])]; skip > 0 {
			i += int(skip)
			continue
		}
		if start := i - (f.shortest - 2); f.at(b[start:to]) {
			marks = append(marks, uint32(start))
		}
		i++
	}
	return marks
}

// at tells whether b begins with one of the plain spellings.
func (f *filter) at(b []byte) bool {
	for _, spelling := range f.plain {
		if b[0]|' ' == spelling[0]|' ' && len(b) >= len(spelling) && equalFolded(b, spelling) {
			return true
		}
	}
	return false
}

// equalFolded tells whether b begins with the folded ASCII spelling.
func equalFolded(b, spelling []byte) bool {
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
