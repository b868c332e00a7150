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
	"sync"
	"time"

	"github.com/grafana/alloy/internal/component/common/relabel"
	"github.com/grafana/alloy/syntax/alloytypes"

	"github.com/grafana/alloy/okta/internal/actors"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktaapi/auth"
	"github.com/grafana/alloy/okta/internal/oktaapi/management"
	"github.com/grafana/alloy/okta/internal/poller"
	"github.com/grafana/alloy/okta/internal/roles"
)

// Context is what entries have in addition to their event: which administrators' roles its parties hold, what the actor's profile has, and
// which of some groups the actor is in. No event waits for it or fails because of it.
type Context struct {
	Roles   bool          `alloy:"roles,attr,optional"`
	Profile []string      `alloy:"profile,attr,optional"`
	Groups  []string      `alloy:"groups,attr,optional"`
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
	return wrap("context", actors.CheckNames(c.Groups))
}

// wanted reports whether the block asks for anything.
func (c *Context) wanted() bool { return c != nil && (c.Roles || c.wantsActors()) }

// hasCredentials reports whether Okta is asked with other credentials than for the log.
func (c *Context) hasCredentials() bool {
	return c != nil && (c.APIToken != "" || c.PrivateKeyJWT != nil)
}

// credentials are the arguments with which Okta is asked for what needs these scopes. A service app gets another access token for it, as a
// request for a scope that was not granted fails as a whole, and must not fail for the log.
func (args Arguments) credentials(scopes []string) Arguments {
	switch c := args.Options.Context; {
	case c.APIToken != "":
		args.APIToken, args.PrivateKeyJWT, args.moreTokens = c.APIToken, nil, nil
	case c.PrivateKeyJWT != nil:
		args.APIToken, args.PrivateKeyJWT, args.moreTokens = "", c.PrivateKeyJWT, nil
	}
	if args.PrivateKeyJWT != nil {
		own := *args.PrivateKeyJWT
		if args.PrivateKeyJWT != args.Options.Context.PrivateKeyJWT || slices.Equal(own.Scopes, []string{auth.DefaultScope}) {
			own.Scopes = scopes
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
	if err := keepsAll(args.RelabelRules, c.Profile); err != nil || host == "" {
		return wrap("context", err)
	}
	org, _, err := oktaapi.ParseOrg(args.URL)
	if err != nil {
		return err
	}
	if err := c.Validate(); err != nil { // Alloy does not call it for an entry of orgs
		return err
	}
	with := args.credentials(roles.Scopes())
	if with.PrivateKeyJWT != nil {
		return wrap("context: private_key_jwt", with.PrivateKeyJWT.options(org).Validate())
	}
	_, err = auth.NewSSWS(string(with.APIToken))
	return wrap("context", err)
}

// keepsAll refuses rules that keep or drop entries by roles, profiles or groups, or by labels that earlier rules make of them: they may be
// unknown at any time, and which events get through must not depend on that.
func keepsAll(rules relabel.Rules, profile []string) error {
	of := map[string]string{} // the labels that depend on them, and what each is made of
	for _, name := range event.ContextLabels(profile) {
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
			known, depends := of[name]
			switch {
			case !depends:
				continue
			case rule.Action == relabel.Keep, rule.Action == relabel.Drop, rule.Action == relabel.KeepEqual, rule.Action == relabel.DropEqual:
				return fmt.Errorf("relabel_rules: rule %d has the action %q and reads %s, which depends on %s: events would be lost while "+
					"that is not known; allowed are rules that make labels of it", i+1, rule.Action, name, known)
			}
			of[rule.TargetLabel] = known
		}
	}
	return nil
}

// identity is how an org's roles are learned.
type identity struct {
	asker
	ask     *roles.Ask
	refresh time.Duration
	table   *roles.Table // the org's, for as long as it is read here with roles
}

// plan uses no network.
func (identified) plan(p *plan, _ connections) error {
	c := p.args.Options.Context
	if c.wanted() && c.Roles {
		cfg, err := p.asks(roles.Scopes())
		if err != nil {
			return err
		}
		p.of.identity = &identity{
			asker: asker{cfg.Auth, rolesNeed}, ask: roles.NewAsk(cfg, p.bucket), refresh: c.Refresh, table: roles.NewTable(),
		}
	}
	return p.planActors()
}

// asks is how Okta is asked for what needs these scopes.
func (p *plan) asks(scopes []string) (oktaapi.Config, error) {
	with := p.args.credentials(scopes)
	a, err := with.authorizer(p.org, p.http)
	if err != nil {
		return oktaapi.Config{}, fmt.Errorf("context: %w", err)
	}
	return oktaapi.Config{Org: p.org, Auth: a, HTTP: p.http, Timeout: p.args.RequestTimeout, UserAgent: userAgent}, nil
}

// bucket is the budget of one of the org's rate limits beside the log's.
func (p *plan) bucket(name string) *oktaapi.Budget { return budgets.For(p.org.Host + " " + name) }

// replace keeps what is known. After a plan without roles there is none, as no table was shown what passed by.
func (identified) replace(_ *collector, before, p *plan) {
	if before == nil {
		return
	}
	if before.of.identity != nil && p.of.identity != nil {
		p.of.identity.table = before.of.identity.table
	}
	p.of.actors.replaces(before.of.actors)
}

// left forgets what is known, as another node may be shown what passes by from now on.
func (identified) left(r *reading) {
	p := r.k.plan.Load()
	if !r.isLive() {
		return
	}
	if i := p.of.identity; i != nil {
		i.table.Forget()
	}
	if a := p.of.actors; a != nil {
		a.known.Forget()
	}
}

// configure gives the live log what is known, and what keeps it. Ranges say nothing of it: today's is not what was when their events
// happened.
func (identified) configure(r *reading, p *plan, _ *oktaapi.Config, cfg *poller.Config) bool {
	if r.name != "" {
		return true
	}
	keepers := []func(ctx context.Context){r.keepRoles(p), r.keepActors(p)}
	cfg.Beside = func(ctx context.Context) {
		var all sync.WaitGroup
		for _, keep := range keepers {
			all.Go(func() { keep(ctx) })
		}
		all.Wait()
	}
	i, a := p.of.identity, p.of.actors
	if i == nil && a == nil {
		return true
	}
	cfg.Format = func(ev event.Event, now time.Time) event.Entry {
		var c event.Context
		if i != nil {
			c = i.table.Of(&ev, now)
		}
		if a != nil {
			a.known.Add(&c, &ev, now)
		}
		return p.formatter.EntryIn(c, ev, now)
	}
	cfg.Pass = func(ev event.Event, now time.Time) {
		if i != nil {
			i.table.Pass(&ev, now)
		}
		if a != nil {
			a.known.Pass(&ev, now)
		}
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
		Org: p.scope.Org, Table: i.table, Ask: i.ask, Refresh: i.refresh, Trouble: trouble{wrong, i.asker, poller.GroupRoles},
		Orgs: len(r.k.c.current()),
	})
	return keeper.Run
}

