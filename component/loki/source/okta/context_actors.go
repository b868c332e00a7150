// option: context

package okta

import (
	"context"
	"strings"

	"github.com/grafana/alloy/okta/internal/actors"
	"github.com/grafana/alloy/okta/internal/poller"
)

// wantsActors reports whether the block asks for profiles or groups.
func (c *Context) wantsActors() bool { return c != nil && len(c.Profile)+len(c.Groups) > 0 }

// attributes are those of actors' profiles that entries have.
func (c *Context) attributes() []string {
	if c == nil {
		return nil
	}
	return c.Profile
}

// acting is how profiles and groups of an org's actors are learned.
type acting struct {
	asker
	ask             *actors.Ask
	profile, groups []string
	known           *actors.Known // the org's, for as long as it is read here with the same profile and groups
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

// replaces keeps what is known. After a plan without, or with others, nothing is, as it was not shown what passed by.
func (a *acting) replaces(before *acting) {
	if a != nil && before != nil && before.known.IsOf(a.profile, a.groups) {
		a.known = before.known
	}
}

// keepActors returns what keeps profiles and groups beside a poller of the live log.
func (r *reading) keepActors(p *plan) func(ctx context.Context) {
	wrong := poller.NewReporter(poller.Actors, &r.status, r.logger)
	a := p.of.actors
	if a == nil {
		return func(context.Context) { wrong.Clear() } // left by the previous configuration
	}
	keeper := actors.NewKeeper(actors.Config{
		Org: p.scope.Org, Known: a.known, Ask: a.ask, Refresh: p.args.Options.Context.Refresh,
		Trouble: trouble{wrong, a.asker, poller.GroupMembers}, Orgs: len(r.k.c.current()),
	})
	return keeper.Run
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
