package okta

import (
	"fmt"
	"sync"
	"time"

	"github.com/grafana/alloy/okta/internal/poller"
)

// oneOff is what the process reads instead of the live log; nil: the live log.
var oneOff struct {
	sync.Mutex
	backfill   *Backfill
	components []*Component
}

// ReadOnce makes every loki.source.okta of the process read one range, and nothing else: neither the live log nor ranges of its
// configuration. It is for a command that ends when the range is done, and to be called before a configuration is loaded.
func ReadOnce(b Backfill) {
	oneOff.Lock()
	defer oneOff.Unlock()
	oneOff.backfill = &b
}

// once returns the arguments as ReadOnce has them.
func (c *Component) once(args Arguments) Arguments {
	oneOff.Lock()
	defer oneOff.Unlock()
	if oneOff.backfill == nil {
		return args
	}
	if c.current() == nil {
		oneOff.components = append(oneOff.components, c)
	}
	args.Backfills = []Backfill{*oneOff.backfill}
	args.readsOnce = true
	args.EventHook = nil // they are for who reads the live log, on the same port of the same machine as a rule
	return args
}

// Reading is how far the range of ReadOnce is for one org.
type Reading struct {
	Component, Org string
	State          string  // in a few words
	Progress       float64 // the part of the range that was delivered, 0 to 1
	Delivered      uint64  // events
	Skipped        uint64  // events that Loki had
	Unconfirmed    int     // events
	Confirms       bool    // there is a reconcile block
	Finished       bool    // all of it was delivered and, if Confirms, found in Loki
	Ended          bool    // all of it was read
	// Missing says that what was delivered does not arrive. In this process nothing follows it that could show whether it still may.
	Missing bool
	Refused error // what an operator has to change; nil: nothing
}

// Readings returns how far the range of ReadOnce is, for each org of each component.
func Readings() (all []Reading) {
	oneOff.Lock()
	components := oneOff.components
	oneOff.Unlock()
	for _, c := range components {
		h := c.held.Load()
		for _, m := range c.current() {
			if h != nil { // a command does not wait for a service
				all = append(all, Reading{Component: c.opts.ID, Org: m.name, State: "waiting for the data path",
					Refused: fmt.Errorf("%w: give the command a --storage.path of its own", h)})
				continue
			}
			if m.err != nil {
				all = append(all, Reading{Component: c.opts.ID, Org: m.name, State: notCollected, Refused: m.err})
				continue
			}
			j := m.job.Load()
			for _, f := range j.fills {
				s := f.reading.status.Snapshot()
				r := Reading{Component: c.opts.ID, Org: j.org.Host, State: f.state(s, time.Now()), Progress: f.progress(s), Delivered: s.Events,
					Skipped: s.Skipped, Unconfirmed: s.Unconfirmed, Confirms: j.confirm != nil, Finished: s.Finished, Ended: s.Ended,
					Missing: s.Unconfirmable().Err != nil || s.Wrong[poller.Hold].Kind != ""}
				switch {
				case f.refused != nil: // for a label of this org's own: it is never read
					r.Refused = f.refused
				case s.Wrong[poller.Okta].Refused:
					r.Refused = s.Wrong[poller.Okta].Err
				}
				all = append(all, r)
			}
		}
	}
	return all
}
