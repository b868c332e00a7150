// option: context

package okta

import (
	"fmt"
	"time"

	"github.com/grafana/alloy/okta/internal/poller"
)

// verdict is what health says of roles, and of actors if all is well with these. Events are delivered in any case.
func (identified) verdict(k *collector, now time.Time) (v condition, ok bool) {
	p, s := k.plan.Load(), k.live.snapshot()
	if t := s.Wrong[poller.Roles]; p.of.identity != nil && t.Lasts() {
		if v, ok = rolesWords.verdict(t, now, p); ok && v.unhealthy {
			return v, ok
		}
	}
	if t := s.Wrong[poller.Actors]; p.of.actors != nil && t.Lasts() {
		if of, is := actorsWords.verdict(t, now, p); is && (!ok || of.unhealthy) {
			return of, is
		}
	}
	return v, ok
}

// words are what health says of a trouble that costs events what is known beside them. kind is that of one with groups only.
type words struct{ kind, groups, forbidden, failing string }

var (
	rolesWords = words{
		poller.GroupRoles,
		"members of groups with roles are not known since %s: %v",
		"who holds administrators' roles is not known since %s; events go on, without actor_roles: %v",
		"roles could not be refreshed since %s; events go on, with what is known or without: %v",
	}
	actorsWords = words{
		poller.GroupMembers,
		"who is in the named groups is not known since %s: %v",
		"profiles may not be read since %s; events go on, without what context names in profile: %v",
		"profiles could not be read since %s; events go on, with what is known or without: %v",
	}
)

func (w words) verdict(t poller.Trouble, now time.Time, p *plan) (v condition, ok bool) {
	v = condition{since: t.Since, reads: true}
	text := w.failing
	switch {
	case t.Kind == w.kind:
		text = w.groups
	case t.Refused:
		text, v.unhealthy = w.forbidden, true
	case now.Sub(t.Since) < max(outageGrace, 3*p.args.PollInterval):
		return v, false
	default:
		v.unhealthy = true
	}
	v.message = fmt.Sprintf(text, clock(t.Since), t.Err)
	return v, true
}
