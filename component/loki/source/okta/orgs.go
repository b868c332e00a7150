package okta

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"time"

	"github.com/grafana/alloy/syntax/alloytypes"
	"github.com/grafana/alloy/syntax/ast"
	"github.com/grafana/alloy/syntax/diag"
	"github.com/grafana/alloy/syntax/parser"
	"github.com/grafana/alloy/syntax/vm"

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

// listed is an entry of orgs: an [Org] as an object, and the names that Logz.io's shipper has for its address and token.
type listed struct {
	Name          string            `alloy:"name,attr,optional"`
	URL           string            `alloy:"url,attr,optional"`
	Domain        string            `alloy:"okta_domain,attr,optional"`
	APIToken      alloytypes.Secret `alloy:"api_token,attr,optional"`
	APIKey        alloytypes.Secret `alloy:"okta_api_key,attr,optional"`
	PrivateKeyJWT *PrivateKeyJWT    `alloy:"private_key_jwt,attr,optional"`

	Own OrgSettings `alloy:",squash"`
}

// ListedOrg is an entry of orgs, or why it is none. It is a capsule for two reasons: an entry that cannot be decoded must not take
// the others with it, and a token that came from a file as plain text must not be shown with the component's arguments.
type ListedOrg struct {
	org Org
	err error
}

// AlloyCapsule marks ListedOrg as a capsule of the Alloy syntax.
func (ListedOrg) AlloyCapsule() {}

// String is what the UI shows.
func (l ListedOrg) String() string {
	return cmp.Or(l.org.Name, l.org.URL, "an entry without name and url")
}

// entryExpr decodes an entry with Alloy's own rules. Its errors name members and types, never values.
var entryExpr = func() ast.Expr {
	expr, err := parser.ParseExpression("org")
	if err != nil {
		panic(err)
	}
	return expr
}()

// ConvertFrom implements syntax.ConvertibleFromCapsule. It never fails: see ListedOrg.
func (l *ListedOrg) ConvertFrom(src any) error {
	scope := func() *vm.Scope { return vm.NewScope(map[string]any{"org": src}) }
	var entry listed
	if err := vm.New(entryExpr).Evaluate(scope(), &entry); err != nil {
		l.err = decodeError(err)
		var names map[string]any
		if vm.New(entryExpr).Evaluate(scope(), &names) == nil {
			text := func(name string) string { s, _ := names[name].(string); return s }
			l.org.Name, l.org.URL = text("name"), cmp.Or(text("url"), text("okta_domain"))
		}
		return nil
	}
	l.org = Org{
		Name: entry.Name, URL: cmp.Or(entry.URL, entry.Domain), APIToken: cmp.Or(entry.APIToken, entry.APIKey),
		PrivateKeyJWT: entry.PrivateKeyJWT, Own: entry.Own,
	}
	switch {
	case entry.URL != "" && entry.Domain != "":
		l.err = errors.New("url and okta_domain are both set: they are two names of one setting")
	case entry.APIToken != "" && entry.APIKey != "":
		l.err = errors.New("api_token and okta_api_key are both set: they are two names of one setting")
	}
	return nil
}

// decodeError takes out what speaks of our expression.
func decodeError(err error) error {
	var all diag.Diagnostics
	if !errors.As(err, &all) || len(all) == 0 {
		return err
	}
	text := strings.TrimSpace(strings.ReplaceAll(all[0].Message, "should be capsule", "should be string"))
	return errors.New(strings.TrimPrefix(strings.TrimPrefix(text, "org."), "org "))
}

// wanted is an org to collect, or why it cannot be.
type wanted struct {
	name string
	url  *url.URL
	args Arguments // as if the component were for this org alone
	err  error
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
	names, hosts := map[string]bool{}, map[string]string{}
	for i := range all {
		w := &all[i]
		if w.err == nil && names[w.name] {
			w.err = fmt.Errorf("the name %q is that of an org before it: give each a name of its own", w.name)
		}
		names[w.name] = true
		if w.err != nil {
			continue
		}
		if first, ok := hosts[w.url.Host]; ok {
			w.err = fmt.Errorf("%s is collected as %q already: an org may be listed once", w.url.Host, first)
			continue
		}
		hosts[w.url.Host] = w.name
	}
	return all
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
