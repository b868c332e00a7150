package doctor

import "context"

// roles checks whether Okta tells who holds which roles. It warns when Okta does not tell those of groups only. It fails when Okta tells
// none: events are delivered all the same, but without what the block context asks for.
func (v *visit) roles(ctx context.Context) Check {
	if v.Roles == nil {
		return pass("roles are not wanted")
	}
	users, groups, ofGroups, err := v.Roles.Ask.Check(ctx)
	const found = "first pages have %d users with roles, and %d groups"
	switch {
	case err != nil && users == 0:
		return fail(v.Roles.Remedy(err), "who holds roles cannot be read: %v", err)
	case err != nil:
		return fail(v.Roles.Remedy(err), "%d users with roles are on the first page; %v", users, err)
	case ofGroups != nil:
		return warn(v.Roles.Remedy(ofGroups), found+"; not all of groups can be read: %v", users, groups, ofGroups)
	case v.Loki == nil:
		return warn("set reconcile, too", found+"; without reconcile, an event that is delivered again is a double in Loki if its roles "+
			"are others by then", users, groups)
	}
	return pass(found, users, groups)
}
