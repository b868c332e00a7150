package event

import (
	"slices"
	"unicode"
	"unicode/utf8"
)

// mergeIntervals orders intervals and joins the ones that overlap, in place.
// The longest gives its secret to the whole.
func mergeIntervals(all []interval) []interval {
	if len(all) < 2 {
		return all
	}
	slices.SortFunc(all, func(a, b interval) int {
		if a.start != b.start {
			return a.start - b.start
		}
		return b.end - a.end
	})
	merged := all[:1]
	longest := all[0].end - all[0].start
	for _, next := range all[1:] {
		last := &merged[len(merged)-1]
		length := next.end - next.start
		if next.start >= last.end {
			merged = append(merged, next)
			longest = length
			continue
		}
		last.end = max(last.end, next.end)
		if length > longest {
			last.secret, longest = next.secret, length
		}
	}
	return merged
}

func isWordRune(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r))
}

// readRune reads a character of a JSON string, which may be escaped.
func readRune(raw []byte) (rune, int) {
	if c := raw[0]; c < utf8.RuneSelf {
		if c == '\\' && len(raw) > 1 {
			return unescape(raw)
		}
		return rune(c), 1
	}
	return utf8.DecodeRune(raw)
}

func appendRune(dst []byte, r rune) []byte {
	if r < utf8.RuneSelf {
		return append(dst, byte(r))
	}
	return utf8.AppendRune(dst, r)
}
