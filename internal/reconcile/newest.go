package reconcile

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/grafana/alloy/okta/internal/limits"
)

const (
	// longestSearch is below Loki's default max_query_length of 721h; a search for one entry is cheap.
	longestSearch = 30 * 24 * time.Hour
	// leastSearch keeps a search through 90 days to some hundred queries.
	leastSearch = 6 * time.Hour
)

// Newest returns the time of the newest entry of the live log under the selector that is as young as back, or that
// an ingester may have in memory: Loki refuses what is far behind that one. Zero when there is none.
//
// It looks at what is young first, and at older ranges only where there is a stream. A range that Loki refuses or does not answer in
// time is halved.
func (l *Loki) Newest(ctx context.Context, back time.Duration) (time.Time, error) {
	now, selector := time.Now(), cmp.Or(l.cfg.Live, l.cfg.Selector)
	recent := max(l.cfg.Ingesters, limits.QueryIngesters)
	oldest := now.Add(-max(back, recent))
	end, longest, length := now.Add(limits.MaxAhead), longestSearch, recent+limits.MaxAhead
	for end.After(oldest) {
		length = min(length, longest)
		start := end.Add(-length)
		if start.Before(oldest) {
			start = oldest
		}
		r := span{start, end}
		if end.Before(now) && l.empty(ctx, selector, r) {
			end, length = start, 8*length
			continue
		}
		page, err := l.query(ctx, selector, r, 1, backward, func(string) {})
		switch {
		case (errors.Is(err, errRange) || errors.Is(err, errSlow)) && ctx.Err() == nil && length/2 >= leastSearch:
			longest = length / 2
			continue
		case err != nil || page.entries > 0:
			return page.last, err
		}
		end, length = start, 8*length
	}
	return time.Time{}, nil
}
