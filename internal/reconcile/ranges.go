package reconcile

import (
	"slices"
	"time"
)

const (
	// minGap is the shortest time without events at which a range may be cut in two: to read through a shorter one costs less than another
	// query.
	minGap = 10 * time.Minute
	// maxRange bounds one query at first, far below limits.MaxQueryLength, as old ranges are expensive. A page of an org with few events
	// can cover months. When Loki refuses the query, it is asked for half as much, down to leastRange.
	maxRange   = 24 * time.Hour
	leastRange = 10 * time.Minute
	// maxCuts bounds the queries that scattered late events can cause.
	maxCuts = 16
)

// interval is a range of time, start inclusive, end exclusive, as Loki has it.
type interval struct{ start, end time.Time }

func (s interval) length() time.Duration { return s.end.Sub(s.start) }

// pieces cuts s into intervals, none of them longer than longest.
func (s interval) pieces(longest time.Duration) (all []interval) {
	for s.length() > longest {
		all = append(all, interval{s.start, s.start.Add(longest)})
		s.start = s.start.Add(longest)
	}
	return append(all, s)
}

// ranges covers times with few narrow intervals, earliest first, widened by before and after. A time without events is cut out when it is
// long and makes up over a quarter of its range. So late events get a range of their own, while a page of an org with one event an hour
// stays one range.
func ranges(times []time.Time, before, after time.Duration) []interval {
	if len(times) == 0 {
		return nil
	}
	sorted := slices.SortedFunc(slices.Values(times), time.Time.Compare)
	var out []interval
	cuts := 0
	var split func(ts []time.Time)
	split = func(ts []time.Time) {
		at, gap := 0, time.Duration(0)
		for i := 1; i < len(ts); i++ {
			if d := ts[i].Sub(ts[i-1]); d > gap {
				at, gap = i, d
			}
		}
		if gap > minGap && gap > ts[len(ts)-1].Sub(ts[0])/4 && cuts < maxCuts {
			cuts++
			split(ts[:at])
			split(ts[at:])
			return
		}
		out = append(out, interval{ts[0].Add(-before), ts[len(ts)-1].Add(after + 1)})
	}
	split(sorted)
	return out
}
