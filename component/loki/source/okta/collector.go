package okta

import (
	"net/url"
	"reflect"

	"github.com/go-kit/log"
	"go.uber.org/atomic"

	"github.com/grafana/alloy/okta/internal/poller"
)

// collector has what one org's readings share. It outlives reloads, so that a change for another org does not disturb it. It is safe for
// concurrent use.
type collector struct {
	c       *Component
	logger  log.Logger
	metrics *poller.Metrics
	live    *reading
	of      ofCollector

	plan atomic.Pointer[plan]
}

func newCollector(c *Component, org *url.URL) *collector {
	k := &collector{
		c: c, logger: log.With(c.logger, "org", org.Host), metrics: c.metrics.Of(org.Host), of: newOfCollector(),
	}
	k.live = newReading(k, org, "", k.logger)
	return k
}

// collects reports whether the collector does what args say already.
func (k *collector) collects(args Arguments) bool {
	p := k.plan.Load()
	return p != nil && reflect.DeepEqual(p.args, args)
}

// replace puts another plan in force. It never waits for a poller: a send that is blocked ends with the poller's context.
func (k *collector) replace(p *plan) {
	before := k.plan.Load()
	for _, o := range options {
		o.replace(k, before, p)
	}
	k.plan.Store(p)
	for _, r := range k.wanted() {
		r.replaced()
	}
}

// wanted are the readings of the plan.
func (k *collector) wanted() []*reading {
	all, p := []*reading{k.live}, k.plan.Load()
	for _, o := range options {
		all = o.readings(p, all)
	}
	return all
}
