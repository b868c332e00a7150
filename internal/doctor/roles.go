package doctor

import "context"

// roles looks whether Okta tells who holds roles. That is no reason for events to wait, so that it is a reason to warn where only groups
// are not told, and a failure where nothing is: what is asked for with the block context is not there.
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
