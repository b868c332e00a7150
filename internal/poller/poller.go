package poller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi"
)

// Retention is how long Okta keeps events. A start before it is moved up to it.
// Source: "System Log query", time ranges.
const Retention = 90 * 24 * time.Hour

// Sink takes entries. Send returns nil when every receiver has the entry, or ctx's
// error; it has no other way to fail, and blocks as long as a receiver does.
type Sink interface {
	Send(ctx context.Context, e event.Entry) error
}

// Source is the part of [oktaapi.Client] that a poller needs.
type Source interface {
	Start(since time.Time) oktaapi.Cursor
	Fetch(ctx context.Context, cur oktaapi.Cursor) (oktaapi.Page, error)
}

// Config is one poller's work. All fields but Metrics and Confirm are required.
type Config struct {
	Source  Source
	Sink    Sink
	Format  func(ev event.Event, now time.Time) event.Entry
	Journal *checkpoint.Journal
	Scope   checkpoint.Scope // what the Journal was opened with

	PageSize        int           // as the Source asks for; a page with as many events is full
	PollInterval    time.Duration // wait after a page that was not full
	InitialLookback time.Duration // where to begin without a cursor

	// Confirm, if not nil, is asked what has arrived: the journal then moves when it
	// has, not at hand-over, and the Journal must have no window. ConfirmID names the
	// configuration that decides whether Confirm finds what is sent; it must be the
	// same after a restart without change.
	Confirm   Confirmer
	ConfirmID string
	// Earlier returns a Confirmer for what was handed over under another selector, by a
	// process before this one. Nil: such events are not looked for.
	Earlier func(selector string) Confirmer

	Memory  *Memory // what survives a reload; shared by pollers that follow each other
	Status  *Status // where to report; read by others
	Metrics *Metrics
	Logger  log.Logger
}

// Poller polls one org. Use it once; it belongs to the goroutine that calls Run.
type Poller struct {
	Config
	at        position
	outage    outage
	noNext    bool          // the warning about a missing next link was given
	unsaved   bool          // the warning about an unwritable checkpoint was given
	events    []event.Event // of the page in hand; the memory serves every page
	asked     bool          // Confirm was asked on behalf of the current page
	looked    time.Time     // when it was asked which of the current page's events are there
	recovered bool          // a refused cursor was replaced and no cursor of Okta's has worked since
}

// position is where a poller stands in the log.
type position struct {
	cursor    oktaapi.Cursor
	published time.Time // latest event time handed over; the start time before the first
	furthest  time.Time // latest event time announced, see announce
	replaying time.Time // events up to this time were handed over before; zero: no replay
}

// New returns a poller. It does nothing until Run.
func New(cfg Config) *Poller {
	if cfg.Metrics == nil {
		cfg.Metrics = NewMetrics(nil)
	}
	p := &Poller{Config: cfg}
	p.outage.logger = cfg.Logger
	return p
}

// Run polls until ctx ends and returns ctx's error.
func (p *Poller) Run(ctx context.Context) error {
	p.Status.begin(p.Scope.Org)
	p.resume()
	p.takeOver()
	p.Status.set(func(s *Snapshot) { s.ReplayTo = p.at.replaying })
	for ctx.Err() == nil {
		// A start cursor ages while nothing matches the filter or nobody mends the token.
		if p.at.cursor == "" || p.at.cursor.IsStart() && time.Since(p.at.published) > Retention {
			p.at.cursor = p.start(p.at.published)
		}
		page, events, err := p.fetch(ctx)
		var wait time.Duration
		if err == nil {
			p.reached()
			wait, err = p.handOver(ctx, page, events)
			page.Release() // entries, uuids and the ledger share no memory with it
		} else if ctx.Err() == nil {
			wait, err = p.failed(err), nil
		}
		if ctx.Err() != nil {
			break
		}
		if err != nil { // a Sink that breaks its contract; the page is tried again
			level.Error(p.Logger).Log("msg", "handing over failed", "err", err)
			wait = p.PollInterval
		}
		p.pause(ctx, wait)
	}
	return ctx.Err()
}

// fetch gets the page at the cursor and splits it into events. A body that is not a
// page counts as a failed fetch: nothing of it is used.
func (p *Poller) fetch(ctx context.Context) (oktaapi.Page, []event.Event, error) {
	page, events, err := p.fetchAt(ctx, p.at.cursor, p.events)
	if err == nil {
		p.events = events
	}
	return page, events, err
}

// fetchAt fetches the page at a cursor, its events into dst; see [event.ScanInto].
func (p *Poller) fetchAt(ctx context.Context, cur oktaapi.Cursor, dst []event.Event) (oktaapi.Page, []event.Event, error) {
	page, err := p.Source.Fetch(ctx, cur)
	if err != nil {
		return page, nil, err
	}
	events, err := event.ScanInto(dst, page.Body)
	if err != nil {
		return page, nil, &oktaapi.Error{Class: oktaapi.Transient, RequestID: page.RequestID, Err: fmt.Errorf("the body is not a page: %w", err)}
	}
	return page, events, nil
}

// answered notes that Okta answered with a page.
func (p *Poller) answered() {
	p.outage.over()
	p.Status.set(func(s *Snapshot) {
		if s.Err != nil {
			s.Recovered = time.Now()
		}
		s.Err, s.ErrClass, s.ErrSince = nil, 0, time.Time{}
	})
}

// reached notes that the page at the cursor is here.
func (p *Poller) reached() {
	p.answered()
	p.Status.set(func(s *Snapshot) { s.LastPoll = time.Now() })
	if !p.at.cursor.IsStart() {
		p.recovered = false
	}
}

// failed decides how long to wait after a failed fetch.
func (p *Poller) failed(err error) time.Duration {
	class := oktaapi.ClassOf(err)
	p.Status.fail(class, err)
	switch class {
	case oktaapi.RateLimited:
		// The budget waits in the next Fetch; being asked to slow down is no outage.
		level.Debug(p.Logger).Log("msg", "Okta asked to slow down", "err", err)
		return 0
	case oktaapi.CursorRefused:
		if p.recovered { // just now: a repeat is no news, and no reason to hurry
			level.Debug(p.Logger).Log("msg", "Okta refused a cursor that it had just named", "err", err)
			p.recover()
			return refusedDelay()
		}
		level.Warn(p.Logger).Log("msg", "Okta refused the saved cursor, going on from the last event's time; events older than Okta's retention are lost",
			"since", p.at.published.UTC().Format(time.RFC3339Nano), "reread", time.Since(p.at.published).Round(time.Second), "err", err)
		p.recover()
		return 0
	case oktaapi.Refused:
		p.outage.failed(class, err)
		return refusedDelay()
	default:
		n := p.outage.failed(class, err)
		return backoff(n)
	}
}

// recover replaces a cursor that Okta no longer takes.
func (p *Poller) recover() {
	p.Metrics.cursorsRefused.Inc()
	p.recovered = true
	p.at.cursor = p.start(p.at.published)
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// ignoreEnd returns nil for errors that only say that ctx ended.
func ignoreEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}
