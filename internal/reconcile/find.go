package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/grafana/alloy/okta/internal/delivery"
	"github.com/grafana/alloy/okta/internal/limits"
)

const (
	firstLimit = limits.MaxEntriesPerQuery
	leastLimit = 100
	// An answer that is too large for the message size between Loki's parts
	// (grpc_server_max_recv_msg_size, 4 MB) is not refused but times out.
	slowLimit = 500
	// maxQueries bounds one Find over a selector that matches far more than events.
	maxQueries = 500
	// uuidsPerFilter keeps the query for uuids at one instant far below Loki's 128 KB.
	uuidsPerFilter = 100
	// shortest is the range over which events are joined, whatever each needs: it costs no more than another query.
	shortest = time.Minute
)

// extract makes Loki return a short line with the uuid alone where the line is the event or our envelope of it, and the line itself where
// it is something else. A page of answers is then a twentieth as large, and fits Loki's internal message size.
const extract = ` |= "uuid" | json okta_uuid_enveloped="event.uuid", okta_uuid_bare="uuid"` +
	` | line_format "{{ if .okta_uuid_enveloped }}uuid={{ .okta_uuid_enveloped }}` +
	`{{ else if .okta_uuid_bare }}uuid={{ .okta_uuid_bare }}{{ else }}{{ __line__ }}{{ end }}"` +
	` | drop okta_uuid_enveloped, okta_uuid_bare, __error__, __error_details__`

// splitByTime puts together events of about the same time, so that a query for some of them costs the others little. A late event, or a
// page that covers hours, is looked for under its own selector alone.
func splitByTime(requests []*request) [][]*part {
	var parts []*part
	for _, r := range requests {
		var times []time.Time
		for _, e := range r.events {
			times = append(times, e.Time)
		}
		for _, s := range ranges(times, r.loki.cfg.Before, r.loki.cfg.After) {
			parts = append(parts, &part{request: r, selector: r.loki.all, interval: s})
			r.parts++
		}
	}
	slices.SortStableFunc(parts, func(a, b *part) int { return a.interval.start.Compare(b.interval.start) })
	type cluster struct {
		interval interval
		longest  time.Duration // up to which it may grow
		parts    []*part
	}
	var clusters []*cluster
next:
	for _, p := range parts {
		longest := max(shortest, 2*p.interval.length())
		for _, c := range clusters {
			both := interval{c.interval.start, delivery.Latest(c.interval.end, p.interval.end)}
			if both.length() <= min(c.longest, longest) {
				c.interval, c.longest, c.parts = both, min(c.longest, longest), append(c.parts, p)
				continue next
			}
		}
		clusters = append(clusters, &cluster{p.interval, longest, []*part{p}})
	}
	var out [][]*part
	for _, c := range clusters {
		out = append(out, c.parts)
	}
	return out
}

// find looks for the events of parts that are of about the same time.
func (s *Server) find(ctx context.Context, parts []*part) error {
	whole := parts[0].interval
	for _, p := range parts {
		whole = interval{delivery.Earliest(whole.start, p.interval.start), delivery.Latest(whole.end, p.interval.end)}
	}
	f := finding{server: s, parts: parts, wanted: make(map[string][]*part)}
	for _, p := range parts {
		for _, e := range p.events {
			f.wanted[e.UUID] = append(f.wanted[e.UUID], p)
		}
	}
	for {
		longest := s.longest.get()
		err := f.readAll(ctx, whole.pieces(time.Duration(longest)))
		if errors.Is(err, errRange) && s.longest.tooHigh(longest) {
			continue
		}
		if err != nil {
			return err
		}
		s.longest.fine()
		s.wereJoined(len(selectorsOf(parts)))
		for _, p := range parts {
			p.answer(nil)
		}
		return nil
	}
}

// finding is one search for the events of parts.
type finding struct {
	server  *Server
	parts   []*part
	wanted  map[string][]*part
	queries int
}

func (f *finding) readAll(ctx context.Context, all []interval) error {
	for _, r := range all {
		if err := f.read(ctx, f.parts, r); err != nil {
			return err
		}
	}
	return nil
}

