// option: commands needs reconcile

package okta

import (
	"net/http"
	"net/url"

	"github.com/go-kit/log"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/reconcile"
	"github.com/grafana/alloy/okta/internal/roles"
)

// Resolved is what arguments amount to for one org: the parts that a component would read it with, for commands that look at an org without
// a component. None of them was used yet.
type Resolved struct {
	Name string
	Err  error // why the org is not collected; nil: everything below is set

	Args       Arguments // as if the component were for this org alone
	URL        *url.URL
	HTTP       *http.Client // for the log and the token endpoint
	Credential oktaapi.Authorizer
	Formatter  *event.Formatter
	Scope      checkpoint.Scope
	Loki       *reconcile.Loki        // nil: there is no reconcile block
	Roles      *roles.Ask             // option: context. nil: there is no block context with roles
	Remedy     func(err error) string // option: context. Of an error of Roles
	Actors     ResolvedActors         // option: context
	Selector   string                 // of the org's entries, "" without reconcile
}

// Resolve returns what the arguments amount to, for each org, in their order. It reads the files that arguments name, and uses no network.
// An error concerns all orgs.
func (args Arguments) Resolve(logger log.Logger) ([]Resolved, error) {
	shared, err := args.connections()
	if err != nil {
		return nil, err
	}
	var all []Resolved
	for _, w := range args.orgs() {
		w.prepare(nil, shared, logger)
		r := Resolved{Name: w.name, Err: w.err, URL: w.url, Args: w.args}
		if w.err == nil {
			p := w.plan
			r.URL, r.HTTP, r.Credential, r.Formatter, r.Scope = p.org, p.http, p.auth, p.formatter, p.scope
			r.Loki = p.of.loki
			r.Roles, r.Remedy = p.of.identity.forCommands() // option: context
			r.Actors = p.of.actors.forCommands()            // option: context
			r.Selector = p.args.selector(p.org.Host)
		}
		all = append(all, r)
	}
	return all, nil
}

// Connection returns Loki's base URL and the client that reaches it.
func (r *Reconcile) Connection() (*url.URL, *http.Client, error) {
	u, err := r.address()
	if err != nil {
		return nil, nil, err
	}
	hc, err := r.httpClient()
	return u, hc, err
}
