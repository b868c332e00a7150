// option: context

package okta

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/grafana/alloy/okta/internal/actors"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktaapi/auth"
	"github.com/grafana/alloy/okta/internal/oktaapi/management"
	"github.com/grafana/alloy/okta/internal/poller"
	"github.com/grafana/alloy/okta/internal/roles"
)

// identity is how an org's roles are learned.
type identity struct {
	asker
	ask   *roles.Ask
	table *roles.Table // the org's, for as long as it is read here with roles
}

// acting is how profiles and groups of an org's actors are learned.
type acting struct {
	asker
	ask             *actors.Ask
	profile, groups []string
	known           *actors.Known // the org's, for as long as it is read here with the same profile and groups
	kept            bool          // known is of the plan before
}

// plan uses no network.
func (identified) plan(p *plan, _ connections) error {
	c := p.args.Options.Context
	if c.wanted() && c.Roles {
		cfg, err := p.asks(roles.Scopes())
		if err != nil {
			return err
		}
		p.of.identity = &identity{asker{cfg.Auth, rolesNeed}, roles.NewAsk(cfg, p.bucket), roles.NewTable()}
	}
	return p.planActors()
}

// planActors uses no network.
func (p *plan) planActors() error {
	c := p.args.Options.Context
	if !c.wantsActors() {
		return nil
	}
	scopes := actors.Scopes(c.Profile, c.Groups)
	cfg, err := p.asks(scopes)
	if err != nil {
		return err
	}
	named := strings.Join(scopes, " and ") // as are the permissions
	p.of.actors = &acting{
		asker: asker{cfg.Auth, need{named, named, "users and groups"}}, ask: actors.NewAsk(cfg, p.bucket), profile: c.Profile, groups: c.Groups,
		known: actors.New(c.Profile, c.Groups),
	}
	return nil
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

// forCommands is how roles are asked for, and what to look at after an error.
func (i *identity) forCommands() (*roles.Ask, func(error) string) {
	if i == nil {
		return nil, nil
	}
	return i.ask, i.remedy
}

// ResolvedActors is how profiles and groups of an org's actors are asked for. The zero value is that they are not wanted.
type ResolvedActors struct {
	Ask             *actors.Ask
	Profile, Groups []string
	Remedy          func(err error) string
}

func (a *acting) forCommands() (r ResolvedActors) {
	if a == nil {
		return r
	}
	return ResolvedActors{a.ask, a.profile, a.groups, a.remedy}
}
