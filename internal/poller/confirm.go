// option: reconcile

package poller

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/go-kit/log/level"

	"github.com/grafana/alloy/okta/internal/delivery"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/limits"
)

// Confirming is the part of [Config] that is about a [Confirmer].
type Confirming struct {
	// Confirm, if not nil, is asked what has arrived. The journal then moves when a page has
	// arrived, not when it is delivered, and must have no replay window. ConfirmID names the
	// configuration that decides whether Confirm finds what is delivered; it must be the
	// same after a restart without change.
	Confirm   Confirmer
	ConfirmID string
	// Overlap is how far before the newest event that Confirm knows reading goes on when there is no
	// checkpoint; 0: InitialLookback decides where it begins.
	Overlap time.Duration
	// Previous returns a Confirmer for what a previous process delivered under another
	// selector. Nil: such events are not looked for.
	Previous func(selector string) Confirmer
	// PerStream says that only entries with the same labels are kept in order, as with
	// loki.write's min_shards above 1 or several routes to one Loki.
	PerStream bool
}

const (
	// flushed is how much longer than Visible Loki may take to show an old entry: it flushes
	// a chunk when that is max_chunk_age old, which is below query_ingesters_within, of which
	// Visible leaves half an hour.
	flushed = limits.MaxChunkAge - 30*time.Minute
	// forgotten is how long the Loki of a previous configuration may be out of reach before
	// it is no longer queried.
	forgotten = 10 * time.Minute
	// pipelineWorks is how long ago something may have arrived last for the pipeline to work. What does not arrive for as long, in a
	// pipeline that works, will not: it was dropped.
	pipelineWorks = time.Minute
	// drainMost is how long a batch can be retried by loki.write at its defaults, and some: ten minutes.
	drainMost = limits.Retries + 90*time.Second
)

// queries is what the poller knows of its queries.
type queries struct {
	running <-chan answer      // nil: none is under way
	cancel  context.CancelFunc // of the one under way
	next    time.Time          // not before
	probed  time.Time          // last search for a probe
}

func (q *queries) stop() {
	if q.running != nil {
		q.cancel()
		<-q.running
		q.running = nil
	}
}

func (p *confirmed) configure() {
	m := p.Memory
	if m.confirm != nil && m.window.Rules.ID != p.ConfirmID && !m.window.Empty() {
		m.past.previous = append(m.past.previous, &previous{confirm: m.confirm})
	}
	for _, o := range m.past.previous {
		if o.required && p.Previous != nil { // with what this configuration has to authenticate with
			o.confirm = p.Previous(o.confirm.Selector())
		}
	}
	m.confirm = p.Confirm
	visible := p.Confirm.Visible()
	rules := delivery.Rules{ID: p.ConfirmID, Interval: p.PollInterval, Visible: visible, Flush: visible + flushed}
	m.window.Rules = rules
	if m.window.Trusted == "" {
		m.window.Trusted = p.journal.Delivery.ConfirmedBy
	}
}

// pause waits for d, an event that was announced, or for as long as nothing newer may be delivered, and follows what
// is under way meanwhile.
func (p *confirmed) pause(ctx context.Context, d time.Duration) {
	end := time.Now().Add(d)
	w := &p.Memory.window
	for ctx.Err() == nil {
		p.tend(ctx)
		now := time.Now()
		hold := p.held(w.Hold(now))
		if p.suspended() {
			return
		}
		until := p.due(end)
		if hold == delivery.Open {
			if !now.Before(until) {
				return
			}
		} else {
			until = now.Add(time.Minute)
			if !p.Status.wrong(Queries).Lasts() && w.Probe(hold, now) && now.Sub(p.queries.probed) >= probeAgain {
				p.queries.probed = now
				p.probe(ctx)
				continue
			}
		}
		p.wait(ctx, p.nextQuery(until, now))
	}
}

// wait waits until a time, the answer to the query under way, or the end of ctx.
func (p *confirmed) wait(ctx context.Context, until time.Time) {
	if a, ok := p.rest(ctx, until, p.queries.running); ok {
		p.queries.running = nil
		p.learn(ctx, a)
	}
}

