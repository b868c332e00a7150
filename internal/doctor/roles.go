package doctor

import (
	"cmp"
	"context"
)

const slowRemedy = "other clients use up the org's limits, or Okta is slow: look at Reports > Rate Limits in Okta, and ask again later"

// beside says what to do after an error of a request beside the log; ctx ends with the time for all of them.
func beside(ctx context.Context, remedy func(err error) string) func(err error) string {
	return func(err error) string {
		if ctx.Err() != nil { // the time ended in waiting for a budget, or for answers
			return slowRemedy
		}
		return cmp.Or(remedy(err), "look at the error, and ask again")
	}
}

// roles checks whether Okta tells who holds which roles. It warns when Okta does not tell those of groups only. It fails when Okta tells
// none, or has not told within the time for it: events are delivered all the same, but without what the block context asks for.
func (v *visit) roles(ctx context.Context) Check {
	if v.Roles == nil {
		return pass("roles are not wanted")
	}
	ctx, stop := context.WithTimeout(ctx, longest)
	defer stop()
	users, groups, ofGroups, err := v.Roles.Ask.Check(ctx)
	remedy := beside(ctx, v.Roles.Remedy)
	const found = "first pages have %d users with roles, and %d groups"
	switch {
	case err != nil && users == 0:
		return fail(remedy(err), "who holds roles cannot be read: %v", err)
	case err != nil:
		return fail(remedy(err), "%d users with roles are on the first page; %v", users, err)
	case ofGroups != nil:
		return warn(remedy(ofGroups), found+"; not all of groups can be read: %v", users, groups, ofGroups)
	case v.Loki == nil:
		return warn("set reconcile, too", found+"; without reconcile, an event that is delivered again is a double in Loki if its roles "+
			"are others by then", users, groups)
	}
	return pass(found, users, groups)
}
