package doctor

import (
	"context"
	"fmt"
	"strings"
)

// actors checks whether Okta tells what users' profiles have, and who is in the named groups. It warns of attributes that no profile has,
// and of groups that are not there or whose members Okta does not tell, and fails when it tells of no profile: events are delivered all the
// same, but without.
func (v *visit) actors(ctx context.Context) Check {
	a := v.Actors
	if a == nil {
		return pass("neither profiles nor groups are wanted")
	}
	ctx, stop := context.WithTimeout(ctx, longest)
	defer stop()
	remedy := beside(ctx, a.Remedy)
	var remedies, seen []string
	worthKnowing := func(todo, found string, args ...any) {
		remedies, seen = append(remedies, todo), append(seen, fmt.Sprintf(found, args...))
	}
	users := 0
	if len(a.Profile) > 0 {
		n, missing, err := a.Ask.CheckProfiles(ctx, a.Profile)
		switch users = n; {
		case err != nil:
			return fail(remedy(err), "profiles cannot be read: %v", err)
		case n == 0:
			worthKnowing("give the credentials a role that may view users", "Okta lists no users")
		case len(missing) > 0:
			worthKnowing("compare the names in profile with the variable names under Directory > Profile Editor in Okta, unless only other users "+
				"have a value", "of the first %d users that Okta lists, none has %s", n, strings.Join(missing, ", "))
		}
	}
	missing, err := a.Ask.CheckGroups(ctx, a.Groups)
	switch {
	case err != nil:
		worthKnowing(remedy(err), "not all of groups can be read: %v", err)
	case len(missing) > 0:
		worthKnowing("correct the names in groups, or give the credentials a role that may view these groups", "no group is called %s",
			strings.Join(missing, ", "))
	}
	if v.Loki == nil {
		worthKnowing("set reconcile, too", "without reconcile, an event that is delivered again is a double in Loki if what is known of its "+
			"actor is something else by then")
	}
	if len(seen) > 0 {
		return warn(strings.Join(remedies, "; "), "%s", strings.Join(seen, "; "))
	}
	return pass("found %d attributes, in profiles of the first %d users that Okta lists, and %d groups", len(a.Profile), users, len(a.Groups))
}
