// Package okta implements the loki.source.okta component: it reads the System Log of Okta orgs and forwards each event as a log entry.
//
// It has a core, which reads the org that url names, and options, without each of which it compiles: option.go says how they meet.
//
// The package is thin. It turns arguments into one collector for each org, keeps them running, and shows their state to Alloy. What is
// Okta-shaped lives in internal/oktaapi (requests), internal/event (entries), internal/poller (the loop) and internal/checkpoint (the
// cursor).
package okta

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/atomic"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/internal/featuregate"
	"github.com/grafana/alloy/internal/slogadapter"

	"github.com/grafana/alloy/okta/component/loki/source/internal/registration"
	"github.com/grafana/alloy/okta/internal/poller"
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

// apart is the average time between the first polls of orgs that start together.
const apart = 20 * time.Millisecond

// Component implements loki.source.okta.
type Component struct {
	opts       component.Options
	alloy      string     // which of the process's Alloys it belongs to
	logger     log.Logger // what Alloy gives, for packages that log through go-kit
	metrics    *poller.MetricsByOrg
	collectors []prometheus.Collector // all that Alloy gets
	live       liveDebugging
	troubles   poller.Troubles

	held   atomic.Pointer[held] // the data path, by another process; nil: it is not
	writes atomic.Bool          // the data path is this process's
	of     ofComponent

	configured atomic.Pointer[configuration]
	updated    chan struct{} // holds a token when configured was replaced, or a range is done
}

// configuration is what the last update asked for. It is never changed, only replaced.
type configuration struct {
	args    *Arguments // nil before the first update, as members are
	members []member
}

// member is one of the orgs that the arguments ask for: it has a collector, or an error that says why not.
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
)

// New returns a component. It reads the files that args name, and uses no network.
func New(opts component.Options, args Arguments) (*Component, error) {
	c := &Component{
		opts:    opts,
		alloy:   alloyOf(opts),
		logger:  slogadapter.GoKit(opts.Logger.Handler()),
		live:    newLiveDebugging(opts),
		metrics: poller.NewMetricsByOrg(),
		updated: make(chan struct{}, 1),
	}
	c.configured.Store(&configuration{})
	c.collectors = []prometheus.Collector{c.metrics, &stateCollector{c}}
	for _, o := range options {
		if err := o.build(c); err != nil {
			return nil, err
		}
	}
	if err := c.Update(args); err != nil {
		return nil, err
	}
	// Registered last: a component that could not be built must leave no metric behind.
	if err := registration.Register(opts.Registerer, c.collectors...); err != nil {
		return nil, fmt.Errorf("building loki.source.okta: %w", err)
	}
	c.built()
	return c, nil
}

// Run keeps the readings of all orgs running until ctx ends, and starts and stops them when the arguments change. It may be called again
// after it returned.
func (c *Component) Run(ctx context.Context) error {
	at := crew{}
	var beside sync.WaitGroup
	defer beside.Wait()
	for _, o := range options {
		beside.Go(func() { o.run(ctx, c) })
	}
	defer c.hold(ctx)()
	for {
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

// Update implements component.Component. It never waits for a poller. Of several orgs, it takes those that can be collected, whatever is
// wrong with others; what is wrong with the single org of url is an error.
func (c *Component) Update(args component.Arguments) error {
	err := c.update(args.(Arguments))
	if err == nil {
		signal(c.updated)
	}
	return wrap("configuring loki.source.okta", err)
}

// asked are the orgs that an update asks for.
func (c *Component) asked(args *Arguments) (all []wanted, err error) {
	for _, o := range options {
		if err = o.arguments(c, args); err != nil {
			return nil, err
		}
	}
	all = args.orgs()
	for _, o := range options {
		if all, err = o.wanted(c, all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// update does all that the arguments want, or nothing.
func (c *Component) update(args Arguments) error {
	had := c.current()
	all, err := c.asked(&args)
	if err != nil {
		return err
	}
	shared, err := args.connections()
	if err != nil {
		return err
	}
	byHost := map[string]*collector{}
	for _, m := range collected(had) {
		byHost[m.org.Host] = m.collector
	}
	for i := range all {
		w := &all[i]
		if w.prepare(byHost[w.host()], shared, c.logger); w.err != nil && args.single() {
			return w.err
		}
	}
	var last []func()
	for _, o := range options {
		do, err := o.update(c, &args, all)
		if err != nil {
			return err
		}
		if do != nil {
			last = append(last, do)
		}
	}

	// From here on nothing can fail.
	if args.RequestTimeout < oktaQueryTimeout {
		level.Warn(c.logger).Log("msg", "request_timeout is below the 30s in which Okta may still answer a query",
			"request_timeout", args.RequestTimeout)
	}
	members := make([]member, 0, len(all))
	for _, w := range all {
		members = append(members, w.make(c))
	}
	for _, m := range collected(members) {
		delete(byHost, m.org.Host)
	}
	gone := slices.Sorted(maps.Keys(byHost))
	for _, host := range gone {
		c.metrics.Forget(host)
	}
	if len(gone) > 0 { // on purpose, or because the end of a file is missing
		level.Warn(c.logger).Log("msg", "orgs are no longer collected", "orgs", strings.Join(gone, ", "), "left", len(members))
	}
	c.configured.Store(&configuration{&args, members})
	for _, do := range last {
		do()
	}
	c.accepted()
	return nil
}

// collected returns the members that have a collector.
func collected(members []member) []member {
	return slices.DeleteFunc(slices.Clone(members), func(m member) bool { return m.err != nil })
}

func (c *Component) current() []member { return c.configured.Load().members }

func (c *Component) arguments() *Arguments { return c.configured.Load().args }

// LiveDebugging implements component.LiveDebugging.
func (c *Component) LiveDebugging() {}
