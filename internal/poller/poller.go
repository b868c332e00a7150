package poller

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/go-kit/log/level"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi"
)

const (
	// maxSkew is how far our clock may be off Okta's. Loki needs 10 minutes, and Okta refuses a
	// client assertion or a DPoP proof from the future or older than five minutes.
	maxSkew = time.Minute

	firstBackoff = time.Second
	maxBackoff   = time.Minute
)

// Sink takes entries. Send returns nil when every receiver has the entry, or ctx's
// error, and blocks as long as a receiver does. After another error the entry comes again
// after PollInterval; until one is taken, that is a trouble with [Delivery].
type Sink interface {
	Send(ctx context.Context, e event.Entry) error
}

// Source is the part of [oktaapi.Client] that a poller needs.
type Source interface {
	StartOf(since time.Time, limit int) oktaapi.Cursor
	Fetch(ctx context.Context, cur oktaapi.Cursor) (oktaapi.Page, error)
}

// Config is one poller's work. All fields but Metrics and those about Confirm are required.
type Config struct {
	Source Source
	Sink   Sink
	Format func(ev event.Event, now time.Time) event.Entry
	// Pass, if not nil, is shown each event that is delivered, or that the rules drop, once its entry was made. Format also makes entries
	// of events that are not delivered then.
	Pass func(ev event.Event, now time.Time)
	// Open opens the checkpoint, which is not there yet, or not readable, when it fails: the
	// poller tries again and fetches nothing before that.
	Open  func() (*checkpoint.Journal, error)
	Scope checkpoint.Scope // what the journal is opened with; its PageSize is what the Source asks for

	PollInterval    time.Duration // wait after a page that was not full
	InitialLookback time.Duration // where to begin without a cursor
	// Spread is the time over which the first polls of pollers that start together are spread, each
	// org's at a moment of its own; 0: at once.
	Spread time.Duration
	// OutOfOrder is how far an entry may be behind the newest one of its labels before it
	// gets the label "late"; 0: it never does.
	OutOfOrder time.Duration

	// Pipeline names the receivers: evidence from one set of receivers says nothing about
	// what was delivered to another.
	Pipeline uint64
	// Receiver names the receiver that is taking an entry, for messages; may be nil.
	Receiver func() string

	Confirming        // option: reconcile
	Range      *Range // option: backfill. What to read, once; nil: the log, for ever
	Wakes      *Wakes // option: event_hook. End a pause early, as event hooks announce events through them; may be nil

	// Owned, if not nil, makes the poller one of several nodes', of which one reads the org at a time. It is asked after the process
	// was suspended, when another node may have taken over, and must ask the others. It returns an error only when ctx ends.
	Owned func(ctx context.Context) (bool, error)
	// Clock shows whether the process was suspended; nil: time.Now.
	Clock func() time.Time
	// LastPush is how long after the start something may still arrive that the previous reader of the org delivered; 0: ten seconds, as
	// for a process that was killed just now.
	LastPush time.Duration

	// Beside, if not nil, runs from the poller's beginning to its end.
	Beside func(ctx context.Context)

	Reporting
	Memory  *Memory // what survives a reload; shared by pollers that follow each other
	Metrics *Metrics
}

// Poller polls one org. Use it once; it belongs to the goroutine that calls Run.
type Poller struct {
	Config
	journal *checkpoint.Journal
	follow  follow
	largest bool // starts by time ask for the largest pages
	ended   bool // all of the range was read
	ledger  ledger
	pulse   *pulse

	mu   sync.Mutex // guards hand; others only reclaim it
	hand *hand
}

// New returns a poller. It does nothing until Run.
func New(cfg Config) *Poller {
	if cfg.Metrics == nil {
		cfg.Metrics = NewMetricsByOrg().Of("")
	}
	if cfg.Troubles == nil {
		cfg.Troubles = new(Troubles)
	}
	p := &Poller{Config: cfg, pulse: newPulse(cfg.Clock)}
	p.polls = p.several()
	p.ledger = direct{p}
	if cfg.Confirm != nil { // option: reconcile
		p.ledger = &confirmed{Poller: p} // option: reconcile
	} // option: reconcile
	p.follow.size = cfg.Scope.PageSize
	return p
}

// Run polls until ctx ends and returns ctx's error, or [ErrNotOwned]; or nil, once all of a range was delivered and, with Confirm, has
// arrived.
func (p *Poller) Run(ctx context.Context) error {
	p.Status.begin()
	defer p.Troubles.gone(&p.Reporting)
	ctx, cancel := context.WithCancel(ctx)
	var beside sync.WaitGroup
	defer func() { cancel(); beside.Wait() }()
	beside.Go(func() { p.watch(ctx) })
	if p.Owned != nil {
		beside.Go(func() { p.pulse.run(ctx) })
	}
	if p.Beside != nil {
		beside.Go(func() { p.Beside(ctx) })
	}
	sleep(ctx, oktaapi.Moment(p.Scope.Org, p.Spread))
	if !p.open(ctx) {
		return ctx.Err()
	}
	p.catchUp()
	p.ledger.configure()
	if p.Range != nil && p.journal.Finished { // option: backfill
		p.Status.set(func(s *Snapshot) { s.Ended, s.Finished, s.Watermark = true, true, p.Range.Until }) // option: backfill
		return nil                                                                                       // option: backfill
	} // option: backfill
	if !p.resume(ctx) {
		return ctx.Err()
	}
	p.Status.set(func(s *Snapshot) { s.ReplayTo = p.Memory.past.replaying })
	defer p.ledger.stop()
	for ctx.Err() == nil {
		if err := p.afterSuspension(ctx); err != nil {
			return err
		}
		wait, err := p.once(ctx)
		if ctx.Err() != nil {
			break
		}
		if errors.Is(err, errSuspended) {
			continue
		}
		if err != nil { // the page is tried again
			p.fail(Delivery, "", err)
			wait = p.PollInterval
		}
		if p.ended && p.finish(ctx) { // option: backfill
			return nil // option: backfill
		} // option: backfill
		p.ledger.pause(ctx, wait)
	}
	return ctx.Err()
}

