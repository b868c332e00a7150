package actors

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/grafana/alloy/okta/internal/oktaapi/management"
)

// MostChecked is how many requests [Ask.CheckProfiles] and [Ask.CheckGroups] make at most.
const MostChecked = 2 + 2*MaxGroups

// CheckProfiles asks for the profile of the first user that Okta lists, and returns how many of the attributes it has.
func (a *Ask) CheckProfiles(ctx context.Context, attributes []string) (has int, err error) {
	var page []struct {
		ID string `json:"id"`
	}
	if _, _, err := a.Get(ctx, management.Users, a.URL(url.Values{"limit": {"1"}}, "api/v1/users"), &page); err != nil {
		return 0, fmt.Errorf("users: %w", err)
	}
	if len(page) == 0 || !management.IsID(page[0].ID) {
		return 0, nil
	}
	values, err := a.profile(ctx, page[0].ID, attributes)
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
