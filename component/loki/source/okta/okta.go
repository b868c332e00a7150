// Package okta implements the loki.source.okta component: it reads the System Log
// of an Okta org and forwards each event as a log entry.
//
// The package is thin. It turns arguments into a poller, keeps one poller running,
// and shows its state to Alloy. What is Okta-shaped lives in internal/oktaapi (requests),
// internal/event (entries), internal/poller (the loop) and internal/checkpoint (the
// cursor).
package okta

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/go-kit/log"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/internal/featuregate"
	"github.com/grafana/alloy/internal/slogadapter"

	"github.com/grafana/alloy/okta/internal/oktaapi"
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

// budgets are shared by all components of the process: those on one org spend from
// one budget.
var budgets oktaapi.Budgets

// memories are what the process knows of each org's log. They outlive components, so that
// one that is renamed, or removed and returned, neither repeats nor skips.
var memories poller.Memories

// Component implements loki.source.okta.
type Component struct {
	opts      component.Options
	logger    log.Logger // what Alloy gives, for packages that log through go-kit
	metrics   *poller.Metrics
	live      liveDebugging
	status    poller.Status
	partly    partly
	sendingTo atomic.Int32 // index in forward_to

	updated chan struct{} // holds a token when job was replaced

	mut sync.RWMutex
	job *job
}

var (
	_ component.Component       = (*Component)(nil)
	_ component.HealthComponent = (*Component)(nil)
	_ component.DebugComponent  = (*Component)(nil)
	_ component.LiveDebugging   = (*Component)(nil)
)

// New returns a component. It reads the files that args name, and does no network.
func New(opts component.Options, args Arguments) (*Component, error) {
	c := &Component{
		opts:    opts,
		logger:  slogadapter.GoKit(opts.Logger.Handler()),
		live:    newLiveDebugging(opts),
		updated: make(chan struct{}, 1),
	}
	if err := c.Update(args); err != nil {
		return nil, err
	}
	// Registered last: a component that could not be built must leave no metric behind.
	c.metrics = poller.NewMetrics(opts.Registerer)
	if opts.Registerer != nil {
		opts.Registerer.MustRegister(&stateCollector{c})
	}
	return c, nil
}

// Run keeps a poller running until ctx ends, and replaces it when the arguments
// change. It may be called again after it returned.
func (c *Component) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		select { // an Update before this point is already in job
		case <-c.updated:
		default:
		}
		c.poll(ctx)
	}
	return nil
}

// poll runs one poller until ctx ends or the arguments change. It waits for the
// poller, so that two never run at once.
func (c *Component) poll(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	j := c.current()
	memory := memories.Take(j.owner(c.opts.DataPath))
	defer memories.Release(memory)
	p := j.poller(c, memory)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = p.Run(ctx) // the context's error, always
	}()
	select {
	case <-ctx.Done():
	case <-c.updated:
	}
	cancel()
	<-done
}

// Update implements component.Component. It never waits for the poller: the send
// that may be blocked ends with the poller's context.
func (c *Component) Update(args component.Arguments) error {
	j, err := newJob(args.(Arguments), c)
	if err != nil {
		return fmt.Errorf("configuring loki.source.okta: %w", err)
	}
	c.mut.Lock()
	c.job = j
	c.mut.Unlock()
	select {
	case c.updated <- struct{}{}:
	default:
	}
	return nil
}

// snapshot is the poller's state, with the name of the receiver that takes an entry.
func (c *Component) snapshot() (*job, poller.Snapshot) {
	j, s := c.current(), c.status.Snapshot()
	s.Receiver = sink{receivers: j.args.ForwardTo, current: &c.sendingTo}.receiver()
	return j, s
}

func (c *Component) current() *job {
	c.mut.RLock()
	defer c.mut.RUnlock()
	return c.job
}

// LiveDebugging implements component.LiveDebugging.
func (c *Component) LiveDebugging() {}
