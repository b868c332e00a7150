package actors

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/grafana/alloy/okta/internal/oktaapi/management"
)

// MostChecked is how many requests [Ask.CheckProfiles] and [Ask.CheckGroups] make at most.
const MostChecked = 1 + management.Few + 2*MaxGroups

// sample is of how many users it is looked at what their profiles have: of as many as Okta lists at once.
const sample = 200

// CheckProfiles looks at the users that Okta lists first, and asks for the profile of one of them, as a keeper does. It returns how many
// there are, and the attributes of which none of them has a value, quoted, with one that is spelled alike if they have that. Okta leaves
// out what a user has not got: that few users have an attribute is no reason why the first ones have it. The schema would name all, but
// needs a scope of its own.
func (a *Ask) CheckProfiles(ctx context.Context, attributes []string) (users int, missing []string, err error) {
	ids, profiles, err := a.users(ctx, sample)
	if err != nil {
		return 0, nil, err
	}
	err = management.OfAFew(ids, func(id string) error { _, err := a.profile(ctx, id, attributes); return err })
	if err != nil {
		return 0, nil, fmt.Errorf("a user's profile: %w", err)
	}
	for _, name := range attributes {
		has := func(profile map[string]json.RawMessage) bool { return textOf(profile[name]) != "" }
		if !slices.ContainsFunc(profiles, has) {
			missing = append(missing, missed(name, alike(name, profiles)))
		}
	}
	return len(profiles), missing, nil
}

// alike is an attribute whose name differs in case or underscores only; "": there is none.
func alike(name string, profiles []map[string]json.RawMessage) (found string) {
	for _, profile := range profiles {
		for other := range profile {
			if other != name && bare(other) == bare(name) && (found == "" || other < found) {
				found = other
			}
		}
	}
	return found
}

func bare(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

// missed is a name that Okta does not have, for people, with one that it has instead if that is not "".
func missed(name, instead string) string {
	if instead == "" {
		return strconv.Quote(name)
	}
	return fmt.Sprintf("%q (there is %q)", name, instead)
}

// CheckGroups looks for groups by name, and asks for the first page of the members of each. It returns the names that no group has, as
// CheckProfiles does attributes.
func (a *Ask) CheckGroups(ctx context.Context, names []string) (missing []string, err error) {
	for _, name := range names {
		ids, instead, err := a.named(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("group %q: %w", name, err)
		}
		if len(ids) == 0 {
			missing = append(missing, missed(name, instead))
			continue
		}
		if _, _, _, err := a.Members(ctx, ids[0], ""); err != nil && management.StatusOf(err) != http.StatusNotFound {
			return nil, fmt.Errorf("members of group %q: %w", name, err)
		}
	}
	return missing, nil
}
