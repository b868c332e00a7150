// option: orgs

package okta

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/grafana/alloy/syntax/alloytypes"

	"github.com/grafana/alloy/okta/internal/oktaapi"
)

// OrgSettings are an org's own; for what they leave out, the component's are used.
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

	Context *Context `alloy:"context,block,optional"` // option: context

	Own OrgSettings `alloy:",squash"`
}

// many is the option: a component reads several orgs.
type many struct{ idle }

func (many) validate(args *Arguments, org string) error {
	switch several := args.Options.several(); {
	case org != "":
	case args.URL == "" && !several:
		return fmt.Errorf("neither url nor org or orgs is set: url names one org, such as %q; org blocks or a list in orgs name several",
			"https://acme.okta.com")
	case args.URL != "" && several:
		return errors.New("url is set beside org or orgs: url is for one org, make it one of the others")
	case several && (args.APIToken != "" || args.PrivateKeyJWT != nil):
		return errors.New("api_token or private_key_jwt is set beside org or orgs: each org has its own")
	}
	return nil
}

func (many) wanted(c *Component, all []wanted) ([]wanted, error) {
	if had := c.current(); len(all) == 0 && len(had) > 0 {
		return nil, fmt.Errorf("orgs became empty, as it does when its file was cut off: the %d before are collected as they were; "+
			"to collect none, remove the component", len(had))
	}
	return all, nil
}

// listed are the orgs of blocks and list, in their order.
func (args Arguments) listed() []wanted {
	var all []wanted
	for _, o := range args.Options.OrgBlocks {
		all = append(all, args.only(o, len(all), nil))
	}
	for _, l := range args.Options.Orgs {
		all = append(all, args.only(l.org, len(all), l.err))
	}
	return unique(all)
}

// unique joins entries that differ in the token only: the first one gets all tokens, and tries them in turn. In a list for Logz.io's
// shipper, an org with two keys stands twice. Any other entry that repeats an org, or the name of another one, is an error.
func unique(all []wanted) (kept []wanted) {
	names, hosts := map[string]bool{}, map[string]int{}
	for _, w := range all {
		if w.err == nil {
			i, again := hosts[w.url.Host]
			switch {
			case again && kept[i].takes(w):
				continue
			case again:
				w.err = fmt.Errorf("%s is collected as %q already: an org may be listed once", w.url.Host, kept[i].name)
			case names[w.name]:
				w.err = fmt.Errorf("the name %q is that of an org before it: give each a name of its own", w.name)
			default:
				hosts[w.url.Host], names[w.name] = len(kept), true
			}
		}
		kept = append(kept, w)
	}
	return kept
}

// takes adds the token of a later entry of the org, unless that differs in more than the token.
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

// OrgErrors returns what is wrong with some of several orgs, without which a component runs all the same; nil: nothing is.
func (args *Arguments) OrgErrors() error {
	var all []error
	for _, w := range args.orgs() {
		if w.err != nil {
			all = append(all, fmt.Errorf("org %q: %w", w.name, w.err))
		}
	}
	return errors.Join(all...)
}

// only returns the arguments for one org of several, the i-th.
func (args Arguments) only(o Org, i int, err error) wanted {
	u, _, urlErr := oktaapi.ParseOrg(o.URL)
	w := wanted{url: u, err: cmp.Or(err, wrap("url", urlErr))}
	w.name = cmp.Or(strings.ToValidUTF8(o.Name, "\uFFFD"), w.host(), fmt.Sprintf("number %d", i+1))
	if w.err != nil {
		return w
	}
	args.URL, args.APIToken, args.PrivateKeyJWT = o.URL, o.APIToken, o.PrivateKeyJWT
	args.Options.Context = cmp.Or(o.Context, args.Options.Context) // option: context
	args.Options.Orgs, args.Options.OrgBlocks = nil, nil
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
