// option: context

package okta

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/grafana/alloy/internal/component/common/relabel"
	"github.com/grafana/alloy/syntax/alloytypes"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktaapi/auth"
	"github.com/grafana/alloy/okta/internal/poller"
	"github.com/grafana/alloy/okta/internal/roles"
)

// Context is what entries have in addition to their event: which administrators' roles its parties hold. No event waits for it or fails
// because of it.
type Context struct {
	Roles   bool          `alloy:"roles,attr,optional"`
	Refresh time.Duration `alloy:"refresh,attr,optional"`

	// Credentials of its own; without them, the org's are used.
	APIToken      alloytypes.Secret `alloy:"api_token,attr,optional"`
	PrivateKeyJWT *PrivateKeyJWT    `alloy:"private_key_jwt,block,optional"`
}

// SetToDefault implements syntax.Defaulter.
func (c *Context) SetToDefault() { *c = Context{Refresh: roles.DefaultRefresh} }

// Validate implements syntax.Validator. What is wrong with credentials is found with their org.
func (c *Context) Validate() error {
	switch {
	case c.Refresh < roles.MinRefresh || c.Refresh > roles.MaxRefresh:
		return fmt.Errorf("context: refresh is %s: it must be between %s and %s", c.Refresh, roles.MinRefresh, roles.MaxRefresh)
	case c.APIToken != "" && c.PrivateKeyJWT != nil:
		return errors.New("context: api_token and private_key_jwt are both set: at most one of them is allowed")
	}
	return nil
}

// wanted reports whether the block asks for anything.
func (c *Context) wanted() bool { return c != nil && c.Roles }

// hasCredentials reports whether roles are asked for with other credentials than the log.
func (c *Context) hasCredentials() bool {
	return c != nil && (c.APIToken != "" || c.PrivateKeyJWT != nil)
}

// credentials are the arguments with which roles are asked for. A service app gets a second access token for them, as a request for a scope
// that was not granted fails as a whole, and must not fail for the log.
func (args Arguments) credentials() Arguments {
	switch c := args.Options.Context; {
	case c.APIToken != "":
		args.APIToken, args.PrivateKeyJWT, args.moreTokens = c.APIToken, nil, nil
	case c.PrivateKeyJWT != nil:
		args.APIToken, args.PrivateKeyJWT, args.moreTokens = "", c.PrivateKeyJWT, nil
	}
	if args.PrivateKeyJWT != nil {
		own := *args.PrivateKeyJWT
		if args.PrivateKeyJWT != args.Options.Context.PrivateKeyJWT || slices.Equal(own.Scopes, []string{auth.DefaultScope}) {
			own.Scopes = roles.Scopes()
		}
		args.PrivateKeyJWT = &own
	}
	return args
}

// identified is the option: entries say which administrators' roles the parties of their events hold.
type identified struct{ idle }

func (identified) validate(args *Arguments, host string) error {
	c := args.Options.Context
	switch {
	case host == "" && args.Options.several() && c.hasCredentials():
		return errors.New("context: api_token or private_key_jwt is set beside org or orgs: each org would be sent it; " +
			"set it, with roles, in the context of the org that it is for")
	case !c.wanted():
		return nil
	}
	if err := keepsAll(args.RelabelRules); err != nil || host == "" {
		return wrap("context", err)
	}
	org, _, err := oktaapi.ParseOrg(args.URL)
	if err != nil {
		return err
	}
	if err := c.Validate(); err != nil { // Alloy does not call it for an entry of orgs
		return err
	}
	with := args.credentials()
	if with.PrivateKeyJWT != nil {
		return wrap("context: private_key_jwt", with.PrivateKeyJWT.options(org).Validate())
	}
	_, err = auth.NewSSWS(string(with.APIToken))
	return wrap("context", err)
}

// keepsAll refuses rules that keep or drop entries by roles, or by labels that earlier rules make of roles: roles may be unknown at any
// time, and which events get through must not depend on that.
func keepsAll(rules relabel.Rules) error {
	of := map[string]string{} // the labels that depend on roles, and what each is made of
	for _, name := range event.ContextLabels() {
		of[name] = name
	}
	for i, rule := range rules {
		read := slices.Clone(rule.SourceLabels)
		switch rule.Action {
		case relabel.KeepEqual, relabel.DropEqual:
			read = append(read, rule.TargetLabel)
		case relabel.LabelMap:
			for _, name := range slices.Sorted(maps.Keys(of)) {
				if rule.Regex.Regexp != nil && rule.Regex.MatchString(name) {
					of[rule.Regex.ReplaceAllString(name, rule.Replacement)] = of[name]
				}
			}
			continue
		}
		for _, name := range read {
			role, depends := of[name]
			switch {
			case !depends:
				continue
			case rule.Action == relabel.Keep, rule.Action == relabel.Drop, rule.Action == relabel.KeepEqual, rule.Action == relabel.DropEqual:
				return fmt.Errorf("relabel_rules: rule %d has the action %q and reads %s, which depends on %s: events would be lost while "+
					"roles are not known; allowed are rules that make labels of roles", i+1, rule.Action, name, role)
			}
			of[rule.TargetLabel] = role
		}
	}
	return nil
}

// identity is how an org's roles are learned.
type identity struct {
	auth    oktaapi.Authorizer
	ask     *roles.Ask
	refresh time.Duration
	table   *roles.Table // the org's, for as long as it is read here with roles
}

