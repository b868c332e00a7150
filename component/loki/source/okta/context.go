// option: context

package okta

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
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

// wantsActors reports whether the block asks for profiles or groups.
func (c *Context) wantsActors() bool { return c != nil && len(c.Profile)+len(c.Groups) > 0 }

// attributes are those of actors' profiles that entries have.
func (c *Context) attributes() []string {
	if c == nil {
		return nil
	}
	return c.Profile
}

// hasCredentials reports whether Okta is asked with other credentials than for the log.
func (c *Context) hasCredentials() bool {
	return c != nil && (c.APIToken != "" || c.PrivateKeyJWT != nil)
}

// credentials are the arguments with which Okta is asked for what needs these scopes. A service app gets another access token for it, as a
// request for a scope that was not granted fails as a whole, and must not fail for the log.
func (args Arguments) credentials(scopes []string) Arguments {
	c := args.Options.Context
	if c.hasCredentials() {
		args.APIToken, args.PrivateKeyJWT, args.moreTokens = c.APIToken, c.PrivateKeyJWT, nil
	}
	if args.PrivateKeyJWT != nil {
		own := *args.PrivateKeyJWT
		if args.PrivateKeyJWT != c.PrivateKeyJWT || slices.Equal(own.Scopes, []string{auth.DefaultScope}) {
			own.Scopes = scopes
		}
		own.mayHaveNoKey = true // the file may be damaged at any time, and must not stop the log
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
	return wrap("context", with.validateCredential(org))
}

// keepsAll refuses rules that keep or drop entries by roles, profiles or groups, or by labels that earlier rules make of them: they may be
// unknown at any time, and which events get through must not depend on that.
func keepsAll(rules relabel.Rules, profile []string) error {
	of := map[string]string{} // the labels that depend on them, as rules name them, and what each is made of
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
				switch {
				case strings.Contains(name, "$"): // any of these may match
					of[rule.Replacement] = of[name]
				case rule.Regex.Regexp != nil && rule.Regex.MatchString(name):
					of[rule.Regex.ReplaceAllString(name, rule.Replacement)] = of[name]
				}
			}
			continue
		}
		for _, name := range read {
			known := madeOf(name, of)
			switch {
			case known == "":
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

// madeOf is what a label is made of; "": of none of these. One that a rule names with a $ is any label that begins as its name before that.
func madeOf(label string, of map[string]string) string {
	for _, name := range slices.Sorted(maps.Keys(of)) {
		begin, _, computed := strings.Cut(name, "$")
		if name == label || computed && strings.HasPrefix(label, begin) {
			return of[name]
		}
	}
	return ""
}

// replace keeps what is known. After a plan without it, or about other profiles and groups, nothing is, as it was not shown what passed by.
// With other credentials than before, Okta may tell of those of whom it told nothing.
func (identified) replace(_ *collector, before, p *plan) {
	if before == nil {
		return
	}
	if had, i := before.of.identity, p.of.identity; had != nil && i != nil {
		i.table = had.table
		if !p.asksAs(before, roles.Scopes()) {
			i.table.AskAgain()
		}
	}
	if had, a := before.of.actors, p.of.actors; had != nil && a != nil && had.known.IsOf(a.profile, a.groups) {
		a.known, a.kept = had.known, true
		if !p.asksAs(before, actors.Scopes(a.profile, a.groups)) {
			a.known.AskAgain()
		}
	}
}

// asksAs reports whether Okta is asked with the credentials of another plan for what needs these scopes.
func (p *plan) asksAs(other *plan, scopes []string) bool {
	a, b := p.args.credentials(scopes), other.args.credentials(scopes)
	return a.APIToken == b.APIToken && slices.Equal(a.moreTokens, b.moreTokens) && reflect.DeepEqual(a.PrivateKeyJWT, b.PrivateKeyJWT)
}

// left forgets what is known and what is wrong, as another node may be shown what passes by from now on.
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
	for _, part := range []poller.Part{poller.Roles, poller.Actors} {
		poller.NewReporter(part, &r.status, r.logger).Forget()
	}
}

// configure gives the live log what is known, and what keeps it. Ranges say nothing of it: today's is not what was when their events
// happened.
func (identified) configure(r *reading, p *plan, _ *oktaapi.Config, cfg *poller.Config) bool {
	if !r.isLive() {
		return true
	}
	i, a := p.of.identity, p.of.actors
	cfg.Beside = r.beside(p)
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

// beside returns what keeps what is known, beside a poller of the live log. Of what is not wanted, or is about others than in the
// configuration before this one, no trouble of that one stays.
func (r *reading) beside(p *plan) func(ctx context.Context) {
	var keepers []func(ctx context.Context)
	orgs := len(r.k.c.current())
	wrong := poller.NewReporter(poller.Roles, &r.status, r.logger)
	if i := p.of.identity; i == nil {
		wrong.Forget()
	} else {
		keepers = append(keepers, roles.New(roles.Config{
			Org: p.scope.Org, Table: i.table, Ask: i.ask, Refresh: p.args.Options.Context.Refresh,
			Trouble: trouble{wrong, i.asker, poller.GroupRoles}, Orgs: orgs,
		}).Run)
	}
	wrong = poller.NewReporter(poller.Actors, &r.status, r.logger)
	a := p.of.actors
	if a == nil || !a.kept {
		wrong.Forget()
	}
	if a != nil {
		keepers = append(keepers, actors.NewKeeper(actors.Config{
			Org: p.scope.Org, Known: a.known, Ask: a.ask, Refresh: p.args.Options.Context.Refresh,
			Trouble: trouble{wrong, a.asker, poller.GroupMembers}, Orgs: orgs,
		}).Run)
	}
	return func(ctx context.Context) {
		var all sync.WaitGroup
		for _, keep := range keepers {
			all.Go(func() { keep(ctx) })
		}
		all.Wait()
	}
}
