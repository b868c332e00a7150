package okta

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/grafana/alloy/syntax/alloytypes"

	"github.com/grafana/alloy/okta/internal/oktaapi"
)

// OrgSettings are an org's own; what they leave out is as the component has it.
type OrgSettings struct {
	Labels          map[string]string `alloy:"labels,attr,optional"` // beside the component's
	Filter          string            `alloy:"filter,attr,optional"`
	Query           string            `alloy:"query,attr,optional"`
	RateLimitShare  float64           `alloy:"rate_limit_share,attr,optional"`
	PollInterval    time.Duration     `alloy:"poll_interval,attr,optional"`
	InitialLookback time.Duration     `alloy:"initial_lookback,attr,optional"`
}

// Org is one of several orgs.
type Org struct {
	Name string `alloy:",label"` // for messages; it changes neither entries nor the cursor

	URL           string            `alloy:"url,attr,optional"`
	APIToken      alloytypes.Secret `alloy:"api_token,attr,optional"`
	PrivateKeyJWT *PrivateKeyJWT    `alloy:"private_key_jwt,block,optional"`

	Own OrgSettings `alloy:",squash"`
}

// wanted is an org to collect, or why it cannot be.
type wanted struct {
	name string
	url  *url.URL
	args Arguments // as if the component were for this org alone
	err  error

	had  *collector // that goes on; nil: a new one
	plan *plan      // nil: had goes on as it is
}

// host is "" when the entry is of no use.
func (w wanted) host() string {
	if w.url == nil {
		return ""
	}
	return w.url.Host
}

// prepare finds out what to do about an org of which there may be a collector. It changes nothing else.
func (w *wanted) prepare(had *collector, shared connections, logger log.Logger) {
	if w.err != nil {
		return
	}
	if had != nil && had.plan.Load().org.String() == w.url.String() { // http instead of https is another log as far as the cursor knows
		w.had = had
	}
	if w.had == nil || !had.collects(w.args) {
		w.plan, w.err = newPlan(w.args, shared, log.With(logger, "org", w.url.Host))
	}
}

// make does it.
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
	args.EventHook = nil // one listener for all: what changes there is nothing to an org
	if args.single() {
		u, _, err := oktaapi.ParseOrg(args.URL)
		w := wanted{url: u, args: args, err: err}
		if err == nil {
			w.name = u.Host
		}
		return []wanted{w}
	}
	var all []wanted
	for _, o := range args.OrgBlocks {
		all = append(all, args.only(o, len(all), nil))
	}
	for _, l := range args.Orgs {
		all = append(all, args.only(l.org, len(all), l.err))
	}
	return unique(all)
}

// unique gives the second and later tokens of an org to its first entry, which tries them in turn: Logz.io's shipper takes an org with two
// keys twice. What else repeats an org, or the name of another, is wrong.
func unique(all []wanted) (kept []wanted) {
	names, hosts := map[string]bool{}, map[string]int{}
	for _, w := range all {
		if w.err == nil {
			if i, ok := hosts[w.url.Host]; ok {
				first := &kept[i]
				if first.takes(w) {
					continue
				}
				w.err = fmt.Errorf("%s is collected as %q already: an org may be listed once", w.url.Host, first.name)
			}
		}
		if w.err == nil && names[w.name] {
			w.err = fmt.Errorf("the name %q is that of an org before it: give each a name of its own", w.name)
		}
		if w.err == nil {
			hosts[w.url.Host], names[w.name] = len(kept), true
		}
		kept = append(kept, w)
	}
	return kept
}

// takes adds the token of a later entry of the org, unless that asks for something else, too.
func (w *wanted) takes(later wanted) bool {
	if w.args.APIToken == "" || later.args.APIToken == "" {
		return false
	}
	same := later.args
	same.URL, same.APIToken, same.moreTokens = w.args.URL, w.args.APIToken, w.args.moreTokens
	if !reflect.DeepEqual(same, w.args) || *later.url != *w.url {
		return false
	}
	w.args.moreTokens = append(slices.Clip(w.args.moreTokens), string(later.args.APIToken))
	return true
}

// OrgErrors returns what is wrong with single ones of several orgs. A component runs all the same, without them; nil: nothing is.
func (args *Arguments) OrgErrors() error {
	var all []error
	for _, w := range args.orgs() {
		if w.err != nil {
			all = append(all, fmt.Errorf("org %q: %w", w.name, w.err))
		}
	}
	return errors.Join(all...)
}

// single reports whether the arguments are for one org, named by url.
func (args *Arguments) single() bool { return args.URL != "" || !args.several() }

func (args *Arguments) several() bool { return args.Orgs != nil || len(args.OrgBlocks) > 0 }

// only returns the arguments for one org of several, the i-th.
func (args Arguments) only(o Org, i int, err error) wanted {
	u, _, urlErr := oktaapi.ParseOrg(o.URL)
	w := wanted{name: strings.ToValidUTF8(o.Name, "\uFFFD"), url: u, err: cmp.Or(err, wrap("url", urlErr))}
	switch {
	case w.name == "" && urlErr == nil:
		w.name = u.Host
	case w.name == "":
		w.name = fmt.Sprintf("number %d", i+1)
	}
	if w.err != nil {
		return w
	}
	args.URL, args.APIToken, args.PrivateKeyJWT = o.URL, o.APIToken, o.PrivateKeyJWT
	args.Orgs, args.OrgBlocks = nil, nil
	args.Filter, args.Query = cmp.Or(o.Own.Filter, args.Filter), cmp.Or(o.Own.Query, args.Query)
	args.RateLimitShare = cmp.Or(o.Own.RateLimitShare, args.RateLimitShare)
	args.PollInterval = cmp.Or(o.Own.PollInterval, args.PollInterval)
	args.InitialLookback = cmp.Or(o.Own.InitialLookback, args.InitialLookback)
	if len(o.Own.Labels) > 0 {
		args.Labels = withLabels(args.Labels, o.Own.Labels)
	}
	w.args = args
	w.err = args.validateOrg()
	return w
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