// once fetches a page, delivers it, and commits what may be committed. It returns how long
// to wait before the next one.
func (p *Poller) once(ctx context.Context) (time.Duration, error) {
	at := &p.Memory.at
	// A start cursor ages while nothing matches the filter or nobody fixes the token.
	if at.cursor == "" || at.cursor.IsStart() && time.Since(at.published) > oktaapi.Retention {
		at.cursor = p.start(at.published)
	}
	cur := at.cursor
	if fewer := guess(p.Memory.pages.fails, p.asked(cur)); fewer > 0 {
		cur = p.startOf(at.published, min(fewer, p.Scope.PageSize))
	}
	var wait time.Duration
	var broken error
	err := p.do(ctx, Okta, cur, func(h *hand) {
		if cur != at.cursor {
			at.cursor = cur
			p.askFor(cur.Limit())
		}
		p.fetched()
		wait, broken = p.deliver(ctx, h)
	})
	switch {
	case ctx.Err() != nil:
		return 0, nil
	case err != nil:
		return p.failed(err, cur), nil
	}
	return wait, broken
}

// fetched notes that the page at the position is here.
func (p *Poller) fetched() {
	p.Memory.pages.fails, p.Memory.pages.grown = 0, false
	p.Status.set(func(s *Snapshot) { s.LastPoll = time.Now() })
	if !p.Memory.at.cursor.IsStart() {
		p.clear(Cursor)
	}
}

// answered notes that Okta answered with a page, which ends a trouble with a part, [Okta] or [Rewind].
func (p *Poller) answered(part Part, page oktaapi.Page) {
	p.clear(part)
	p.compareClocks(page.Skew)
	if page.Elsewhere != "" {
		p.Memory.warnOnce(p.Logger, "elsewhere", "next links name another address than url; they are followed on url", "named", page.Elsewhere,
			"url", p.Scope.Org)
	}
}

// compareClocks warns once when our clock goes wrong and says when it is right again; the
// half keeps a clock at the edge from doing so at every page.
func (p *Poller) compareClocks(skew time.Duration) {
	p.Status.set(func(s *Snapshot) { s.ClockSkew = skew })
	switch off := skew.Abs(); {
	case off > maxSkew:
		p.fail(Clock, "", nil, "ahead_of_okta", skew.Round(time.Second))
	case off <= maxSkew/2:
		p.clear(Clock)
	}
}

// failed decides how long to wait after a failed fetch of a page.
func (p *Poller) failed(err error, cur oktaapi.Cursor) time.Duration {
	if wait, smaller := p.tooLarge(err, cur); smaller {
		return wait
	}
	tries := p.noPage(Okta, err)
	switch oktaapi.ClassOf(err) {
	case oktaapi.RateLimited:
		return 0 // the budget waits in the next Fetch
	case oktaapi.CursorRefused:
		since := p.Memory.at.published
		p.Metrics.cursorsRefused.Inc()
		p.Memory.at.cursor = p.start(since)
		if _, news := p.fail(Cursor, "", err, "since", since.UTC().Format(time.RFC3339Nano), "reread",
			time.Since(since).Round(time.Second)); !news { // a repeat is no reason to hurry
			return refusedDelay()
		}
		return 0
	case oktaapi.Refused:
		return refusedDelay()
	default:
		return backoff(tries)
	}
}

// noPage notes a failed fetch as a trouble with a part, and returns how many failed in a row. Being asked to slow down is no trouble, and a
// rewind has none of its own while nothing comes from Okta at all.
func (p *Poller) noPage(part Part, err error) int {
	p.Status.set(func(s *Snapshot) { s.LastErr, s.LastErrAt = err, time.Now() })
	if oktaapi.ClassOf(err) == oktaapi.RateLimited {
		level.Debug(p.Logger).Log("msg", "Okta asked to slow down", "err", err)
		return 0
	}
	if part == Rewind && p.Status.wrong(Okta).Lasts() {
		return 0
	}
	t, _ := p.fail(part, kindOf(err), err)
	return t.Tries
}

// backoff is the wait after the n-th transient failure in a row, from 1: 1s doubling
// to a minute, of which the last half is random so that pollers do not march in step.
func backoff(n int) time.Duration {
	d := min(firstBackoff<<min(n-1, 10), maxBackoff)
	return d/2 + rand.N(d/2+1)
}

// refusedDelay is the wait after a refusal that needs an operator: 30 to 60
// seconds, so that a fixed token works within a minute and a wrong one costs little.
func refusedDelay() time.Duration {
	return 30*time.Second + rand.N(30*time.Second+1)
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

// ends reports whether what is read has an end.
func (p *Poller) ends() (is bool) {
	is = p.Range != nil // option: backfill
	return is
}