// tend takes an answer that is there, sends the next query when it is due, and delivers
// again what is lost.
func (p *confirmed) tend(ctx context.Context) {
	q, w := &p.queries, &p.Memory.window
	select {
	case a := <-q.running:
		q.running = nil
		p.learn(ctx, a)
	default:
	}
	now := time.Now()
	p.overtaken(now) // option: backfill
	p.queryDue(ctx, now)
	if p.suspended() {
		return // what was lost may have been delivered by another node meanwhile
	}
	if p.Status.wrong(Rewind).Lasts() && !p.misses(p.rewind.wanted) {
		p.clear(Rewind) // Loki has it after all
	}
	if pages := w.Retry(now); len(pages) > 0 {
		p.retry(ctx, pages)
	}
}

func (p *confirmed) queryDue(ctx context.Context, now time.Time) {
	if p.queries.running != nil || now.Before(p.queries.next) {
		return
	}
	if events := p.Memory.window.Due(now); len(events) > 0 {
		p.query(ctx, events)
	}
}

// nextQuery is when the window may have something to do, if that is before a time and not known sooner from a query under way.
func (p *confirmed) nextQuery(until, now time.Time) time.Time {
	if at := p.Memory.window.Next(now); !at.IsZero() && p.queries.running == nil {
		return delivery.Earliest(until, delivery.Latest(at, p.queries.next))
	}
	return until
}

// query sends a query without waiting for its answer, for Loki may take minutes.
func (p *confirmed) query(ctx context.Context, events []delivery.Event) {
	ctx, cancel := context.WithCancel(p.Confirm.Unhurried(ctx))
	answers := make(chan answer, 1)
	p.queries.running, p.queries.cancel = answers, cancel
	confirm, others, untrusted := p.Confirm, slices.Clone(p.Memory.past.previous), !p.Memory.window.Trusts()
	asked := time.Now()
	go func() {
		defer cancel()
		answers <- find(ctx, confirm, others, events, asked, untrusted)
	}()
}

// ask is a query that is waited for. It returns an error only when ctx ends.
func (p *confirmed) ask(ctx context.Context, events []delivery.Event) (answer, error) {
	for p.queries.running != nil && ctx.Err() == nil {
		p.wait(ctx, time.Now().Add(time.Hour))
	}
	if now := time.Now(); now.Before(p.queries.next) && p.Status.wrong(Queries).Lasts() {
		sleep(ctx, p.queries.next.Sub(now))
	}
	a := find(ctx, p.Confirm, p.Memory.past.previous, events, time.Now(), !p.Memory.window.Trusts())
	if ctx.Err() != nil {
		return a, ctx.Err()
	}
	p.learn(ctx, a)
	return a, nil
}

// find asks for events under the present configuration, and for those that are not found
// under the previous ones. When nothing is found under an untrusted one, it asks whether there is anything at all.
func find(ctx context.Context, confirm Confirmer, others []*previous, events []delivery.Event, asked time.Time, untrusted bool) answer {
	a := answer{events: events, asked: asked}
	wanted := slices.Clone(events)
	if a.found, a.err = confirm.Find(ctx, wanted); a.err != nil {
		return a
	}
	for _, other := range others {
		wanted = slices.DeleteFunc(wanted, func(e delivery.Event) bool { return a.found[e.UUID] })
		if len(wanted) == 0 {
			break
		}
		more, err := other.confirm.Find(ctx, wanted)
		if err != nil {
			if other.required {
				a.err = fmt.Errorf("for what a previous process delivered, selector %s: %w", other.confirm.Selector(), err)
				return a
			}
			a.silent, a.silence = other, err
			break
		}
		for uuid := range more {
			a.found[uuid] = true
		}
	}
	if untrusted && len(a.found) == 0 {
		a.empty = confirm.Empty(ctx, earliest(events))
	}
	return a
}

