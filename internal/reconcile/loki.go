package reconcile

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

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
)

// extract makes Loki return a short line with the uuid alone where the line is the event
// or our envelope of it, and the line itself where it is something else. A page of
// answers is then a twentieth as large, and fits Loki's internal message size.
const extract = ` |= "uuid" | json okta_uuid_enveloped="event.uuid", okta_uuid_bare="uuid"` +
	` | line_format "{{ if .okta_uuid_enveloped }}uuid={{ .okta_uuid_enveloped }}` +
	`{{ else if .okta_uuid_bare }}uuid={{ .okta_uuid_bare }}{{ else }}{{ __line__ }}{{ end }}"` +
	` | drop okta_uuid_enveloped, okta_uuid_bare, __error__, __error_details__`

// An Event is what to look for.
type Event struct {
	UUID string
	Time time.Time // the entry's timestamp
}

// Config says where to look. URL, Selector and HTTP are required.
type Config struct {
	URL       *url.URL      // Loki's base address, as for loki.write but without /loki/api/v1/push
	Selector  string        // LogQL stream selector, line filters may follow: {job="loki.source.okta"}
	Live      string        // selects what of it the live log left, for Newest; "": all
	HTTP      *http.Client  // with whatever authentication Loki wants
	TenantID  string        // X-Scope-OrgID; "": not sent
	Timeout   time.Duration // of one query; 0: 30s
	UserAgent string
	// Ingesters is Loki's query_ingesters_within: entries further back may be in an
	// ingester and not be shown before their chunk is flushed. 0: all are shown.
	Ingesters time.Duration
	// MaxAge is Loki's reject_old_samples_max_age: what is older is refused. 0: nothing is.
	MaxAge time.Duration
	// Before and After widen each range, for entries that another program stamped with
	// its own time. 0: 1s.
	Before, After time.Duration
}

// Loki answers whether events have arrived. It is safe for concurrent use.
type Loki struct {
	cfg     Config
	limit   *bound // entries per query that this Loki takes
	longest *bound // range of a query that this Loki takes, a time.Duration
}

// New returns a Loki. It does no network.
func New(cfg Config) *Loki {
	if cfg.Timeout == 0 {
		cfg.Timeout = 30 * time.Second
	}
	if cfg.Before == 0 {
		cfg.Before = time.Second
	}
	if cfg.After == 0 {
		cfg.After = time.Second
	}
	return &Loki{cfg: cfg, limit: newBound(firstLimit, leastLimit), longest: newBound(int64(maxRange), int64(leastRange))}
}

// Selector is the configured one, for messages.
func (l *Loki) Selector() string { return l.cfg.Selector }

// WithSelector returns a Loki that queries the same one with another selector.
func (l *Loki) WithSelector(selector string) *Loki {
	cfg := l.cfg
	cfg.Selector, cfg.Live = selector, ""
	return New(cfg)
}

// Visible is the age up to which Loki shows an entry at once: half an hour, or half of
// it, inside what the queriers ask the ingesters for, as a single Loki takes off some
// minutes itself. 0: any age.
func (l *Loki) Visible() time.Duration {
	return l.cfg.Ingesters - min(30*time.Minute, l.cfg.Ingesters/2)
}

// Accepted is the age up to which Loki takes an entry; 0: any age.
func (l *Loki) Accepted() time.Duration { return l.cfg.MaxAge }

// Find returns the uuids of events that are in Loki. With an error nothing is known.
func (l *Loki) Find(ctx context.Context, events []Event) (map[string]bool, error) {
	s := search{loki: l, wanted: make(map[string]time.Time, len(events)), found: make(map[string]bool, len(events))}
	times := make([]time.Time, 0, len(events))
	for _, e := range events {
		if e.UUID != "" {
			s.wanted[e.UUID] = e.Time
			times = append(times, e.Time)
		}
	}
	for {
		longest := l.longest.get()
		err := s.readAll(ctx, ranges(times, l.cfg.Before, l.cfg.After, time.Duration(longest)))
		if errors.Is(err, errRange) && l.longest.tooHigh(longest) {
			continue
		}
		if err != nil {
			return nil, err
		}
		l.longest.fine()
		return s.found, nil
	}
}

// search is one Find.
type search struct {
	loki    *Loki
	wanted  map[string]time.Time
	found   map[string]bool
	queries int
}

func (s *search) readAll(ctx context.Context, all []span) error {
	for _, r := range all {
		if err := s.read(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// read goes through one range, forward, until its end or until all is found.
func (s *search) read(ctx context.Context, r span) error {
	query := s.loki.cfg.Selector + extract
	for start := r.start; start.Before(r.end) && s.missing(r); {
		page, limit, err := s.ask(ctx, query, span{start, r.end})
		if err != nil {
			return err
		}
		if page.entries < limit {
			return nil
		}
		if !page.last.After(start) { // more entries at this instant than fit
			if err := s.readInstant(ctx, start); err != nil {
				return err
			}
			start = start.Add(1)
			continue
		}
		start = page.last // again, for the rest of the entries at that instant
	}
	return nil
}

// readInstant queries for the uuids that are still missing at one instant.
func (s *search) readInstant(ctx context.Context, at time.Time) error {
	var uuids []string
	for uuid := range s.wanted {
		if !s.found[uuid] {
			uuids = append(uuids, regexp.QuoteMeta(uuid))
		}
	}
	for len(uuids) > 0 {
		n := min(len(uuids), uuidsPerFilter)
		query := s.loki.cfg.Selector + " |~ `" + strings.Join(uuids[:n], "|") + "`"
		page, limit, err := s.ask(ctx, query, span{at, at.Add(1)})
		if err != nil {
			return err
		}
		if page.entries >= limit {
			return fmt.Errorf("querying Loki: more than %d entries at %s hold %d uuids", limit, at.UTC().Format(time.RFC3339Nano), n)
		}
		uuids = uuids[n:]
	}
	return nil
}

// missing reports whether anything that may be in r is still to be found.
func (s *search) missing(r span) bool {
	if len(s.found) == len(s.wanted) {
		return false
	}
	for uuid, at := range s.wanted {
		if !s.found[uuid] && !at.Before(r.start.Add(-s.loki.cfg.After)) && at.Before(r.end.Add(s.loki.cfg.Before)) {
			return true
		}
	}
	return false
}

// ask sends one query and notes what it finds. It returns the limit the query was
// made with.
func (s *search) ask(ctx context.Context, query string, r span) (answer, int, error) {
	for {
		if s.queries++; s.queries > maxQueries {
			return answer{}, 0, fmt.Errorf("querying Loki: more than %d queries for %d events; "+
				"the selector %s matches too much, or Loki's max_query_length is far below a day", maxQueries, len(s.wanted), s.loki.cfg.Selector)
		}
		limit := s.loki.limit.get()
		page, err := s.loki.query(ctx, query, r, int(limit), forward, func(line string) {
			findUUIDs(line, func(uuid string) {
				if _, ok := s.wanted[uuid]; ok && !s.found[uuid] {
					s.found[strings.Clone(uuid)] = true
				}
			})
		})
		switch {
		case err == nil:
			s.loki.limit.fine()
		case errors.Is(err, errLimit) && s.loki.limit.tooHigh(limit):
			continue
		case errors.Is(err, errSlow) && ctx.Err() == nil && limit/2 >= slowLimit:
			s.loki.limit.tooHigh(limit) // for the caller's next try
		}
		return page, int(limit), err
	}
}
