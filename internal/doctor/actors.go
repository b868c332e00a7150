package doctor

import (
	"context"
	"strings"
)

// actors checks whether Okta tells what users' profiles have, and who is in the named groups. It warns of groups that are not there, or
// whose members it does not tell, and fails when it tells of no profile: events are delivered all the same, but without.
func (v *visit) actors(ctx context.Context) Check {
	a := v.Actors
	if a == nil {
		return pass("neither profiles nor groups are wanted")
	}
	ctx, stop := context.WithTimeout(ctx, longest)
	defer stop()
	remedy := beside(ctx, a.Remedy)
	has := 0
	if len(a.Profile) > 0 {
		var err error
		if has, err = a.Ask.CheckProfiles(ctx, a.Profile); err != nil {
			return fail(remedy(err), "profiles cannot be read: %v", err)
		}
	}
	const found = "of %d attributes, the first user that Okta lists has %d; %d groups were found"
	missing, err := a.Ask.CheckGroups(ctx, a.Groups)
	switch {
	case err != nil:
		return warn(remedy(err), "the first user that Okta lists has %d of %d attributes; not all of groups can be read: %v",
			has, len(a.Profile), err)
	case len(missing) > 0:
		return warn("correct the names in groups, or give the credentials a role that may view these groups",
			`no group is called "%s"`, strings.Join(missing, `", "`))
	case v.Loki == nil:
		return warn("set reconcile, too", found+"; without reconcile, an event that is delivered again is a double in Loki if what is known "+
			"of its actor is something else by then", len(a.Profile), has, len(a.Groups))
	}
	return pass(found, len(a.Profile), has, len(a.Groups))
}
