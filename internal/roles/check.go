package roles

import (
	"context"
	"fmt"
	"net/http"

	"github.com/grafana/alloy/okta/internal/oktaapi/management"
)

// MostChecked is how many pages [Ask.Check] asks for at most.
const MostChecked = 1 + few + 1 + few

// Check asks for what a keeper asks for, as far as one answer of each kind shows that Okta tells: who holds roles, which ones one of them
// has, which groups have roles, and who the members of one of them are. It does not ask which roles a group or a client app has, for which
// [ScopeRoles] is enough, too.
//
// It reads first pages only, and returns how many users and groups with roles are on them. ofGroups is of what needs [ScopeGroups], without
// which all else works. One user or group of which Okta does not tell is no failure: a few are asked about, and that Okta does not know one
// is an answer.
func (a *Ask) Check(ctx context.Context) (users, withRoles int, ofGroups, err error) {
	ids, _, _, err := a.assignees(ctx, "")
	if err != nil {
		return 0, 0, nil, err
	}
	users = len(ids)
	if err = management.OfAFew(ids, func(id string) error { _, err := a.roles(ctx, user, id); return err }); err != nil {
		return users, 0, nil, fmt.Errorf("which roles they have: %w", err)
	}
	ids, _, _, ofGroups = a.groupsWithRoles(ctx, "")
	if ofGroups != nil {
		return users, 0, ofGroups, nil
	}
	withRoles = len(ids)
	ofGroups = management.OfAFew(ids, func(id string) error {
		_, _, _, err := a.Members(ctx, id, "")
		switch {
		case management.StatusOf(err) == http.StatusNotFound: // it was deleted since it was listed
			return nil
		case err != nil:
			return fmt.Errorf("members of group %s: %w", id, err)
		}
		return nil
	})
	return users, withRoles, ofGroups, nil
}