// read goes through one range, forward, until its end or until all is found. Parts whose entries fill a page go on alone, after the others.
func (f *finding) read(ctx context.Context, parts []*part, r interval) error {
	for start := r.start; ; {
		parts = slices.DeleteFunc(slices.Clone(parts), func(p *part) bool { return p.complete(start) || !p.missing(r) })
		if len(parts) == 0 || !start.Before(r.end) {
			return nil
		}
		page, limit, counts, err := f.ask(ctx, parts, extract, interval{start, r.end})
		switch {
		case err != nil:
			return err
		case page.entries < limit:
			start = r.end
		case !page.last.After(start): // more entries at this instant than fit
			if err := f.readInstant(ctx, parts, start); err != nil {
				return err
			}
			start = start.Add(1)
		case len(selectorsOf(parts)) > 1:
			loud := loudest(counts)
			rest := interval{page.last, r.end} // the rest of the entries at that instant again
			quiet := slices.DeleteFunc(slices.Clone(parts), func(p *part) bool { return p.selector.key == loud })
			if err := f.read(ctx, quiet, rest); err != nil {
				return err
			}
			return f.read(ctx, slices.DeleteFunc(parts, func(p *part) bool { return p.selector.key != loud }), rest)
		default:
			start = page.last
		}
	}
}

func loudest(counts map[string]int) (loud string) {
	for key, n := range counts {
		if loud == "" || n > counts[loud] {
			loud = key
		}
	}
	return loud
}

// readInstant queries for the uuids that are still missing at one instant.
func (f *finding) readInstant(ctx context.Context, parts []*part, at time.Time) error {
	var uuids []string
	for _, p := range parts {
		for _, e := range p.events {
			if p.may(e, interval{at, at.Add(1)}) && !p.has(e.UUID) {
				uuids = append(uuids, e.UUID)
			}
		}
	}
	for n := range slices.Chunk(uuids, uuidsPerFilter) {
		page, limit, _, err := f.ask(ctx, parts, " |~ `"+anyOf(n)+"`", interval{at, at.Add(1)})
		if err != nil {
			return err
		}
		if page.entries >= limit {
			return fmt.Errorf("querying Loki: more than %d entries at %s hold %d uuids", limit, at.UTC().Format(time.RFC3339Nano), len(n))
		}
	}
	return nil
}

// ask sends one query for parts and notes what it finds. It returns the limit the query was made with, and how many entries there were of
// each selector.
func (f *finding) ask(ctx context.Context, parts []*part, filter string, r interval) (answer, int, map[string]int, error) {
	all := selectorsOf(parts)
	query := join(all) + filter
	for {
		if f.queries++; f.queries > maxQueries {
			return answer{}, 0, nil, fmt.Errorf("querying Loki: more than %d queries for %d events; "+
				"the selector %s matches too much, or Loki's max_query_length is far below a day", maxQueries, len(f.wanted), all[0].text)
		}
		limit := f.server.limit.get()
		counts := make(map[string]int)
		page, err := f.server.query(ctx, query, r, int(limit), forward, func(labels gjson.Result) each {
			key := all[0].key
			if len(all) > 1 {
				key = all[0].keyOf(labels)
			}
			return func(_ time.Time, line, _ string) {
				counts[key]++
				findUUIDs(line, func(uuid string) { f.note(uuid, key) })
			}
		})
		switch {
		case err == nil:
			f.server.limit.fine()
		case errors.Is(err, errLimit) && f.server.limit.tooHigh(limit):
			continue
		case errors.Is(err, errSlow) && ctx.Err() == nil && limit/2 >= slowLimit:
			f.server.limit.tooHigh(limit) // for the next try
		}
		return page, int(limit), counts, err
	}
}

// note notes that a stream that belongs to a selector holds a uuid.
func (f *finding) note(uuid, key string) {
	for _, p := range f.wanted[uuid] {
		if p.selector.key == key && !p.has(uuid) {
			p.mu.Lock()
			p.found[strings.Clone(uuid)] = true
			p.mu.Unlock()
		}
	}
}

func (r *request) has(uuid string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.found[uuid]
}

// missing reports whether anything that may be in s is still to be found.
func (p *part) missing(s interval) bool {
	return slices.ContainsFunc(p.events, func(e Event) bool { return p.may(e, s) && !p.has(e.UUID) })
}

// may reports whether the entry of an event may be in s.
func (r *request) may(e Event, s interval) bool {
	return !e.Time.Before(s.start.Add(-r.loki.cfg.After)) && e.Time.Before(s.end.Add(r.loki.cfg.Before))
}

// complete answers a part of which everything before until was read, if that is all of it, or all was found.
func (p *part) complete(until time.Time) bool {
	if until.Before(p.interval.end) && p.missing(p.interval) {
		return false
	}
	p.answer(nil)
	return true
}
