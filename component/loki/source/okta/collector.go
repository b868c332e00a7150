package okta

import (
	"net/url"
	"reflect"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"go.uber.org/atomic"

	"github.com/grafana/alloy/okta/internal/poller"
)

// collector has what one org's readings share. It outlives reloads, so that what changes for another org is nothing to it. It is safe for
// concurrent use.
type collector struct {
	c       *Component
	logger  log.Logger
	metrics *poller.Metrics
	wakes   *poller.Wakes
	live    *reading

	plan atomic.Pointer[plan]
}

func newCollector(c *Component, org *url.URL) *collector {
	k := &collector{
		c: c, logger: log.With(c.logger, "org", org.Host), metrics: c.metrics.Of(org.Host), wakes: poller.NewWakes(),
	}
	k.live = newReading(k, "", c.exchange.Seat(org.String(), k.secret), k.logger)
	return k
}

// collects reports whether the collector does what args say already.
func (k *collector) collects(args Arguments) bool {
	p := k.plan.Load()
	return p != nil && reflect.DeepEqual(p.args, args)
}

// replace sets what to do from now on. It never waits for a poller: a send that may be blocked ends with the poller's context.
func (k *collector) replace(p *plan) {
	before := k.plan.Load()
	if len(p.fills) > 0 && p.confirm == nil {
		level.Warn(k.logger).Log("msg", "a back-fill without reconcile delivers what Loki has already, too")
	}
	for _, f := range p.fills {
		f.follow(before.fill(f.id()), k, p)
		if f.refused != nil {
			level.Error(k.logger).Log("msg", "a backfill is not read", "err", f.refused)
		}
	}
	k.plan.Store(p)
	k.live.replaced()
	for _, f := range p.fills {
		f.reading.replaced()
	}
}

// wanted are the readings of the plan: the live one, and ranges up to the first that is not done, for they are read one after another.
func (k *collector) wanted() (all []*reading) {
	p := k.plan.Load()
	if !p.args.rangeOnly {
		all = append(all, k.live)
	}
	for _, f := range p.fills {
		if f.refused != nil {
			continue
		}
		all = append(all, f.reading)
		if !f.reading.snapshot().Finished {
			break
		}
	}
	return all
}
