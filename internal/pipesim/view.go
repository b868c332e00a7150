package pipesim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/grafana/alloy/okta/internal/reconcile"
)

// ErrDown is what queries return while [Faults.QueryDown].
var ErrDown = errors.New("connection refused")

// View asks a [Loki] with one selector, as [reconcile.Loki] does.
type View struct {
	loki     *Loki
	selector string
	matchers []*labels.Matcher
	matches  map[string]bool // by stream
}

// View returns a View, or an error when the selector is none.
func (l *Loki) View(selector string) (*View, error) {
	matchers, err := parser.NewParser(parser.Options{}).ParseMetricSelector(selector)
	if err != nil {
		return nil, fmt.Errorf("selector %s: %w", selector, err)
	}
	return &View{loki: l, selector: selector, matchers: matchers, matches: make(map[string]bool)}, nil
}

// Selector is the View's.
func (v *View) Selector() string { return v.selector }

// Unhurried returns ctx: nothing is joined.
func (*View) Unhurried(ctx context.Context) context.Context { return ctx }

// Visible is the age up to which Loki shows an entry at once, with reconcile.Loki's margin.
func (v *View) Visible() time.Duration {
	within := v.loki.limits.QueryIngestersWithin
	return within - min(30*time.Minute, within/2)
}

// Accepted is the age up to which Loki takes an entry.
func (v *View) Accepted() time.Duration { return v.loki.limits.RejectOldSamplesMaxAge }

// Find returns the uuids of events that Loki shows, as of the call. Like reconcile.Loki it looks for an event within a second of its time.
func (v *View) Find(ctx context.Context, events []reconcile.Event) (map[string]bool, error) {
	found, takes, err := v.find(events)
	if takes > 0 {
		t := time.NewTimer(takes)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return found, err
}

func (v *View) find(events []reconcile.Event) (map[string]bool, time.Duration, error) {
	l := v.loki
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stats.Queries++
	if l.faults.QueryDown {
		return nil, 0, ErrDown
	}
	now := l.now()
	found := make(map[string]bool, len(events))
	for _, e := range events {
		for _, s := range l.held[e.UUID] {
			if s.entry.Time.Sub(e.Time).Abs() <= time.Second && l.shows(s, now) && v.match(s.entry) {
				found[e.UUID] = true
			}
		}
	}
	return found, l.faults.QueryTakes, nil
}

// shows reports whether a query sees an entry. Source: what is flushed, storeEntry.validateQueryTimeRange in Loki's
// pkg/storage/stores/composite_store_entry.go; what is not, buildQueryIntervals in pkg/querier/querier.go.
func (l *Loki) shows(s *stored, now time.Time) bool {
	if !now.Before(s.chunk.flushedAt(&l.limits)) {
		return !s.entry.Time.After(now)
	}
	within := l.limits.QueryIngestersWithin
	return within == 0 || now.Sub(s.entry.Time) <= within
}

func (v *View) match(e *Entry) bool {
	if hide := v.loki.faults.Hide; hide != nil && hide(e, v.selector) {
		return false
	}
	ok, known := v.matches[e.Stream]
	if !known {
		ok = true
		for _, m := range v.matchers {
			ok = ok && m.Matches(string(e.Labels[model.LabelName(m.Name)]))
		}
		v.matches[e.Stream] = ok
	}
	return ok
}

// Newest is the time of the newest entry that the selector matches and Loki shows, of those that are as young as back; 0: of all.
func (v *View) Newest(_ context.Context, back time.Duration) (newest time.Time, err error) {
	v.loki.mu.Lock()
	defer v.loki.mu.Unlock()
	if v.loki.faults.QueryDown {
		return newest, ErrDown
	}
	now := v.loki.now()
	for _, copies := range v.loki.held {
		for _, s := range copies {
			if s.entry.Time.After(newest) && (back == 0 || now.Sub(s.entry.Time) <= back) && v.match(s.entry) && v.loki.shows(s, now) {
				newest = s.entry.Time
			}
		}
	}
	return newest, nil
}

// Empty reports that Loki has nothing since a time, whatever its labels.
func (v *View) Empty(_ context.Context, since time.Time) bool {
	v.loki.mu.Lock()
	defer v.loki.mu.Unlock()
	for _, copies := range v.loki.held {
		for _, s := range copies {
			if !s.entry.Time.Before(since) {
				return false
			}
		}
	}
	return !v.loki.faults.QueryDown
}
