package reconcile

import (
	"cmp"
	"context"
	"maps"
	"time"

	"github.com/grafana/alloy/okta/internal/delivery"
	"github.com/grafana/alloy/okta/internal/limits"
)

// An Event is what to look for: its Time is the entry's timestamp.
type Event = delivery.Event

// Config says what to look for. Selector is required.
type Config struct {
	Selector string // LogQL stream selector: {job="loki.source.okta"}
	Live     string // selects those of its entries that came from the live log, for Newest; "": all
	// Ingesters is Loki's query_ingesters_within: entries further back may be in an
	// ingester and not be shown before their chunk is flushed. 0: all are shown.
	Ingesters time.Duration
	// MaxAge is Loki's reject_old_samples_max_age: what is older is refused. 0: nothing is.
	MaxAge time.Duration
	// Before and After widen each range, for entries that another program stamped with its own time. 0: 1s.
	Before, After time.Duration
}

// Loki answers whether events have arrived. It is safe for concurrent use.
type Loki struct {
	cfg       Config
	server    *Server
	all, live selector
}

// Loki returns a Loki that asks the Server. It uses no network.
func (s *Server) Loki(cfg Config) *Loki {
	cfg.Before, cfg.After = cmp.Or(cfg.Before, time.Second), cmp.Or(cfg.After, time.Second)
	return &Loki{cfg: cfg, server: s, all: parseSelector(cfg.Selector), live: parseSelector(cmp.Or(cfg.Live, cfg.Selector))}
}

// Selector is the configured one, for messages.
func (l *Loki) Selector() string { return l.cfg.Selector }

// WithSelector returns one that asks the same Server with another selector.
func (l *Loki) WithSelector(selector string) *Loki {
	cfg := l.cfg
	cfg.Selector, cfg.Live = selector, ""
	return l.server.Loki(cfg)
}

// Visible is the age up to which Loki shows an entry at once: less than query_ingesters_within by half an hour, or by half of it, as a
// single Loki itself takes off some minutes. 0: any age.
func (l *Loki) Visible() time.Duration {
	return l.cfg.Ingesters - min(30*time.Minute, l.cfg.Ingesters/2)
}

// Accepted is the age up to which Loki takes an entry; 0: any age.
func (l *Loki) Accepted() time.Duration { return l.cfg.MaxAge }

// Find returns the uuids of events that are in Loki. With an error nothing is known.
func (l *Loki) Find(ctx context.Context, events []Event) (map[string]bool, error) {
	r := &request{ctx: ctx, loki: l, hurried: ctx.Value(unhurried{}) == nil, found: map[string]bool{}, done: make(chan struct{})}
	for _, e := range events {
		if e.UUID != "" {
			r.events = append(r.events, e)
		}
	}
	if len(r.events) == 0 {
		return r.found, nil
	}
	if err := l.server.queue("find "+l.all.shape, splitByTime, l.server.find).ask(r); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.found), nil // the search may go on for others, and what it finds on the way is noted in r
}

// Newest returns the time of the newest entry of the live log under the selector that is at most as old as back, or that an ingester may
// have in memory: Loki refuses what is far behind that one. Zero when there is none.
func (l *Loki) Newest(ctx context.Context, back time.Duration) (time.Time, error) {
	r := &request{ctx: ctx, loki: l, back: max(back, l.recent()), done: make(chan struct{})}
	if err := l.server.queue("newest "+l.live.shape, together, l.server.newest).ask(r); err != nil {
		return time.Time{}, err
	}
	return r.newest, nil
}

// recent is how far back an ingester may have something in memory.
func (l *Loki) recent() time.Duration { return max(l.cfg.Ingesters, limits.QueryIngesters) }
