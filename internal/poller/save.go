package poller

import (
	"context"
	"time"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/delivery"
)

// open opens the journal. One that cannot be read is not replaced, for reading would start
// over and leave a gap: it is tried again until it can be read or ctx ends.
func (p *Poller) open(ctx context.Context) bool {
	for n := 1; ctx.Err() == nil; n++ {
		journal, err := p.Open()
		if err == nil {
			p.journal = journal
			if p.Status.wrong(Checkpoint).Kind == Unread {
				p.clear(Checkpoint)
			}
			return true
		}
		p.fail(Checkpoint, Unread, err)
		sleep(ctx, backoff(n))
	}
	return false
}

// advanced makes the position behind a page durable: at once, or when the page has arrived.
func (p *Poller) advanced(pg *delivery.Page[position]) {
	pg.End = p.Memory.at
	p.Memory.window.Add(pg)
	if n := p.Memory.window.Trim(time.Now()); n > 0 {
		p.Metrics.unverified.Add(float64(n))
		p.Memory.warnOnce(p.Logger, "unverified", "more events than can be remembered wait until Loki shows them; the oldest count as unverified",
			"events", n, "metric", "loki_source_okta_unverified_events_total")
	}
	p.commit()
}

// commit moves the journal behind the pages of which everything arrived, and returns what
// still waits.
func (p *Poller) commit() delivery.Stats {
	m := p.Memory
	end, moved := m.window.Commit()
	if moved {
		if end.scope != p.Scope { // a cursor of another filter is of no use; the time is
			end.cursor = p.start(end.published)
		}
		if m.window.Empty() && m.past.pending == nil {
			m.past.previous = nil
			p.journal.Delivery.Selectors = nil // the next delivery enters its own
		}
		p.save(end)
	}
	stats := m.window.Stats(time.Now())
	p.Status.set(func(s *Snapshot) { s.Unconfirmed = stats })
	return stats
}

// save makes a position durable, as the newest mark.
func (p *Poller) save(at position) {
	p.wrote(p.journal.Append(checkpoint.Mark{Cursor: string(at.cursor), Published: at.published, Delivered: time.Now()}))
}

// wrote notes how writing the journal went. A file that cannot be written is reported, and polling
// goes on: the events are worth more than the cursor.
func (p *Poller) wrote(err error) {
	if err != nil {
		p.Metrics.checkpointFailures.Inc()
		p.fail(Checkpoint, "", err)
		return
	}
	p.clear(Checkpoint)
	p.Status.set(func(s *Snapshot) { s.CheckpointSaved = time.Now() })
}
