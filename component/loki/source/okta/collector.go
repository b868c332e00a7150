package okta

import (
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"go.uber.org/atomic"

	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/poller"
)

// wanted is an org to collect, or why it cannot be.
type wanted struct {
	name string
	url  *url.URL
	args Arguments // as if the component were for this org alone
	err  error

	had  *collector // the collector that goes on; nil: a new one is made
	plan *plan      // nil: had goes on as it is
}

// host is "" when the entry cannot be used.
func (w wanted) host() string {
	if w.url == nil {
		return ""
	}
	return w.url.Host
}

// prepare decides whether the org's collector, had, goes on, and makes a plan if it needs another one. It changes only w.
func (w *wanted) prepare(had *collector, shared connections, logger log.Logger) {
	if w.err != nil {
		return
	}
	if had != nil && had.org.String() == w.url.String() { // with http instead of https, the cursor is another one
		w.had = had
	}
	if w.had == nil || !reflect.DeepEqual(had.plan.Load().args, w.args) {
		w.plan, w.err = newPlan(w.args, shared, log.With(logger, "org", w.url.Host))
	}
}

// make does what was prepared. It cannot fail.
func (w *wanted) make(c *Component) member {
	if w.err != nil {
		level.Error(c.logger).Log("msg", "an org is not collected", "name", w.name, "err", w.err)
		return member{name: w.name, err: w.err, since: time.Now()}
	}
	k := w.had
	if k == nil {
		k = newCollector(c, w.url)
	}
	if w.plan != nil {
		if more := len(w.args.moreTokens); more > 0 {
			level.Warn(c.logger).Log("msg", "an org is listed more than once, its tokens are tried in turn", "org", w.url.Host,
				"tokens", 1+more)
		}
		k.replace(w.plan)
	}
	return member{name: w.name, collector: k}
}

// orgs are all that the arguments ask for, in their order.
func (args Arguments) orgs() []wanted {
	args.Options.ofOneOrg()
	if !args.single() {
		return args.list()
	}
	u, _, err := oktaapi.ParseOrg(args.URL)
	w := wanted{url: u, args: args, err: err}
	w.name = w.host()
	return []wanted{w}
}

// single reports whether the arguments are for one org, named by url.
func (args *Arguments) single() bool { return args.URL != "" || !args.Options.several() }

// collector has what one org's readings share. It outlives reloads, so that a change for another org does not disturb it. It is safe for
// concurrent use.
type collector struct {
	c       *Component
	org     *url.URL
	logger  log.Logger
	metrics *poller.Metrics
	live    *reading
	of      ofCollector

	plan atomic.Pointer[plan]
}

func newCollector(c *Component, org *url.URL) *collector {
	k := &collector{
		c: c, org: org, logger: log.With(c.logger, "org", org.Host), metrics: c.metrics.Of(org.Host), of: newOfCollector(),
	}
	k.live = newReading(k, "", k.logger)
	return k
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

// withLabels returns labels and more, which win.
func withLabels(labels, more map[string]string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, labels)
	maps.Copy(all, more)
	return all
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
