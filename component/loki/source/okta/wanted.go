package okta

import (
	"fmt"
	"maps"
	"net/url"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/grafana/alloy/okta/internal/oktaapi"
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
	if had != nil && had.plan.Load().org.String() == w.url.String() { // with http instead of https, the cursor is another one
		w.had = had
	}
	if w.had == nil || !had.collects(w.args) {
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
	if err == nil {
		w.name = u.Host
	}
	return []wanted{w}
}

// single reports whether the arguments are for one org, named by url.
func (args *Arguments) single() bool { return args.URL != "" || !args.Options.several() }

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
