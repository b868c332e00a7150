// Package okta implements the loki.source.okta component: it reads the System Log of Okta orgs and forwards each event as a log entry.
//
// The package is thin. It turns arguments into one collector for each org, keeps them running, and shows their state to Alloy. What is
// Okta-shaped lives in internal/oktaapi (requests), internal/event (entries), internal/poller (the loop) and internal/checkpoint (the
// cursor).
package okta

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"go.uber.org/atomic"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/internal/featuregate"
	"github.com/grafana/alloy/internal/service/cluster"
	httpservice "github.com/grafana/alloy/internal/service/http"
	"github.com/grafana/alloy/internal/slogadapter"

	"github.com/grafana/alloy/okta/component/loki/source/internal/registration"
	"github.com/grafana/alloy/okta/internal/hook"
	"github.com/grafana/alloy/okta/internal/poller"
	"github.com/grafana/alloy/okta/internal/takeover"
)

func init() {
	component.Register(component.Registration{
		Name:      "loki.source.okta",
		Stability: featuregate.StabilityGenerallyAvailable,
		Args:      Arguments{},

		Build: func(opts component.Options, args component.Arguments) (component.Component, error) {
			return New(opts, args.(Arguments))
		},
	})
}

// apart is how far apart the first polls of orgs are that start together, on average.
const apart = 20 * time.Millisecond

// Component implements loki.source.okta.
type Component struct {
	opts     component.Options
	alloy    string     // tells it from others of this process
	logger   log.Logger // what Alloy gives, for packages that log through go-kit
	metrics  *poller.MetricsByOrg
	live     liveDebugging
	hooks    *hook.Server
	troubles poller.Troubles

	only *RangeOnly // nil: the live log, and ranges beside it

	exchange *takeover.Exchange
	nodes    *ring
	held     atomic.Pointer[held]        // by another process; nil: it is not
	writes   atomic.Bool                 // the data path is this process's
	peers    atomic.Pointer[http.Client] // for the other nodes

	updated chan struct{} // holds a token when members was replaced, or a range is done

	mut     sync.RWMutex
	args    *Arguments // never changed, only replaced
	members []member
}

// member is one of the orgs that the arguments ask for: collected, or with what is wrong with it.
type member struct {
	name string
	*collector
	err   error     // nil: collector is set
	since time.Time // when err was found
}

var (
	_ component.Component       = (*Component)(nil)
	_ component.HealthComponent = (*Component)(nil)
	_ component.DebugComponent  = (*Component)(nil)
	_ component.LiveDebugging   = (*Component)(nil)
	_ cluster.Component         = (*Component)(nil)
	_ httpservice.Component     = (*Component)(nil)
)

// New returns a component. It reads the files that args name, and does no network.
func New(opts component.Options, args Arguments) (*Component, error) {
	c := &Component{
		opts:    opts,
		alloy:   alloyOf(opts),
		logger:  slogadapter.GoKit(opts.Logger.Handler()),
		live:    newLiveDebugging(opts),
		metrics: poller.NewMetricsByOrg(),
		only:    rangeOnlyOf(opts),
		updated: make(chan struct{}, 1),
	}
	var err error
	if c.nodes, err = newRing(c, opts); err != nil {
		return nil, err
	}
	c.exchange = takeover.New(takeover.Config{Ring: c.nodes, Dir: opts.DataPath, Logger: c.logger, Client: c.peers.Load,
		Writes: c.writes.Load, Announced: c.announced})
	counters := hook.NewMetrics()
	c.hooks = hook.New(c.logger, counters)
	if err := c.Update(args); err != nil {
		return nil, err
	}
	// Registered last: a component that could not be built must leave no metric behind.
	if err := registration.Register(opts.Registerer, c.metrics, counters, &stateCollector{c}); err != nil {
		return nil, fmt.Errorf("building loki.source.okta: %w", err)
	}
	c.only.add(c)
	return c, nil
}

