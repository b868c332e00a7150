package okta_event_hook

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/grafana/alloy/internal/component/common/loki"

	"github.com/grafana/alloy/okta/component/loki/source/internal/fanout"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/hook"
	"github.com/grafana/alloy/okta/internal/limits"
)

const (
	// deliverWithin is how long a delivery may take. Okta waits three seconds, and a later answer does not count.
	deliverWithin = 2 * time.Second
	// remembered is how many uuids are kept of an org: Okta sends a hook once more at once, so a small set is enough.
	remembered = 4096
)

var errBlocked = errors.New("a receiver takes no entries")

// receive forwards what a hook brought. When a receiver blocks it returns an error, so that Okta sends the hook once more; receive then
// goes on where it stopped.
func (c *Component) receive(ctx context.Context, n hook.Notice) error {
	ctx, cancel := context.WithTimeout(ctx, deliverWithin)
	defer cancel()
	select {
	case <-c.turn:
		defer func() { c.turn <- struct{}{} }()
	case <-ctx.Done():
		return errBlocked
	}
	p, o := c.plan.Load(), c.org(n.Org)
	format := p.formatters[n.Org]
	if o == nil || format == nil { // a reload has just removed it
		return errBlocked
	}
	var err error
	for _, e := range n.Events {
		if err = c.forward(ctx, p, o, format, e); err != nil {
			break
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		o.last, c.blocked = n.Received, time.Time{}
		return nil
	}
	if c.at = c.out.Receiver(p.receivers); c.blocked.IsZero() {
		c.blocked = time.Now()
	}
	return err
}

// forward sends one event to every receiver that does not have it.
func (c *Component) forward(ctx context.Context, p *plan, o *org, format *event.Formatter, e hook.Event) error {
	took, _ := o.recent.Peek(e.UUID)
	if took.All() {
		c.metrics.duplicates.Inc()
		return nil
	}
	events, err := event.Scan(slices.Concat([]byte("["), e.Raw, []byte("]")))
	if err != nil || len(events) != 1 { // unlike what encoding/json took it for, no object: only it is left out
		return nil
	}
	entry := format.Entry(events[0], time.Now())
	if entry.Labels == nil {
		o.note(e.UUID, fanout.Nobody())
		c.metrics.dropped.Inc()
		return nil
	}
	refusal := limits.OfEntry(entry.Labels, entry.Entry, time.Now(), limits.MaxAge)
	err = c.out.Send(ctx, p.receivers, loki.NewEntry(entry.Labels, entry.Entry), &took)
	o.note(e.UUID, took)
	if err != nil {
		return errBlocked
	}
	o.events.Inc()
	c.metrics.entries.Inc()
	o.told.Tell(o.logger, c.metrics.overLimit, refusal, e.UUID)
	return nil
}

func (o *org) note(uuid string, took fanout.Took) {
	if uuid != "" {
		o.recent.Add(uuid, took)
	}
}
