package okta

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/go-kit/log"
	"go.uber.org/atomic"

	"github.com/grafana/alloy/okta/component/loki/source/internal/fanout"
	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktaapi/auth"
	"github.com/grafana/alloy/okta/internal/poller"
	"github.com/grafana/alloy/okta/internal/takeover"
)

// reading is one way through an org's log: the live one, or a range. It outlives reloads. A goroutine of its own calls run; status,
// seat, out and replaced are safe for concurrent use, and the rest is run's.
type reading struct {
	k       *collector
	name    string // "": the live one; or the id of a range
	logger  log.Logger
	seat    *takeover.Seat // whether this node reads it
	status  poller.Status
	out     fanout.Fanout
	replace atomic.Pointer[context.CancelFunc] // ends the poller that runs; nil: there was none

	memory   *poller.Memory
	poller   *poller.Poller // the last one
	start    takeover.Start // what Read was called with
	lands    time.Time      // nothing arrives later that was delivered before start
	underWay bool           // something was, when the last poller had ended
}

func newReading(k *collector, name string, seat *takeover.Seat, logger log.Logger) *reading {
	return &reading{k: k, name: name, logger: logger, seat: seat}
}

// snapshot is the poller's state, with the name of the receiver that takes an entry.
func (r *reading) snapshot() poller.Snapshot {
	s := r.status.Snapshot()
	s.Receiver = r.out.Receiver(r.k.plan.Load().args.ForwardTo)
	return s
}

// run reads until ctx ends, while the org is this node's.
func (r *reading) run(ctx context.Context) {
	memory, err := memories.Take(ctx, r.owner(r.k.plan.Load()))
	if err != nil {
		return // ctx has ended
	}
	defer memories.Release(memory)
	r.memory = memory
	r.seat.Run(ctx, r)
}

func (r *reading) dir() string { return filepath.Join(r.k.c.opts.DataPath, r.name) }

// owner says whose the memory is.
func (r *reading) owner(p *plan) poller.Owner {
	o := poller.Owner{Dir: r.dir(), Org: p.scope.Org, To: r.k.c.alloy + p.destination()}
	if r.name != "" {
		o.To += "\n" + r.name
	}
	return o
}

// replaced ends the poller that runs, if any, for one that does what the present plan says. It does not wait.
func (r *reading) replaced() {
	if cancel := r.replace.Load(); cancel != nil {
		(*cancel)()
	}
}

// Read implements takeover.Reader: it keeps a poller running, and replaces it when the plan is.
func (r *reading) Read(ctx context.Context, start takeover.Start) {
	r.start, r.lands = start, time.Now().Add(start.LastPush)
	if start.Others { // what this process knew, before it lost the org by a reload for instance, is older than the journal
		r.memory.Forget()
	}
	for ctx.Err() == nil {
		if err := r.poll(ctx); errors.Is(err, poller.ErrNotOwned) {
			return
		}
	}
}

// poll runs one poller until ctx ends, the plan is replaced, or another node is found to read the org.
func (r *reading) poll(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.replace.Store(&cancel)
	p := r.k.plan.Load() // a replacement before this point is in it, and one after it ends ctx
	f := p.fill(r.name)
	if r.name != "" && f == nil { // the component is about to stop it
		<-ctx.Done()
		return nil
	}
	memories.Readdress(r.memory, r.owner(p).To)
	r.poller = r.newPoller(p, f)
	r.start.AtOnce = false

	err := r.poller.Run(ctx)
	r.underWay = r.poller.UnderWay()
	if err == nil { // a range is done, the next one may begin
		signal(r.k.c.updated)
		<-ctx.Done()
	}
	return err
}

// Drain implements takeover.Reader.
func (r *reading) Drain(ctx context.Context) {
	if r.poller == nil { // never begun
		return
	}
	r.poller.Drain(ctx)
	r.underWay = r.poller.UnderWay()
	if ctx.Err() == nil {
		r.memory.Forget()
	}
}

// UnderWay implements takeover.Reader.
func (r *reading) UnderWay() bool { return r.underWay }

// newPoller returns a poller of the live log, or of a range, that goes on where the memory's last one stood.
func (r *reading) newPoller(p *plan, f *fill) *poller.Poller {
	k, c := r.k, r.k.c
	to := sink{Fanout: &r.out, to: p.args.ForwardTo, live: c.live, partly: partlyOf(r.memory)}
	client := oktaapi.Config{
		Org: p.org, Auth: p.auth, HTTP: p.http, PageSize: p.scope.PageSize, Filter: p.scope.Filter, Query: p.scope.Query,
		Timeout: p.args.RequestTimeout, UserAgent: userAgent, Budget: p.budget(), Share: p.args.RateLimitShare, Slots: slots,
		Waiting: r.status.Waiting, Observe: k.metrics.Observe,
	}
	cfg := poller.Config{
		Sink: to, Receiver: to.receiver, Format: p.formatter.Entry, Scope: p.scope,
		Remedy:       func(err error) string { return auth.Remedy(p.auth.Method(), err) },
		PollInterval: p.args.PollInterval, InitialLookback: p.args.InitialLookback, Spread: c.spread(p.args.PollInterval),
		OutOfOrder: p.args.OutOfOrderWindow,
		Confirm:    p.confirm, ConfirmID: p.confirmID, Overlap: p.overlap, Previous: p.previous, Pipeline: p.pipeline(),
		PerStream: p.args.Reconcile != nil && p.args.Reconcile.Ordering == orderingStream,
		Memory:    r.memory, Status: &r.status, Troubles: &c.troubles, Metrics: k.metrics, Logger: r.logger,
	}
	if r.start.AtOnce {
		cfg.Spread = 0
	}
	if r.start.LastPush > 0 {
		cfg.LastPush = max(time.Until(r.lands), 1)
	}
	if p.args.Clustering.Enabled {
		cfg.Owned = r.seat.Owned
	}
	if f == nil {
		cfg.Wakes = k.wakes
	} else {
		client.Until, client.Share = f.until, f.share
		cfg.Format, cfg.Range = f.formatter.Entry, &poller.Range{Since: f.since, Until: f.until}
		if !cfg.PerStream { // else a live entry shows nothing about the range's streams
			cfg.Range.Passed = func() time.Time { return k.live.status.Snapshot().Passed }
		}
	}
	cfg.Source = oktaapi.New(client)
	cfg.Open = func() (*checkpoint.Journal, error) {
		journal, err := p.open(r.logger, r.dir(), r.start.Copies...)
		if err == nil && p.args.Clustering.Enabled {
			journal.Saved = r.seat.Saved
		}
		return journal, err
	}
	return poller.New(cfg)
}
