package roles

import (
	"context"
	"fmt"
	"slices"
)

// MostChecked is how many requests [Ask.Check] makes at most.
const MostChecked = 1 + few + 1 + 1

// Check asks for all that a keeper asks for, of one each: who holds roles, which ones one of them has, which groups have roles, and who the
// members of one of them are. It reads first pages only, and returns how many users and groups with roles are on them. ofGroups is of what
// needs [ScopeGroups], without which all else works. One user or group of which Okta does not tell is no failure: a few are asked about.
func (a *Ask) Check(ctx context.Context) (users, withRoles int, ofGroups, err error) {
	ids, _, _, err := a.assignees(ctx, "")
	if err != nil {
		return 0, 0, nil, err
	}
	users = len(ids)
	ids = slices.DeleteFunc(ids, func(id string) bool { return !isID(id) })
	for _, id := range ids[:min(few, len(ids))] {
		if _, err = a.roles(ctx, user, id); err == nil || !ofOne(err) {
			break
		}
	}
	if err != nil {
		return users, 0, nil, fmt.Errorf("which roles they have: %w", err)
	}
	ids, _, _, ofGroups = a.groupsWithRoles(ctx, "")
	withRoles = len(ids)
	if i := slices.IndexFunc(ids, isID); i >= 0 {
		if _, _, _, err := a.members(ctx, ids[i], ""); err != nil {
			ofGroups = fmt.Errorf("members of group %s: %w", ids[i], err)
		}
	}
	return users, withRoles, ofGroups, nil
}
