package verify

import (
	"context"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/limits"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/reconcile"
)

// DefaultSlack is how long after the end of the range an event of the range is waited for. Okta names no bound: late events are "rare but
// possible". A back-fill waits for an hour, too.
const DefaultSlack = time.Hour

// flushed is how long after its delivery an entry may be in an ingester alone: a chunk that takes late entries lives for up to
// max_chunk_age, and its stream may begin a second one. docs/guarantees.md has it as "up to 4 hours".
const flushed = 2 * limits.MaxChunkAge

// Source reads an org's log. [oktaapi.Client] does.
type Source interface {
	StartOf(since time.Time, limit int) oktaapi.Cursor
	Fetch(ctx context.Context, cur oktaapi.Cursor) (oktaapi.Page, error)
}

// Loki is what the entries are in. [reconcile.Loki] is one.
type Loki interface {
	Audit(ctx context.Context, from, to time.Time, at func(time.Time) []string, each func(reconcile.Audited)) ([]time.Time, error)
	Count(ctx context.Context, from, to time.Time) (int, error)
	CountEach(ctx context.Context, from, to time.Time, uuids []string) (map[string]int, error)
	Find(ctx context.Context, events []reconcile.Event) (map[string]bool, error)
	Margins() (before, after time.Duration)
	Visible() time.Duration
	Newest(ctx context.Context, back time.Duration) (time.Time, error)
}

// Config says what to compare. All but IdleSince, Remedy, OtherOrgs and Progress are required.
type Config struct {
	Component, Org string // of the report
	Selector       string
	Source         Source
	PageSize       int
	Loki           Loki
	Format         func(event.Event, time.Time) event.Entry // the configuration's own
	Since, Until   time.Time                                // of published; whole milliseconds, until exclusive
	Slack          time.Duration                            // 0: none
	IdleSince      time.Time                                // nothing of the range was delivered since; zero: unknown
	Remedy         func(error) string                       // what to do about a refusal of Okta's; may be ""
	// OtherOrgs are values of the label org of entries that belong to other orgs, and are only counted.
	OtherOrgs map[string]bool
	// Progress, if not nil, is called with the part of the range that was compared, 0 to 1, and how many events were read.
	Progress func(part float64, events int)
}

// Run compares an org's range. After an error, which is also in the report, nothing is known, and the report has no findings.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	a := &audit{
		cfg: cfg, open: cfg.Since, pending: make(map[string]*record), types: make(map[string]string), now: time.Now(),
		foreign: make(map[string]*Finding), streams: make(map[model.Fingerprint]*stream),
		report: Report{Component: cfg.Component, Org: cfg.Org, Selector: cfg.Selector},
	}
	err := a.run(ctx)
	if err != nil {
		return &Report{Component: cfg.Component, Org: cfg.Org, Selector: cfg.Selector, Requests: a.report.Requests, Err: err.Error()}, err
	}
	a.report.sort()
	return &a.report, nil
}

// audit is one run.
type audit struct {
	cfg    Config
	report Report
	now    time.Time
	types  map[string]string

	open    time.Time          // what was published before is compared
	pending map[string]*record // published from then on, by uuid
	late    map[string]*record // those that were read after their slice was compared
	foreign map[string]*Finding
	streams map[model.Fingerprint]*stream
	events  int
}

func (a *audit) run(ctx context.Context) error {
	r := &reading{audit: a, limit: a.cfg.PageSize}
	r.cursor = a.cfg.Source.StartOf(a.cfg.Since, r.limit)
	for a.open.Before(a.cfg.Until) {
		end, ready := a.slice(r)
		if !ready {
			if err := r.next(ctx); err != nil {
				return err
			}
			a.tell()
			continue
		}
		if err := a.compare(ctx, a.open, end); err != nil {
			return err
		}
		a.open = end
		a.tell()
	}
	if err := a.compareLate(ctx); err != nil {
		return err
	}
	for _, st := range a.streams {
		st.end(&a.report)
	}
	for _, f := range a.foreign {
		a.report.add(*f)
	}
	return nil
}

func (a *audit) tell() {
	if a.cfg.Progress == nil {
		return
	}
	whole := a.cfg.Until.Sub(a.cfg.Since)
	a.cfg.Progress(float64(a.open.Sub(a.cfg.Since))/float64(whole), a.events)
}

// slice is the end of the next part to compare, and whether all of it was read.
func (a *audit) slice(r *reading) (end time.Time, ready bool) {
	next := func(t time.Time) time.Time {
		return slices.MinFunc([]time.Time{t.Add(minSlice), a.cfg.Until}, time.Time.Compare)
	}
	end = next(a.open)
	for {
		if !r.ended && r.passed.Before(end.Add(a.cfg.Slack)) {
			return end, false
		}
		longer := next(end)
		if a.any(end) || !longer.After(end) || longer.Sub(a.open) > maxSlice {
			return end, true
		}
		if !r.ended && r.passed.Before(longer.Add(a.cfg.Slack)) {
			return end, false // the next slice may be as quiet: then one query is for both
		}
		end = longer
	}
}

// any reports whether something was published before end.
func (a *audit) any(end time.Time) bool {
	for _, rec := range a.pending {
		if rec.at.Before(end) {
			return true
		}
	}
	return false
}

// take notes an event of a page; false: it was noted before.
func (a *audit) take(ev event.Event) bool {
	if ev.UUID == "" || ev.Published.IsZero() {
		if ev.Published.IsZero() || !ev.Published.Before(a.cfg.Since) && ev.Published.Before(a.cfg.Until) {
			a.report.InOkta++
			a.report.add(Finding{Kind: Unknown, UUID: ev.UUID, Time: ev.Published, Type: ev.EventType,
				Detail: "without uuid or published, by which it would be looked for"})
		}
		return true
	}
	if ev.Published.Before(a.cfg.Since) {
		return true
	}
	if !ev.Published.Before(a.cfg.Until) {
		if ev.Published.After(a.report.Kept) && ev.Published.Before(a.now.Add(ahead)) && a.cfg.Format(ev, a.now).Labels != nil {
			a.report.Kept = ev.Published
		}
		return true
	}
	if a.pending[ev.UUID] != nil || a.late[ev.UUID] != nil {
		return false
	}
	rec := newRecord(ev, a.cfg.Format(ev, a.now), a.types)
	a.events++
	if !rec.dropped && rec.at.After(a.report.Kept) {
		a.report.Kept = rec.at
	}
	if !rec.at.Before(a.open) {
		a.pending[ev.UUID] = rec
		return true
	}
	if a.late == nil {
		a.late = make(map[string]*record)
	}
	a.late[ev.UUID] = rec
	return true
}
