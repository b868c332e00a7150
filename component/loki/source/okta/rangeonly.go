// option: backfill needs reconcile

package okta

import (
	"cmp"
	"fmt"
	"sync"
	"time"

	"github.com/grafana/alloy/internal/component"

	"github.com/grafana/alloy/okta/internal/poller"
)

// RangeOnlyService names a service of Alloy whose data is a [RangeOnly]. Alloy has it for a command that ends when the range is done. It is
// a service, and no argument that the command adds, as components may come from modules that the command has not read: those of the
// configuration that image and packages install do.
const RangeOnlyService = "okta_range_only"

// RangeOnly makes every loki.source.okta of an Alloy, also those in modules, read one range and nothing else: neither the live log nor
// ranges of its configuration. It is safe for concurrent use.
type RangeOnly struct {
	Backfill
	// Wanted says which orgs' ranges are read, by a component's ID and the org's host; nil: all.
	Wanted func(component, org string) bool

	mu         sync.Mutex
	components []*Component
}

// rangeOnlyOf is what a component reads instead of the live log; nil: the live log.
func rangeOnlyOf(opts component.Options) *RangeOnly {
	only, _ := service[*RangeOnly](opts, RangeOnlyService) // an Alloy that runs for ever has no such service
	return only
}

// add has Ranges list a component that was built. One that could not be built never runs, and its range would never be done.
func (o *RangeOnly) add(c *Component) {
	if o == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.components = append(o.components, c)
}

// Range is how far the range of a [RangeOnly] is for one org.
type Range struct {
	poller.Snapshot
	Component, Org string
	State          string  // in a few words
	Progress       float64 // the part of the range that was delivered, 0 to 1
	Confirms       bool    // there is a reconcile block
	Refused        error   // what an operator has to change; nil: nothing
}

// Missing reports whether delivered events do not arrive. Whether they still may cannot be told: in this process no later delivery shows
// it.
func (r *Range) Missing() bool { return r.Unconfirmable().Lasts() || r.Wrong[poller.Hold].Lasts() }

// Ranges returns how far the range is, for each org of each component.
func (o *RangeOnly) Ranges() (all []Range) {
	o.mu.Lock()
	components := o.components
	o.mu.Unlock()
	for _, c := range components {
		all = append(all, c.ranges(time.Now())...)
	}
	return all
}

// ranges returns how far the ranges of each org are.
func (c *Component) ranges(now time.Time) (all []Range) {
	h := c.held.Load()
	for _, m := range c.current() {
		r := Range{Component: c.opts.ID, Org: m.name}
		switch {
		case h != nil: // a command does not wait for a service
			r.State, r.Refused = "waiting for the data path", fmt.Errorf("%w: give the command a --storage.path of its own", h)
		case m.err != nil:
			r.State, r.Refused = notCollected, m.err
		}
		if r.Refused != nil {
			all = append(all, r)
			continue
		}
		p := m.plan.Load()
		r.Org, r.Confirms = p.org.Host, p.confirmID != ""
		for _, f := range p.of.fills {
			r.Snapshot = f.reading.snapshot()
			r.State, r.Progress, r.Refused = f.state(r.Snapshot, now), f.progress(r.Snapshot), f.refused // refused for one org, by its own labels
			if okta := r.Wrong[poller.Okta]; okta.Refused {
				r.Refused = cmp.Or(r.Refused, okta.Err)
			}
			all = append(all, r)
		}
	}
	return all
}

// alone leaves out what is for the process that reads the live log.
func (o *Options) alone() {
	o.Clustering = Clustering{} // option: clustering. All of the range is this process's
	o.EventHook = nil           // option: event_hook. As a rule it would be on the same port of the same machine
}
