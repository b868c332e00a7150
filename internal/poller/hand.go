package poller

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi"
)

// lendAfter is how long a receiver may take with an entry before the entry's page makes room
// for pages of other pollers, if any wait.
const lendAfter = 10 * time.Second

// scanned holds the memory of pages' events, half a megabyte each.
var scanned sync.Pool // of *[]event.Event

// hand is the page in hand. A poller has one at a time.
type hand struct {
	oktaapi.Page
	events []event.Event
	gone   bool            // the memory was given back; what was not delivered is to be fetched again
	lease  context.Context // ends when others want the memory
	cancel context.CancelFunc
}

// fetch gets the page at a cursor and splits it into events. A body that is not a page counts
// as a failed fetch: nothing of it is used. The caller drops the page.
func (p *Poller) fetch(ctx context.Context, cur oktaapi.Cursor) (*hand, error) {
	page, err := p.Source.Fetch(ctx, cur)
	if err != nil {
		return nil, err
	}
	memory, _ := scanned.Get().(*[]event.Event)
	if memory == nil {
		memory = new([]event.Event)
	}
	events, err := event.ScanInto(*memory, page.Body)
	if err != nil {
		page.Release()
		return nil, &oktaapi.Error{Class: oktaapi.Transient, RequestID: page.RequestID, Err: fmt.Errorf("the body is not a page: %w", err)}
	}
	h := &hand{Page: page, events: events}
	h.lease, h.cancel = context.WithCancel(ctx)
	p.mu.Lock()
	p.hand = h
	p.mu.Unlock()
	return h, nil
}

// do fetches the page at a cursor for an errand: to read on, to probe, or to deliver again what was lost. A page ends a trouble with part.
// It returns why no page came, for the caller to judge; an error while the errand runs is the errand's.
func (p *Poller) do(ctx context.Context, part Part, cur oktaapi.Cursor, errand func(h *hand)) error {
	h, err := p.fetch(ctx, cur)
	if err != nil {
		return err
	}
	defer p.drop(h)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	p.answered(part, h.Page)
	errand(h)
	return nil
}

// drop gives the page's memory back. Entries, uuids and the window share none with it.
func (p *Poller) drop(h *hand) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if h.gone {
		return
	}
	h.cancel()
	clear(h.events) // they hold on to the body
	events := h.events[:0]
	scanned.Put(&events)
	h.Release()
	h.events, h.gone = nil, true
}

// reclaim ends the lease of the page in hand when others wait for its memory.
func (p *Poller) reclaim() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hand != nil && p.hand.Wanted() {
		p.hand.cancel()
	}
}

// offer sends an entry of the page in hand. When that takes long and others wait for the
// page's memory, the page is dropped: all that a blocked receiver needs is the entry.
func (p *Poller) offer(ctx context.Context, entry event.Entry) error {
	p.Status.sending(time.Now())
	err := p.Sink.Send(p.hand.lease, entry)
	if err != nil && ctx.Err() == nil && p.hand.lease.Err() != nil {
		p.drop(p.hand)
		err = p.Sink.Send(ctx, entry)
	}
	blocked := p.Status.sending(time.Time{})
	if err != nil { // nobody takes it, but that is not the end of a trouble
		// What is told has its end when an entry is taken: a sink that blocks before each error is told of once.
		if ctx.Err() != nil || p.Status.wrong(Receiver).told == nil {
			p.forget(Receiver)
		}
		return err
	}
	if blocked {
		p.clear(Receiver)
	}
	p.clear(Delivery)
	return nil
}
