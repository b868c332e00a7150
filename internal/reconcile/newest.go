package reconcile

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/tidwall/gjson"

	"github.com/grafana/alloy/okta/internal/delivery"
	"github.com/grafana/alloy/okta/internal/limits"
)

const (
	// longestSearch is below Loki's default max_query_length, 721 hours; a search for one entry is cheap.
	longestSearch = limits.MaxQueryLength - time.Hour
	// leastSearch keeps a search through 90 days to some hundred queries.
	leastSearch = 6 * time.Hour
	// shortSearch is a range that costs little to read.
	shortSearch = 12 * time.Hour
	// perSelector is how many entries a query asks for, for each selector in it: a few of each, where they are alike.
	perSelector = 10
)

// short is the shortest line: what a line says does not matter here.
const short = ` | line_format "-"`

// together searches for all at once.
func together(requests []*request) [][]*part {
	var parts []*part
	for _, r := range requests {
		r.parts = 1
		parts = append(parts, &part{request: r, selector: r.loki.live})
	}
	return [][]*part{parts}
}

// newest looks in the last hours first, and in older ranges only where there is a stream. A range that Loki refuses, or does not answer in
// time, is halved.
func (s *Server) newest(ctx context.Context, parts []*part) error {
	now := time.Now()
	recent, oldest := time.Duration(0), now
	for _, p := range parts {
		recent, oldest = max(recent, p.loki.recent()), delivery.Earliest(oldest, now.Add(-p.back))
	}
	selectors := len(selectorsOf(parts))
	open := slices.Clone(parts)
	end, length := now.Add(limits.MaxAhead), recent+limits.MaxAhead
	for {
		open = slices.DeleteFunc(open, func(p *part) bool {
			if p.newest.IsZero() && end.After(now.Add(-p.back)) {
				return false
			}
			p.answer(nil)
			return true
		})
		if len(open) == 0 {
			break
		}
		length = min(length, time.Duration(s.search.get()))
		r := interval{delivery.Latest(end.Add(-length), oldest), end}
		if err := s.searchIn(ctx, open, r, end.Before(now)); err != nil {
			if (errors.Is(err, errRange) || errors.Is(err, errSlow)) && ctx.Err() == nil && s.search.tooHigh(int64(length)) {
				continue
			}
			return err
		}
		s.search.fine()
		end, length = r.start, 8*length
	}
	s.wereJoined(selectors)
	return nil
}

// searchIn looks for the newest entries of parts in r. When r is old, it asks the index first, and once more for pieces of r, so that
// entries of few hours are read.
func (s *Server) searchIn(ctx context.Context, parts []*part, r interval, old bool) error {
	parts = slices.DeleteFunc(slices.Clone(parts), func(p *part) bool { return !p.newest.IsZero() })
	known := false
	if old && len(parts) > 0 {
		var err error
		if parts, known, err = s.present(ctx, parts, r); err != nil {
			return err
		}
	}
	if !known || len(parts) == 0 || r.length() <= shortSearch {
		return s.latestOf(ctx, parts, r)
	}
	for _, piece := range slices.Backward(r.pieces(r.length() / 8)) {
		if err := s.searchIn(ctx, parts, piece, old); err != nil {
			return err
		}
	}
	return nil
}

// present returns the parts that may have streams in r, and whether Loki said so.
func (s *Server) present(ctx context.Context, parts []*part, r interval) ([]*part, bool, error) {
	all := selectorsOf(parts)
	label, at := telling(all)
	if label == "" {
		return parts, false, nil
	}
	have, err := s.values(ctx, label, join(all), r)
	if err != nil || have == nil {
		return parts, false, err
	}
	return slices.DeleteFunc(slices.Clone(parts), func(p *part) bool {
		return len(have) == 0 || len(all) > 1 && !have[p.selector.parts[at].value]
	}), true, nil
}

// latestOf notes the newest entry in r of each part that has one there. A page shows the newest entries of some parts; the next query is
// for the others.
func (s *Server) latestOf(ctx context.Context, parts []*part, r interval) error {
	for queries := 0; len(parts) > 0 && r.start.Before(r.end); queries++ {
		if queries == maxQueries {
			return errors.New("querying Loki: no end of entries that belong to no selector")
		}
		all := selectorsOf(parts)
		query, limit := all[0].text, 1
		if len(all) > 1 {
			query, limit = join(all)+short, min(perSelector*len(all), int(s.limit.get()))
		}
		newest := make(map[string]time.Time)
		page, err := s.query(ctx, query, r, limit, backward, func(labels gjson.Result) each {
			key := all[0].key
			if len(all) > 1 {
				key = all[0].keyOf(labels)
			}
			return func(at time.Time, _, _ string) { newest[key] = delivery.Latest(newest[key], at) }
		})
		if errors.Is(err, errLimit) && s.limit.tooHigh(int64(limit)) {
			continue
		}
		if err != nil {
			return err
		}
		before := len(parts)
		parts = slices.DeleteFunc(slices.Clone(parts), func(p *part) bool {
			if p.newest.IsZero() {
				p.newest = newest[p.selector.key]
			}
			return !p.newest.IsZero()
		})
		if page.entries < limit {
			return nil
		}
		r.end = page.first
		if len(parts) < before {
			r.end = page.first.Add(1) // others may have entries at that instant
		}
	}
	return nil
}
