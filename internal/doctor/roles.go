package doctor

import "context"

// roles checks whether Okta tells who holds roles. It warns when Okta does not tell those of groups only. It fails when Okta tells none:
// events are delivered all the same, but without what the block context asks for.
func (v *visit) roles(ctx context.Context) Check {
	if v.Roles == nil {
		return pass("roles are not wanted")
	}
	users, ofGroups, err := v.Roles.Ask.Check(ctx)
	switch {
	case err != nil:
		return fail(v.Roles.Remedy(err), "who holds roles cannot be read: %v", err)
	case ofGroups != nil:
		return warn(v.Roles.Remedy(ofGroups), "%d users with roles on the first page; groups cannot be read: %v", users, ofGroups)
	}
	return pass("%d users with roles on the first page", users)
}
