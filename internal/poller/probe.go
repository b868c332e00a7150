// option: reconcile

package poller

import (
	"context"
	"slices"
	"time"

	"github.com/grafana/alloy/okta/internal/delivery"
	"github.com/grafana/alloy/okta/internal/event"
)

const (
	// probeBack is how far before now a probe is looked for, where Loki shows any age.
	probeBack = time.Hour
	// probeAgain is the time between two searches for a probe.
	probeAgain = time.Minute
)

// probe delivers one event ahead of the position, while nothing newer may be delivered. Only
// something later can show that the pipeline works again and that what is missing is lost.
// It must be one that nobody can have delivered, or it would be found whatever the pipeline
// does, and young enough for Loki to show it.
func (p *confirmed) probe(ctx context.Context) {
	m, now := p.Memory, time.Now()
	if p.ends() { // behind its end is nothing of ours
		if !p.ended {
			p.probeFrom(ctx, m.at, time.Time{})
		}
		return
	}
	newest := delivery.Latest(delivery.Latest(m.at.published, p.furthest()), m.past.until)
	from := now.Add(-probeBack)
	if visible := p.Confirm.Visible(); visible > 0 {
		from = now.Add(-visible / 2)
	}
	if !p.probeFrom(ctx, p.position(delivery.Latest(from, newest)), newest) {
		p.probeFrom(ctx, m.at, time.Time{}) // nothing new: the next of the log, unless Loki has it
	}
}

// probeFrom delivers the first event of a page that is after a time and that nobody has
// delivered. It returns false when the page has none.
func (p *confirmed) probeFrom(ctx context.Context, at position, after time.Time) bool {
	tried := true // unless the page says otherwise, there may be one
	err := p.do(ctx, Okta, at.cursor, func(h *hand) {
		there, err := p.here(ctx, h)
		if err != nil || h.gone {
			return
		}
		for _, ev := range h.events {
			if ev.Published.After(after) && !ev.Published.After(h.Date) && !there.found[ev.UUID] && p.canProbe(ev) {
				p.sendProbe(ctx, h, ev, at)
				return
			}
		}
		tried = false
	})
	if err != nil && ctx.Err() == nil {
		p.noPage(Okta, err)
	}
	return tried
}

// canProbe reports whether an event may be a probe: whether it is found says something about the pipeline.
func (p *confirmed) canProbe(ev event.Event) bool {
	m, now := p.Memory, time.Now()
	return p.confirmable(ev, now) && !m.recent.has(ev.UUID) && !m.window.Has(ev.UUID) && !p.mayBeUnderWay(ev, now, now) &&
		m.window.Shown(ev.Published, now, now) && p.Format(ev, now).Labels != nil
}

// waitingProbes are the uuids of those that wait to be confirmed.
func (p *confirmed) waitingProbes() []string {
	return slices.DeleteFunc(p.Memory.probes, func(uuid string) bool { return !p.Memory.window.Has(uuid) })
}

func (p *confirmed) sendProbe(ctx context.Context, h *hand, ev event.Event, at position) {
	m := p.Memory
	p.foretell(h.Page, []event.Event{ev}, nil)
	m.past.until = delivery.Latest(m.past.until, ev.Published)
	pg := delivery.NewPage(at, m.at, 1, len(ev.Raw))
	if err := p.send(ctx, ev, pg, time.Now()); err == nil {
		m.window.Add(pg)
		m.probes = append(p.waitingProbes(), ev.UUID)
	}
}
