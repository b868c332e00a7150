package okta

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-kit/log"
	"go.uber.org/atomic"

	"github.com/grafana/alloy/okta/component/loki/source/internal/fanout"
	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktaapi/auth"
	"github.com/grafana/alloy/okta/internal/poller"
)

// reading is one way through an org's log: the live one, or another that an option adds. It outlives reloads. A goroutine of its own calls
// run; status, seat, out and replaced are safe for concurrent use, and the rest is run's.
type reading struct {
	k       *collector
	name    string // "": the live one; else the name of the folder of its cursor
	logger  log.Logger
	seat    seat // nil: it may always read
	status  poller.Status
	out     fanout.Fanout
	replace atomic.Pointer[context.CancelFunc] // ends the poller that runs; nil: there was none

	memory *poller.Memory
	poller *poller.Poller // the last one; nil: there was none
}

func newReading(k *collector, name string, logger log.Logger) *reading {
	r := &reading{k: k, name: name, logger: logger}
	r.seat = seatOf(r)
	return r
}

func (r *reading) isLive() bool { return r.name == "" }

// elsewhere is why this process does not read; fine: it does.
func (r *reading) elsewhere(now time.Time) condition {
	if v := r.k.c.heldBack(); v.is != fine || r.seat == nil {
		return v
	}
	return r.seat.elsewhere(now)
}

// snapshot is the poller's state, with the name of the receiver that takes an entry.
func (r *reading) snapshot() poller.Snapshot {
	s := r.status.Snapshot()
	s.Receiver = r.out.Receiver(r.k.plan.Load().args.ForwardTo)
	return s
}

// run reads until ctx ends, while the reading may.
func (r *reading) run(ctx context.Context) {
	memory, err := memories.Take(ctx, r.owner(r.k.plan.Load()))
	if err != nil {
		return // ctx has ended
	}
	defer memories.Release(memory)
	r.memory = memory
	if r.seat == nil {
		r.keep(ctx)
		return
	}
	r.seat.run(ctx)
}

func (r *reading) dir() string { return filepath.Join(r.k.c.opts.DataPath, r.name) }

// owner says whose the memory is.
func (r *reading) owner(p *plan) poller.Owner {
	o := poller.Owner{Dir: r.dir(), Org: p.scope.Org, To: r.k.c.alloy + p.destination()}
	if !r.isLive() {
		o.To += "\n" + r.name
	}
	return o
}

// replaced ends the poller that runs, if any, so that keep makes another by the present plan. It does not wait.
func (r *reading) replaced() {
	if cancel := r.replace.Load(); cancel != nil {
		(*cancel)()
	}
}

// keep keeps a poller running, and replaces it when the plan is, until ctx ends or another node is found to read the org.
func (r *reading) keep(ctx context.Context) {
	defer func() {
		for _, o := range options {
			o.left(r)
		}
	}()
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
	next := r.newPoller(p)
	if next == nil { // the component is about to stop it
		<-ctx.Done()
		return nil
	}
	memories.Readdress(r.memory, r.owner(p).To)
	r.poller = next

	err := r.poller.Run(ctx)
	if err == nil { // all is read, what comes next may begin
		signal(r.k.c.updated)
		<-ctx.Done()
	}
	return err
}

// newPoller returns a poller that goes on where the memory's last one stood; nil: the plan has nothing to read.
func (r *reading) newPoller(p *plan) *poller.Poller {
	k, c := r.k, r.k.c
	client := oktaapi.Config{
		Org: p.org, Auth: p.auth, HTTP: p.http, PageSize: p.scope.PageSize, Filter: p.scope.Filter, Query: p.scope.Query,
		Timeout: p.args.RequestTimeout, UserAgent: userAgent, Budget: p.budget(), Share: p.args.RateLimitShare, Slots: slots,
		Waiting: r.status.Waiting, Observe: k.metrics.Observe,
	}
	cfg := poller.Config{
		Sink:     sink{Fanout: &r.out, to: p.args.ForwardTo, live: c.live, partly: partlyOf(r.memory)},
		Receiver: func() string { return r.out.Receiver(p.args.ForwardTo) },
		Format:   p.formatter.Entry, Scope: p.scope,
		PollInterval: p.args.PollInterval, InitialLookback: p.args.InitialLookback,
		Spread:     oktaapi.Spread(len(c.current()), apart, p.args.PollInterval),
		OutOfOrder: p.args.OutOfOrderWindow, Pipeline: p.pipeline(),
		Open:   func() (*checkpoint.Journal, error) { return p.open(r.logger, r.dir()) },
		Memory: r.memory, Metrics: k.metrics,
		Reporting: poller.Reporting{
			Status: &r.status, Troubles: &c.troubles, Logger: r.logger,
			Remedy: func(err error) string { return auth.Remedy(p.auth.Method(), err) },
		},
	}
	for _, o := range options {
		if !o.configure(r, p, &client, &cfg) {
			return nil
		}
	}
	cfg.Source = oktaapi.New(client)
	return poller.New(cfg)
}

// crew are the readings that run, each in a goroutine of its own. It is not safe for concurrent use.
type crew map[*reading]work

// work is how one of them is stopped, and how to see that it has ended.
type work struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// keep stops the readings that are not wanted, all at once, waits until they have ended, and then starts those that are missing. It waits
// because a reading that comes back must not run beside its old self, on the same cursor. When ctx has ended, none is wanted, and keep
// returns false.
func (c crew) keep(ctx context.Context, wanted []*reading) bool {
	if ctx.Err() != nil {
		wanted = nil
	}
	var stopping []work
	for r, w := range c {
		if !slices.Contains(wanted, r) {
			w.cancel()
			stopping = append(stopping, w)
			delete(c, r)
		}
	}
	for _, w := range stopping {
		<-w.done
	}
	if ctx.Err() != nil && len(c) == 0 {
		return false
	}
	for _, r := range wanted {
		if _, runs := c[r]; runs {
			continue
		}
		ctx, cancel := context.WithCancel(ctx)
		w := work{cancel, make(chan struct{})}
		go func() { defer close(w.done); r.run(ctx) }()
		c[r] = w
	}
	return true
}

// signal puts a token into a channel that holds one, unless it is there.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