// plan uses no network.
func (identified) plan(p *plan, _ connections) error {
	if !p.args.Options.Context.wanted() {
		return nil
	}
	with := p.args.credentials()
	a, err := with.authorizer(p.org, p.http)
	if err != nil {
		return fmt.Errorf("context: %w", err)
	}
	ask := roles.NewAsk(oktaapi.Config{Org: p.org, Auth: a, HTTP: p.http, Timeout: p.args.RequestTimeout, UserAgent: userAgent},
		func(bucket string) *oktaapi.Budget { return budgets.For(p.org.Host + " " + bucket) })
	p.of.identity = &identity{auth: a, ask: ask, refresh: p.args.Options.Context.Refresh, table: roles.NewTable()}
	return nil
}

// replace keeps the table. After a plan without roles there is none, as no table was shown what passed by.
func (identified) replace(_ *collector, before, p *plan) {
	if before != nil && before.of.identity != nil && p.of.identity != nil {
		p.of.identity.table = before.of.identity.table
	}
}

// left forgets roles, as another node may be shown what passes by from now on.
func (identified) left(r *reading) {
	if i := r.k.plan.Load().of.identity; i != nil && r.isLive() {
		i.table.Forget()
	}
}

// configure gives the live log roles, and what keeps them. Ranges say nothing of roles: today's are not what was held when their events
// happened.
func (identified) configure(r *reading, p *plan, _ *oktaapi.Config, cfg *poller.Config) bool {
	if r.name != "" {
		return true
	}
	cfg.Beside = r.keepRoles(p)
	if i := p.of.identity; i != nil {
		cfg.Format = func(ev event.Event, now time.Time) event.Entry {
			return p.formatter.EntryIn(i.table.Of(&ev, now), ev, now)
		}
		cfg.Pass = func(ev event.Event, now time.Time) { i.table.Pass(&ev, now) }
	}
	return true
}

// keepRoles returns what keeps the table of roles beside a poller of the live log.
func (r *reading) keepRoles(p *plan) func(ctx context.Context) {
	wrong := poller.NewReporter(poller.Roles, &r.status, r.logger)
	i := p.of.identity
	if i == nil {
		return func(context.Context) { wrong.Clear() } // left by the previous configuration
	}
	keeper := roles.New(roles.Config{
		Org: p.scope.Org, Table: i.table, Ask: i.ask, Refresh: i.refresh, Trouble: roleTrouble{wrong, i},
		Orgs: len(r.k.c.current()),
	})
	return keeper.Run
}

// roleTrouble puts what is wrong with roles into the record that has all troubles.
type roleTrouble struct {
	*poller.Reporter
	of *identity
}

// Fail implements roles.Trouble.
func (t roleTrouble) Fail(scope string, err error) {
	kind := ""
	if scope == roles.ScopeGroups {
		kind = poller.GroupRoles
	}
	t.Reporter.Fail(kind, t.of.explain(err))
}

// explain adds to an error what to look at. When no scope was granted, it names those that roles need.
func (i *identity) explain(err error) error {
	if refused, ok := errors.AsType[*auth.Error](err); ok && refused.Code == "consent_required" {
		own := *refused
		own.Remedy = i.remedy(&oktaapi.Error{Status: http.StatusForbidden})
		return &oktaapi.Error{Class: oktaapi.Refused, Err: &own}
	}
	if remedy := i.remedy(err); remedy != "" {
		return fmt.Errorf("%w: %s", err, remedy)
	}
	return err
}

// remedy says what to look at after a request about roles failed; "": the error says so itself.
func (i *identity) remedy(err error) string {
	e, ok := errors.AsType[*oktaapi.Error](err)
	switch method := i.auth.Method(); {
	case !ok || e.Foreign || e.Status != http.StatusForbidden:
		return auth.Remedy(method, err)
	case strings.HasPrefix(method, "private_key_jwt"):
		return fmt.Sprintf("grant the app that context uses the scopes %s and %s, and an admin role with the permissions okta.iam.read and "+
			"okta.groups.read", roles.ScopeRoles, roles.ScopeGroups)
	}
	return "the admin who created the api_token that context uses may not view roles and groups: give it a role with the permissions " +
		"okta.iam.read and okta.groups.read"
}

// verdict is what health says of roles. Events are delivered in any case.
func (identified) verdict(k *collector, now time.Time) (v condition, ok bool) {
	p, s := k.plan.Load(), k.live.snapshot()
	t := s.Wrong[poller.Roles]
	if p.of.identity == nil || !t.Lasts() {
		return v, false
	}
	v = condition{since: t.Since, reads: true}
	switch {
	case t.Kind == poller.GroupRoles:
		v.message = fmt.Sprintf("members of groups with roles are not known since %s: %v", clock(t.Since), t.Err)
	case t.Refused:
		v.message = fmt.Sprintf("who holds administrators' roles is not known since %s; events go on, without actor_roles: %v",
			clock(t.Since), t.Err)
		v.unhealthy = true
	case now.Sub(t.Since) < max(outageGrace, 3*p.args.PollInterval):
		return v, false
	default:
		v.message = fmt.Sprintf("roles could not be refreshed since %s; events go on, with what is known or without: %v", clock(t.Since), t.Err)
		v.unhealthy = true
	}
	return v, true
}

// forCommands is how roles are asked for, and what to look at after an error.
func (i *identity) forCommands() (*roles.Ask, func(error) string) {
	if i == nil {
		return nil, nil
	}
	return i.ask, i.remedy
}
