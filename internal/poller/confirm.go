package poller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/go-kit/log/level"

	"github.com/grafana/alloy/okta/internal/reconcile"
)

// Confirmer asks the destination which events it has; [reconcile.Loki] is one. Find
// answers for all of the events or not at all.
type Confirmer interface {
	Find(ctx context.Context, events []reconcile.Event) (map[string]bool, error)
	Selector() string // for messages
	// Visible is the age up to which the destination shows an event at once; 0: any age.
	Visible() time.Duration
	// Accepted is the age up to which the destination takes an event at all; 0: any age.
	Accepted() time.Duration
}

// hidden reports whether the destination may have an event of that time and not show
// it yet to a question that was put at asked. Loki shows a flushed chunk when the time
// of its first entry has come, by its own clock.
func hidden(c Confirmer, at, asked time.Time) bool {
	visible := c.Visible()
	return visible > 0 && asked.Sub(at) > visible || at.After(asked.Add(-skew))
}

// suspicion is how long nothing at all may arrive before that is reported.
const suspicion = time.Minute

// ErrNothingArrives is the health of a poller whose Confirmer answers and finds none
// of what was handed over.
var ErrNothingArrives = errors.New("nothing that was handed over is found in Loki")

// takeOver makes what an earlier poller of the process left under way this one's. Whether
// deliveries can be confirmed is judged anew.
func (p *Poller) takeOver() {
	p.Status.set(func(s *Snapshot) {
		s.ConfirmErr, s.ConfirmFailing = nil, time.Time{}
		if p.Confirm == nil {
			s.Unconfirmed, s.UnconfirmedSince = 0, time.Time{}
		}
	})
	for _, h := range p.Memory.ledger.pages {
		for _, e := range h.waiting {
			if e.id == p.ConfirmID {
				e.confirm = p.Confirm // the same destination, with the present client
			}
		}
	}
}

// pause waits for d and asks for confirmation meanwhile. A d of 0 asks at most once.
func (p *Poller) pause(ctx context.Context, d time.Duration) {
	if p.Confirm == nil {
		sleep(ctx, d)
		return
	}
	l := &p.Memory.ledger
	end := time.Now().Add(d)
	// A backlog: one question a page.
	if d <= 0 && !p.asked && (l.fails == 0 || !time.Now().Before(l.next)) {
		p.confirm(ctx)
	}
	p.asked = false
	for ctx.Err() == nil {
		now := time.Now()
		due := l.dueAt()
		if !due.IsZero() && !due.After(now) && d > 0 {
			p.confirm(ctx)
			continue
		}
		if left := end.Sub(now); left > 0 {
			if !due.IsZero() {
				left = min(left, due.Sub(now))
			}
			sleep(ctx, left)
			continue
		}
		// The bound: with too much under way, wait for answers instead of going on.
		if !l.full() || p.probe(now) {
			return
		}
		if due.IsZero() {
			return
		}
		end = due
		d = max(d, time.Nanosecond)
	}
}

// probe allows one page beyond the bound now and then. Only a new event can prove that
// deliveries arrive when the whole stretch is lost, or all that is left of it: that the
// selector is right, before anything is sent twice, or that what does not arrive is
// refused, before it is let go.
func (p *Poller) probe(now time.Time) bool {
	l := &p.Memory.ledger
	events, bytes := l.waiting()
	if l.fails > 0 || events >= 2*maxUnconfirmedEvents || bytes >= 2*maxUnconfirmedBytes {
		return false
	}
	last, wait := l.arrival, suspicion
	if l.trusted != p.ConfirmID {
		last, _ = l.oldest(now)
		wait = grace
	}
	if now.Sub(latest(l.blindly, last)) < wait {
		return false
	}
	l.blindly = now
	return true
}

// confirm asks once for what is due, lets the journal follow, and sends again what is
// lost.
func (p *Poller) confirm(ctx context.Context) {
	l := &p.Memory.ledger
	asked := time.Now()
	events, pages := l.due(asked)
	if len(events) == 0 {
		p.settleUp()
		return
	}
	found, err := p.ask(ctx, events, pages)
	if err != nil {
		return
	}
	p.received(pages, found, time.Now())
	p.settleUp()
	p.resendLost(ctx, pages, asked)
}

