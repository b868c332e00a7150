package okta

import (
	"net/http"
	"time"

	"go.uber.org/atomic"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/hook"
	"github.com/grafana/alloy/okta/internal/poller"
	"github.com/grafana/alloy/okta/internal/reconcile"
	"github.com/grafana/alloy/okta/internal/takeover"
)

// Every line of the core that names an option is here, and says whose it is. `make upstream CORE=1` leaves these lines out, and the files
// of options. A line in one option's file that names another option says so, too.

// options are asked in this order: what one of them sets is there for those after it.
var options = []option{
	reconciling{}, // option: reconcile
	clustered{},   // option: clustering
	ranges{},      // option: backfill
	many{},        // option: orgs
	hooks{},       // option: event_hook
	identified{},  // option: context
}

// Options are the arguments of options. Their defaults are zero, or those of the blocks.
type Options struct {
	Orgs       Orgs       `alloy:"orgs,attr,optional"`        // option: orgs. Not nil: several orgs, even if it is empty
	OrgBlocks  []Org      `alloy:"org,block,optional"`        // option: orgs
	Redact     *Redact    `alloy:"redact,block,optional"`     // option: redact
	Reconcile  *Reconcile `alloy:"reconcile,block,optional"`  // option: reconcile
	Clustering Clustering `alloy:"clustering,block,optional"` // option: clustering
	Backfills  []Backfill `alloy:"backfill,block,optional"`   // option: backfill
	EventHook  *EventHook `alloy:"event_hook,block,optional"` // option: event_hook
	Context    *Context   `alloy:"context,block,optional"`    // option: context

	refused   map[string]error // option: backfill. Ranges that are not read, by id; not nil only where they were looked at
	rangeOnly bool             // option: backfill. The ranges of Backfills and nothing else, see RangeOnly
}

// several reports whether the arguments name orgs otherwise than by url.
func (o *Options) several() (is bool) {
	is = o.Orgs != nil || len(o.OrgBlocks) > 0 // option: orgs
	return is
}

// list are the orgs that the arguments name otherwise than by url.
func (args Arguments) list() (all []wanted) {
	all = args.listed() // option: orgs
	return all
}

// ofOneOrg leaves out what all orgs share, as a change of that disturbs none of them.
func (o *Options) ofOneOrg() {
	o.EventHook = nil // option: event_hook
}

// format adds to how events become entries.
func (o *Options) format(to *event.Options) {
	to.Redaction = o.Redact.Options() // option: redact
}

// profile are the attributes of actors' profiles that entries may have.
func (o *Options) profile() (all []string) {
	all = o.Context.attributes() // option: context
	return all
}

// connect adds what all orgs of a component use.
func (o *Options) connect(c *connections) (err error) {
	err = o.connectLoki(c) // option: reconcile
	return err
}

// What options know, by what it belongs to.
type (
	ofConnections struct {
		loki *reconcile.Server // option: reconcile. nil without the block
	}
	ofPlan struct {
		loki     *reconcile.Loki // option: reconcile. nil without the block
		fills    []*fill         // option: backfill
		identity *identity       // option: context. nil: roles are not wanted
		actors   *acting         // option: context. nil: neither profiles nor groups are
	}
	ofCollector struct {
		wakes *poller.Wakes // option: event_hook
	}
	ofComponent struct {
		exchange *takeover.Exchange          // option: clustering
		nodes    *ring                       // option: clustering
		peers    atomic.Pointer[http.Client] // option: clustering. For the other nodes
		only     *RangeOnly                  // option: backfill. nil: the live log, and ranges beside it
		hooks    *hook.Server                // option: event_hook
	}
)

func newOfCollector() (of ofCollector) {
	of.wakes = poller.NewWakes() // option: event_hook
	return of
}

// seatOf is the seat of a new reading; nil: it may always read.
func seatOf(r *reading) (s seat) {
	s = newPlace(r) // option: clustering
	return s
}

// accepted is called when the data path is this process's, and there are arguments.
func (c *Component) accepted() {
	c.accept() // option: backfill
}

// built is called when nothing can fail any more of making a component, before it runs.
func (c *Component) built() {
	c.of.only.add(c) // option: backfill
}

// What options show in the UI.
type (
	infoMore struct { // of the component
		EventHook *eventHookInfo `alloy:"event_hook,block,optional"` // option: event_hook
	}
	orgMore struct { // of an org
		Reconcile *reconcileInfo `alloy:"reconcile,block,optional"` // option: reconcile
		Backfills []backfillInfo `alloy:"backfill,block,optional"`  // option: backfill
		Context   *contextInfo   `alloy:"context,block,optional"`   // option: context
	}
)

func (c *Component) infoMore(args *Arguments, members []member) (more infoMore) {
	more.EventHook = c.eventHookInfo(args, members) // option: event_hook
	return more
}

// infoOfAll is what the UI shows of several orgs.
func (c *Component) infoOfAll(more infoMore, members []member, now time.Time) (info any) {
	info = orgsInfoOf(more, members, now) // option: orgs
	return info
}

func (p *plan) more(s poller.Snapshot, now time.Time) (more orgMore) {
	more.Reconcile = p.reconcileInfo(s)   // option: reconcile
	more.Backfills = p.backfillInfos(now) // option: backfill
	more.Context = p.contextInfo(s)       // option: context
	return more
}