// trouble puts what is wrong with roles or actors into the record that has all troubles.
type trouble struct {
	*poller.Reporter
	of     asker
	groups string // the kind of what only concerns groups
}

// Fail implements management.Trouble.
func (t trouble) Fail(scope string, err error) {
	kind := ""
	if scope == management.ScopeGroups {
		kind = t.groups
	}
	t.Reporter.Fail(kind, t.of.explain(err))
}

// asker is with what Okta is asked, and what that needs.
type asker struct {
	auth oktaapi.Authorizer
	need need
}

// need is what has to be granted.
type need struct{ scopes, permissions, view string }

var rolesNeed = need{roles.ScopeRoles + " and " + roles.ScopeGroups, "okta.iam.read and okta.groups.read", "roles and groups"}

// explain adds to an error what to look at. When no scope was granted, it names those that are needed.
func (a asker) explain(err error) error {
	if refused, ok := errors.AsType[*auth.Error](err); ok && refused.Code == "consent_required" {
		own := *refused
		own.Remedy = a.remedy(&oktaapi.Error{Status: http.StatusForbidden})
		return &oktaapi.Error{Class: oktaapi.Refused, Err: &own}
	}
	if remedy := a.remedy(err); remedy != "" {
		return fmt.Errorf("%w: %s", err, remedy)
	}
	return err
}

// remedy says what to look at after a request failed; "": the error says so itself.
func (a asker) remedy(err error) string {
	e, ok := errors.AsType[*oktaapi.Error](err)
	switch method := a.auth.Method(); {
	case !ok || e.Foreign || e.Status != http.StatusForbidden:
		return auth.Remedy(method, err)
	case strings.HasPrefix(method, "private_key_jwt"):
		return fmt.Sprintf("grant the app that context uses the scopes %s, and an admin role with the permissions %s", a.need.scopes,
			a.need.permissions)
	}
	return fmt.Sprintf("the admin who created the api_token that context uses may not view %s: give it a role with the permissions %s",
		a.need.view, a.need.permissions)
}

// forCommands is how roles are asked for, and what to look at after an error.
func (i *identity) forCommands() (*roles.Ask, func(error) string) {
	if i == nil {
		return nil, nil
	}
	return i.ask, i.remedy
}