// learn takes what a query brought: the window learns it, and the journal follows.
func (p *confirmed) learn(ctx context.Context, a answer) {
	if ctx.Err() != nil {
		return
	}
	q, w, now := &p.queries, &p.Memory.window, time.Now()
	if a.err != nil {
		p.unanswered(a.err, now)
		return
	}
	p.clear(Queries)
	q.next = now.Add(time.Second)
	p.Metrics.queries.WithLabelValues("answered").Inc()
	events := a.events
	if a.silent != nil {
		events = p.silent(a, now)
		q.next = now.Add(max(p.PollInterval, time.Second)) // what was not found is due already
	}

	out := w.Learn(a.asked, now, events, a.found)
	p.Metrics.confirmed.Add(float64(out.Arrived))
	p.Metrics.assumed.Add(float64(out.Assumed))
	for _, g := range out.GaveUp {
		p.Metrics.givenUp.Inc()
		p.Memory.warnOnce(p.Logger, "given up", "giving up on an event: never found in Loki although later events were",
			"uuid", g.UUID, "since", utc(g.Since), "metric", "loki_source_okta_given_up_events_total")
	}
	if w.Trusts() {
		p.journal.Delivery.ConfirmedBy = p.ConfirmID
	}
	p.Status.set(func(s *Snapshot) { s.Passed = w.Passed(p.Pipeline) })
	p.judge(p.commit(), a.empty, now)
}

// unanswered notes a failed query: nothing is known, and nothing moves.
func (p *confirmed) unanswered(err error, now time.Time) {
	kind := ""
	if isRefusal(err) {
		kind = "refused"
	}
	t, _ := p.fail(Queries, kind, err)
	p.queries.next = now.Add(backoff(t.Tries))
	p.Metrics.queries.WithLabelValues("failed").Inc()
}

// silent notes that the Loki of a previous configuration did not answer. What is not found
// proves nothing then, until it is forgotten.
func (p *confirmed) silent(a answer, now time.Time) []delivery.Event {
	if a.silent.failing.IsZero() {
		a.silent.failing = now
		level.Warn(p.Logger).Log("msg", "the Loki of a previous configuration does not answer", "selector", a.silent.confirm.Selector(), "err",
			a.silence)
	}
	if now.Sub(a.silent.failing) >= forgotten {
		p.Memory.past.previous = slices.DeleteFunc(p.Memory.past.previous, func(o *previous) bool { return o == a.silent })
		level.Warn(p.Logger).Log("msg", "giving up on the Loki of a previous configuration; events that it has may be delivered again",
			"selector", a.silent.confirm.Selector(), "err", a.silence)
	}
	return slices.DeleteFunc(a.events, func(e delivery.Event) bool { return !a.found[e.UUID] })
}

// earliest is the time of the earliest of events, of which there is one at least.
func earliest(events []delivery.Event) time.Time {
	return slices.MinFunc(events, func(a, b delivery.Event) int { return a.Time.Compare(b.Time) }).Time
}

// confirmed is the ledger with a Confirmer: the journal follows what it finds.
type confirmed struct {
	*Poller
	queries queries
	rewind  rewind
}

func (p *confirmed) delivered(ev event.Event, entry event.Entry, pg *delivery.Page[position], now time.Time) {
	w := &p.Memory.window
	if !p.confirmable(ev, now) {
		w.Drop(ev.UUID) // it was, when it was delivered first
		return
	}
	route := p.Pipeline
	if p.PerStream {
		route ^= uint64(entry.LabelsKey)
	}
	w.Deliver(pg, delivery.Event{UUID: ev.UUID, Time: entry.Timestamp}, route, now)
}

func (p *confirmed) accepted() time.Duration { return p.Confirm.Accepted() }

func (p *confirmed) underWay() bool { return !p.Memory.window.Empty() }

func (p *confirmed) stop() { p.queries.stop() }

func (p *confirmed) searchUnder(selectors []string) {
	for _, selector := range selectors {
		if p.Previous != nil && selector != p.Confirm.Selector() {
			p.Memory.past.previous = append(p.Memory.past.previous, &previous{confirm: p.Previous(selector), required: true})
		}
	}
}

func (p *confirmed) drain(ctx context.Context) {
	w, begin := &p.Memory.window, time.Now()
	for ctx.Err() == nil && !w.Empty() {
		now := time.Now()
		since := begin
		arrival, most := w.Stats(now).Arrival, drainMost
		if arrival.After(begin.Add(-pipelineWorks)) {
			since, most = delivery.Latest(begin, arrival), pipelineWorks
		}
		if now.Sub(since) >= most {
			break
		}
		p.queryDue(ctx, now)
		p.wait(ctx, delivery.Latest(p.nextQuery(since.Add(most), now), now.Add(100*time.Millisecond)))
	}
	p.queries.stop()
}
