package sdktest

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/okta/okta-sdk-golang/v5/okta"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktasim"
)

// Okta's SDK lists all that hold roles, as a script of an administrator's does: users page by page, whose next page the body names, and
// the roles of each; groups with their members.
func TestTheSdkListsRoleHolders(t *testing.T) {
	roles := oktasim.Roles{
		Users: map[string][]string{},
		Groups: map[string]oktasim.Group{
			"00gAdmins": {Roles: []string{"ORG_ADMIN"}, Members: []string{"00uThroughGroup", "00u007"}}, "00gEveryone": {Members: []string{"00u1"}},
		},
		Page: 10,
	}
	for i := range 25 {
		roles.Users[fmt.Sprintf("00u%03d", i)] = []string{"SUPER_ADMIN", "UserCreatorRole"}
	}
	org := &oktasim.Org{Token: "s3cret", Roles: roles}
	client := connect(t, org, okta.WithToken("s3cret"))

	found := map[string][]string{}
	for after := ""; ; {
		request := client.RoleAssignmentAPI.ListUsersWithRoleAssignments(t.Context()).Limit(200)
		if after != "" {
			request = request.After(after)
		}
		page, _, err := request.Execute()
		require.NoError(t, err)
		for _, u := range page.GetValue() {
			held, _, err := client.RoleAssignmentAPI.ListAssignedRolesForUser(t.Context(), u.GetId()).Execute()
			require.NoError(t, err)
			for _, r := range held {
				found[u.GetId()] = append(found[u.GetId()], r.GetType()+" "+r.GetLabel()+" "+r.GetAssignmentType())
			}
		}
		links := page.GetLinks()
		if !links.HasNext() {
			break
		}
		href := links.GetNext()
		next, err := url.Parse(href.GetHref())
		require.NoError(t, err)
		after = next.Query().Get("after")
		require.NotEmpty(t, after)
	}
	own := []string{"SUPER_ADMIN Super administrator USER", "CUSTOM UserCreatorRole USER"}
	throughGroup := "ORG_ADMIN Organization administrator GROUP"
	require.Equal(t, append(slices.Sorted(maps.Keys(roles.Users)), "00uThroughGroup"), slices.Sorted(maps.Keys(found)))
	require.Equal(t, own, found["00u003"])
	require.Equal(t, append(own, throughGroup), found["00u007"])
	require.Equal(t, []string{throughGroup}, found["00uThroughGroup"])

	groups, _, err := client.GroupAPI.ListGroups(t.Context()).Expand("stats").Execute()
	require.NoError(t, err)
	require.Len(t, groups, 2)
	for _, g := range groups {
		held, _, err := client.RoleAssignmentAPI.ListGroupAssignedRoles(t.Context(), g.GetId()).Execute()
		require.NoError(t, err)
		require.Len(t, held, map[string]int{"00gAdmins": 1, "00gEveryone": 0}[g.GetId()])
		require.Equal(t, len(held) > 0, g.GetEmbedded()["stats"]["hasAdminPrivilege"])
	}
	members, _, err := client.GroupAPI.ListGroupUsers(t.Context(), "00gAdmins").Execute()
	require.NoError(t, err)
	require.Len(t, members, 2)

	_, resp, err := client.RoleAssignmentAPI.ListGroupAssignedRoles(t.Context(), "00gNobody").Execute()
	require.Equal(t, "E0000007", errorCode(t, err))
	require.Equal(t, http.StatusNotFound, resp.StatusCode)
}

// Okta's SDK reads a user's profile, custom attributes included, and finds a group by its name.
func TestTheSdkReadsProfilesAndFindsGroups(t *testing.T) {
	org := &oktasim.Org{Token: "s3cret", Roles: oktasim.Roles{
		Profiles: map[string]map[string]any{"00uMara": {"department": "Finance", "title": "Accountant", "badge": "B-7"}},
		Groups:   map[string]oktasim.Group{"00gVIP": {Name: "VIP", Members: []string{"00uMara"}}, "00gOther": {Name: "VIP guests"}},
	}}
	client := connect(t, org, okta.WithToken("s3cret"))
	user, _, err := client.UserAPI.GetUser(t.Context(), "00uMara").Execute()
	require.NoError(t, err)
	require.Equal(t, "00uMara", user.GetId())
	profile := user.GetProfile()
	require.Equal(t, "Finance", profile.GetDepartment())
	require.Equal(t, "Accountant", profile.GetTitle())
	require.Equal(t, "B-7", profile.AdditionalProperties["badge"])
	_, resp, err := client.UserAPI.GetUser(t.Context(), "00uNobody").Execute()
	require.Equal(t, "E0000007", errorCode(t, err))
	require.Equal(t, http.StatusNotFound, resp.StatusCode)

	groups, _, err := client.GroupAPI.ListGroups(t.Context()).Search(`profile.name eq "VIP"`).Execute()
	require.NoError(t, err)
	require.Len(t, groups, 1)
	require.Equal(t, "00gVIP", groups[0].GetId())
	members, _, err := client.GroupAPI.ListGroupUsers(t.Context(), groups[0].GetId()).Execute()
	require.NoError(t, err)
	require.Len(t, members, 1)
}