// ask puts one question, about events that are under way, in pages, and others. After
// an error the next one waits, longer each time.
func (p *Poller) ask(ctx context.Context, events []reconcile.Event, pages []*handed) (map[string]bool, error) {
	l := &p.Memory.ledger
	l.advance(time.Now())
	found, err := p.Confirm.Find(ctx, events)
	if err == nil {
		err = p.askEarlier(ctx, events, found)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	now := time.Now()
	if err != nil {
		l.fails++
		l.next = now.Add(backoff(l.fails))
		p.Metrics.questions.WithLabelValues("failed").Inc()
		if l.fails == 1 {
			level.Warn(p.Logger).Log("msg", "Loki cannot be asked what has arrived, retrying; the cursor stays", "err", err)
		}
		p.Status.set(func(s *Snapshot) {
			if s.ConfirmErr == nil {
				s.ConfirmFailing = now
			}
			s.ConfirmErr = err
		})
		return nil, err
	}
	if l.fails > 0 {
		level.Info(p.Logger).Log("msg", "Loki can be asked again", "attempts", l.fails)
	}
	l.fails = 0
	// What waits for hours, because Loki hides it or is not sent it, is asked for less.
	l.next = now.Add(max(p.PollInterval, min(time.Second<<min(l.futile, 6), maxBackoff)))
	p.Metrics.questions.WithLabelValues("answered").Inc()
	return found, p.askOld(ctx, pages, found)
}

// askEarlier asks with the selectors of processes before this one for what the present
// one does not find.
func (p *Poller) askEarlier(ctx context.Context, events []reconcile.Event, found map[string]bool) error {
	for _, by := range p.Memory.earlier {
		missing := slices.DeleteFunc(slices.Clone(events), func(e reconcile.Event) bool { return found[e.UUID] })
		if len(missing) == 0 {
			return nil
		}
		more, err := by.Find(ctx, missing)
		if err != nil {
			return err
		}
		maps.Copy(found, more)
	}
	return nil
}

// askOld asks the Confirmers of earlier configurations for what the present one did not
// find of what was handed over under them: it may bear other labels, or be elsewhere.
// What they cannot be asked about is not taken for lost before the grace is over.
func (p *Poller) askOld(ctx context.Context, pages []*handed, found map[string]bool) error {
	l := &p.Memory.ledger
	now := time.Now()
	due := make(map[Confirmer][]reconcile.Event)
	for _, h := range pages {
		for uuid, e := range h.waiting {
			e.unknown = e.confirm != p.Confirm && !found[uuid] && now.Sub(e.at) < grace
			if e.confirm != p.Confirm && !found[uuid] && now.Sub(e.at) >= settle {
				due[e.confirm] = append(due[e.confirm], reconcile.Event{UUID: uuid, Time: e.time})
			}
		}
	}
	for by, events := range due {
		if now.Before(l.askOld) {
			break
		}
		more, err := by.Find(ctx, events)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			l.askOld = time.Now().Add(maxBackoff)
			level.Debug(p.Logger).Log("msg", "Loki of an earlier configuration cannot be asked", "err", err)
			continue
		}
		maps.Copy(found, more)
		for _, h := range pages {
			for _, e := range h.waiting {
				e.unknown = e.unknown && e.confirm != by
			}
		}
	}
	return nil
}

// received notes what was found of pages.
func (p *Poller) received(pages []*handed, found map[string]bool, now time.Time) {
	l := &p.Memory.ledger
	wasTrusted := l.trusted
	arrived := 0
	for _, h := range pages {
		arrived += l.arrived(h, found, p.ConfirmID)
	}
	p.Metrics.confirmed.Add(float64(arrived))
	if l.futile++; arrived > 0 {
		l.futile, l.arrival = 0, now
	}
	if l.trusted != wasTrusted {
		p.Journal.Delivery.ConfirmedBy = l.trusted
	}
	var problem error
	patience := suspicion
	if l.trusted == p.ConfirmID {
		patience = grace // it has worked; loki.write may be retrying
	}
	if _, oldest := l.oldest(now); !oldest.IsZero() && now.Sub(latest(oldest, l.arrival)) >= patience {
		waiting, _ := l.waiting()
		problem = fmt.Errorf("%w: the selector %s finds none of the %d events handed over since %s; check reconcile's selector and that the pipeline delivers. The cursor stays",
			ErrNothingArrives, p.Confirm.Selector(), waiting, oldest.UTC().Format(time.RFC3339))
	}
	var known error
	p.Status.set(func(s *Snapshot) {
		known = s.ConfirmErr
		switch {
		case problem != nil && known == nil:
			s.ConfirmFailing = now
		case problem == nil && known != nil:
			s.Recovered, s.ConfirmFailing = now, time.Time{}
		}
		s.ConfirmErr = problem
	})
	// Not while the status is held: who reads it must never wait for a log.
	if problem != nil && !errors.Is(known, ErrNothingArrives) {
		level.Error(p.Logger).Log("msg", "deliveries cannot be confirmed", "err", problem)
	}
}

// settleUp moves the journal behind the pages of which everything arrived.
func (p *Poller) settleUp() {
	l := &p.Memory.ledger
	if h := l.finished(); h != nil {
		at := h.after
		if h.scope != p.Scope {
			// A cursor of another filter is of no use; the time is.
			at.cursor = p.start(at.published)
		}
		if len(l.pages) == 0 && p.Memory.pending == nil {
			p.Memory.earlier = nil
			p.Journal.Delivery.Selectors = nil // the next hand-over enters its own
		}
		p.commit(at)
	}
	oldest, _ := l.oldest(time.Now())
	waiting, _ := l.waiting()
	p.Status.set(func(s *Snapshot) {
		s.Unconfirmed = waiting
		s.UnconfirmedSince = oldest
	})
}
