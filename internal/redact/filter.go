package redact

import (
	"bytes"
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

	// A window is as long as the shortest spelling. By the block it ends with:
	reach [512]uint8 // how far into a spelling the block is at most; all of the window: a spelling may be here
	last  [512]int32 // if so, one of these spellings, plus 1
}

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

func block(a, b byte) uint { return (uint(a|' ')*5 ^ uint(b|' ')*2) & 511 }

// build makes the filter for the secrets.
func (f *filter) build(all []*secret) {
	f.plain, f.next = f.plain[:0], f.next[:0]
	f.shortest, f.escapes = 255, 0
	for _, s := range all {
		f.escapes |= s.escapes
		for _, spelling := range s.spelled {
			if spelling.plain {
				f.plain = append(f.plain, spelling.text)
				f.shortest = min(f.shortest, len(spelling.text))
			}
		}
	}
	if f.shortest < 2 {
		return
	}
	clear(f.reach[:])
	full := f.shortest - 1
	for n, spelling := range f.plain {
		for i := range full {
			here := block(spelling[i], spelling[i+1])
			if i+1 == full {
				f.next = append(f.next, 0)
				if int(f.reach[here]) == full {
					f.next[n] = f.last[here]
				}
				f.last[here] = int32(n + 1)
			}
			f.reach[here] = max(f.reach[here], uint8(i+1))
		}
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
		if b[i] == '\\' && b[i+1] != 'u' && b[i+1] != '\\' && f.escapes&escapeBit(b[i+1]) == 0 {
			i++ // stands for a character that no secret has
			continue
		}
		marks = append(marks, uint32(i))
	}
	for i := int(from); ; i++ {
		next := bytes.IndexByte(b[i:to], '&')
		if next < 0 {
			break
		}
		i += next
		if _, n := entity(b[i:to]); n > 0 {
			marks = append(marks, uint32(i))
		}
	}
	if len(marks) > plain {
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
	full := f.shortest - 1
	for i := from + full - 1; i+1 < len(b); {
		here := block(b[i], b[i+1])
		if reach := int(f.reach[here]); reach < full {
			i += full - reach
			continue
		}
		start := i - full + 1
		for n := f.last[here]; n != 0; n = f.next[n-1] {
			if beginsWith(b[start:], f.plain[n-1]) {
				marks = append(marks, uint32(start))
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
