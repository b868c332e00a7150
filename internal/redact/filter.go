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
	of       []*secret // what it was made for
	plain    [][]byte  // the ASCII spellings
	next     []int32   // by spelling: the next one that has the same block, plus 1
	shortest int       // length of the shortest of them, at most maxWindow
	escapes  uint32    // the short escapes whose character is in some spelling, see escapeBit

	// A window is as long as the shortest spelling. By the block it ends with:
	reach [512]uint8 // how far into a spelling the block is at most; all of the window: a spelling may be here
	heads [64]uint64 // the first bytes of the spellings, a bit for each hash of them
	last  [512]int32 // if so, one of these spellings, plus 1
}

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// maxWindow bounds the window: a longer one skips more, and costs more to make.
const maxWindow = 8

// head is a hash of the first bytes of b, which has as many as a window. Upper and lower case have the same.
func (f *filter) head(b []byte) uint32 {
	var h uint32
	switch {
	case len(b) >= 4 && f.shortest >= 4:
		h = binary.LittleEndian.Uint32(b) | 0x20202020
	case f.shortest == 3:
		h = uint32(b[0]|' ') | uint32(b[1]|' ')<<8 | uint32(b[2]|' ')<<16
	default:
		h = uint32(b[0]|' ') | uint32(b[1]|' ')<<8
	}
	return h * 0x9e3779b1 >> 20
}

// mayBegin tells whether a spelling may begin where b does.
func (f *filter) mayBegin(b []byte) bool {
	bit := f.head(b)
	return f.heads[bit>>6]&(1<<(bit&63)) != 0
}

func block(a, b byte) uint { return (uint(a|' ')*5 ^ uint(b|' ')*2) & 511 }

// build makes the filter for the secrets. One event after the other is about the same people, as in a sign-in, and has the same filter.
func (f *filter) build(all []*secret) {
	if slices.Equal(f.of, all) {
		return
	}
	f.of = append(f.of[:0], all...)
	f.plain, f.next = f.plain[:0], f.next[:0]
	f.shortest, f.escapes = maxWindow, 0
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
	clear(f.heads[:])
	full := f.shortest - 1
	for n, spelling := range f.plain {
		bit := f.head(spelling)
		f.heads[bit>>6] |= 1 << (bit & 63)
		window := spelling[:full+1]
		before := window[0]
		for i, c := range window[1:full] {
			here := &f.reach[block(before, c)]
			*here = max(*here, uint8(i+1))
			before = c
		}
		here := block(before, window[full])
		f.next = append(f.next, 0)
		if int(f.reach[here]) == full {
			f.next[n] = f.last[here]
		}
		f.last[here] = int32(n + 1)
		f.reach[here] = uint8(full)
	}
}

// mark appends the places in b[from:to], in order, to marks.
func (f *filter) mark(b []byte, from, to uint32, marks []uint32) []uint32 {
	first, start, end := len(marks), int(from), int(to)
	for i := f.plainFrom(b[:end], start); i >= 0; i = f.plainFrom(b[:end], i+1) {
		marks = append(marks, uint32(i))
	}
	plain := len(marks)
	for i := f.oddFrom(b, start, end); i >= 0; i = f.oddFrom(b, i+1, end) {
		marks = append(marks, uint32(i))
	}
	for i := entityFrom(b[:end], start); i >= 0; i = entityFrom(b[:end], i+1) {
		marks = append(marks, uint32(i))
	}
	if len(marks) > plain {
		slices.Sort(marks[first:])
	}
	return marks
}

// mayBeIn tells whether a secret may be in b: as mark, for one token. Without odd there are no other spellings in it.
func (f *filter) mayBeIn(b []byte, odd bool) bool {
	return odd && (f.oddFrom(b, 0, len(b)) >= 0 || entityFrom(b, 0) >= 0) || f.plainFrom(b, 0) >= 0
}

// plainFrom returns the first place in b, at i or after it, of a plain spelling, or -1.
func (f *filter) plainFrom(b []byte, i int) int {
	if len(b)-i < f.shortest || len(f.plain) == 0 {
		return -1
	}
	if f.shortest < 2 {
		for ; i < len(b); i++ {
			if slices.ContainsFunc(f.plain, func(spelling []byte) bool { return beginsWith(b[i:], spelling) }) {
				return i
			}
		}
		return -1
	}
	full, reach := f.shortest-1, &f.reach
	for rest := b[i+full-1:]; len(rest) >= 2; {
		here := block(rest[0], rest[1])
		if skip := full - int(reach[here]); skip > 0 {
			if skip >= len(rest) {
				return -1
			}
			rest = rest[skip:]
			continue
		}
		start := len(b) - len(rest) - full + 1
		if begin := b[start:]; f.mayBegin(begin) {
			for n := f.last[here]; n != 0; n = f.next[n-1] {
				if beginsWith(begin, f.plain[n-1]) {
					return start
				}
			}
		}
		rest = rest[1:]
	}
	return -1
}

// oddFrom returns the first place in b[i:to] of a backslash or a byte that is not ASCII that may be part of another spelling, or -1.
func (f *filter) oddFrom(b []byte, i, to int) int {
	for i = oddByte(b, i, to); i >= 0; i = oddByte(b, i+2, to) {
		if b[i] != '\\' || i+1 == len(b) || b[i+1] == 'u' || b[i+1] == '\\' || f.escapes&escapeBit(b[i+1]) != 0 {
			return i
		} // else it stands for a character that no secret has
	}
	return -1
}

// entityFrom returns the first place in b, at i or after it, of an HTML entity, or -1.
func entityFrom(b []byte, i int) int {
	for ; ; i++ {
		next := bytes.IndexByte(b[i:], '&')
		if next < 0 {
			return -1
		}
		i += next
		if _, n := entity(b[i:]); n > 0 {
			return i
		}
	}
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
