package redact

import "slices"

// An interval is where a secret is in a decoded text.
type interval struct {
	start, end int
	secret     *secret
}

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