// Run keeps the readings of all orgs running until ctx ends, and starts and stops them when the arguments change. It may be called again
// after it returned.
func (c *Component) Run(ctx context.Context) error {
	at := crew{}
	var listening sync.WaitGroup
	defer listening.Wait()
	listening.Go(func() { _ = c.hooks.Run(ctx) }) // the context's error, always
	defer c.hold(ctx)()
	for {
		select { // a change before this point is seen by wanted
		case <-c.updated:
		default:
		}
		var wanted []*reading
		for _, m := range collected(c.current()) {
			wanted = append(wanted, m.wanted()...)
		}
		if !at.keep(ctx, wanted) {
			return nil
		}
		select {
		case <-ctx.Done():
		case <-c.updated:
		}
	}
}

// Update implements component.Component. It never waits for a poller. Of several orgs, each that can be collected is; for the single
// one of url, what is wrong with it is an error.
func (c *Component) Update(args component.Arguments) error {
	if err := c.update(args.(Arguments)); err != nil {
		return fmt.Errorf("configuring loki.source.okta: %w", err)
	}
	signal(c.updated)
	c.exchange.Changed() // clustering may have been switched
	return nil
}

// checkBackfills sets back-fills aside that cannot work, for args.orgs to leave out; what had been running, and a command that is there
// for them, refuses them.
func (c *Component) checkBackfills(args *Arguments, running bool) error {
	if err := args.validateBackfills(time.Now()); err != nil {
		return err
	}
	if err := args.refuseBackfills(c.opts.DataPath, time.Now()); err != nil && (running || args.rangeOnly) {
		return err
	}
	return nil
}

// update does all that the arguments want, or nothing.
func (c *Component) update(args Arguments) error {
	args = c.only.instead(args)
	had := c.current()
	if err := c.checkBackfills(&args, had != nil); err != nil {
		return err
	}
	all := c.only.those(c.opts.ID, args.orgs())
	if len(all) == 0 && len(had) > 0 {
		return fmt.Errorf("orgs became empty, as it does when its file was cut off: the %d before are collected as they were; "+
			"to collect none, remove the component", len(had))
	}
	shared, err := args.connections()
	if err != nil {
		return err
	}
	peers, err := args.Clustering.httpClient()
	if err != nil {
		return fmt.Errorf("clustering: %w", err)
	}
	byHost := map[string]*collector{}
	for _, m := range collected(had) {
		byHost[m.plan.Load().org.Host] = m.collector
	}
	for i := range all {
		w := &all[i]
		if w.prepare(byHost[w.host()], shared, c.logger); w.err != nil && args.single() {
			return w.err
		}
	}
	hooks, err := c.hooksFor(&args, all)
	if err != nil {
		return err
	}

	// From here on nothing can fail.
	if args.RequestTimeout < oktaQueryTimeout {
		level.Warn(c.logger).Log("msg", "request_timeout is below the 30s in which Okta may still answer a query",
			"request_timeout", args.RequestTimeout)
	}
	members, orgs := make([]member, 0, len(all)), map[string]bool{}
	for _, w := range all {
		members = append(members, w.make(c))
	}
	for _, m := range collected(members) {
		delete(byHost, m.plan.Load().org.Host)
		orgs[m.plan.Load().org.String()] = true
	}
	var gone []string
	for host := range byHost {
		c.metrics.Forget(host)
		gone = append(gone, host)
	}
	if len(gone) > 0 { // on purpose, or since the end of a file is missing
		slices.Sort(gone)
		level.Warn(c.logger).Log("msg", "orgs are no longer collected", "orgs", strings.Join(gone, ", "), "left", len(members))
	}
	c.hooks.Configure(hooks)
	c.peers.Store(peers)
	c.exchange.Keep(orgs)
	c.mut.Lock()
	c.args, c.members = &args, members
	c.mut.Unlock()
	c.accept()
	return nil
}

// collected are those that are not wrong.
func collected(members []member) []member {
	return slices.DeleteFunc(slices.Clone(members), func(m member) bool { return m.err != nil })
}

func (c *Component) current() []member {
	c.mut.RLock()
	defer c.mut.RUnlock()
	return c.members
}

// spread is the time over which first polls are spread.
func (c *Component) spread(interval time.Duration) time.Duration {
	return min(interval, time.Duration(len(c.current())-1)*apart)
}

func (c *Component) arguments() *Arguments {
	c.mut.RLock()
	defer c.mut.RUnlock()
	return c.args
}

// LiveDebugging implements component.LiveDebugging.
func (c *Component) LiveDebugging() {}
