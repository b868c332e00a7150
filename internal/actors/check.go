package actors

import (
	"context"
	"fmt"
	"net/http"

	"github.com/grafana/alloy/okta/internal/oktaapi/management"
)

// MostChecked is how many requests [Ask.CheckProfiles] and [Ask.CheckGroups] make at most.
const MostChecked = 1 + management.Few + 2*MaxGroups

// CheckProfiles asks for the profile of the first user that Okta lists, or of another if Okta does not tell of that one, and returns how
// many of the attributes it has.
func (a *Ask) CheckProfiles(ctx context.Context, attributes []string) (has int, err error) {
	ids, _, err := a.users(ctx, management.Few)
	if err != nil {
		return 0, err
	}
	var values []string
	err = management.OfAFew(ids, func(id string) (err error) {
		values, err = a.profile(ctx, id, attributes)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("a user's profile: %w", err)
	}
	for _, value := range values {
		if value != "" {
			has++
		}
	}
	return has, nil
}

// CheckGroups looks for groups by name, and asks for the first page of the members of each. It returns the names that no group has.
func (a *Ask) CheckGroups(ctx context.Context, names []string) (missing []string, err error) {
	for _, name := range names {
		ids, err := a.named(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("group %q: %w", name, err)
		}
		if len(ids) == 0 {
			missing = append(missing, name)
			continue
		}
		if _, _, _, err := a.Members(ctx, ids[0], ""); err != nil && management.StatusOf(err) != http.StatusNotFound {
			return nil, fmt.Errorf("members of group %q: %w", name, err)
		}
	}
	return missing, nil
}
