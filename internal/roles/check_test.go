package roles

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktaapi/auth"
	"github.com/grafana/alloy/okta/internal/oktaapi/management/managementtest"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

// One user or group of which Okta does not tell says nothing of the others. That all of them fail, or that the credentials do, says enough.
func TestCheckOfOneThatFails(t *testing.T) {
	const users, groups = 5, 4
	type parts []string
	for name, c := range map[string]struct {
		code              int
		paths             parts // of the paths that fail
		users, groups     int   // how many there are
		ofUsers, ofGroups bool  // what cannot be read
		asked             int   // 0: not looked at
	}{
		"all is well":                        {200, nil, users, groups, false, false, 4},
		"nobody holds roles":                 {200, nil, 0, 0, false, false, 2},
		"one user, refused":                  {403, parts{"/users/00u0/"}, users, groups, false, false, 5},
		"one user, unknown":                  {404, parts{"/users/00u0/"}, users, groups, false, false, 4},
		"all users, unknown":                 {404, parts{"/users/00u"}, users, groups, false, false, 4},
		"two users, broken":                  {500, parts{"/users/00u0/", "/users/00u1/"}, users, groups, false, false, 6},
		"all users, broken":                  {500, parts{"/users/00u"}, users, groups, true, false, 1 + few},
		"the only user, refused":             {403, parts{"/users/00u0/"}, 1, groups, true, false, 2},
		"the credentials, for users":         {401, parts{"/users/00u"}, users, groups, true, false, 0},
		"one group, refused":                 {403, parts{"/groups/00g0/"}, users, groups, false, false, 5},
		"one group, deleted meanwhile":       {404, parts{"/groups/00g0/"}, users, groups, false, false, 4},
		"all groups, deleted meanwhile":      {404, parts{"/groups/00g"}, users, groups, false, false, 4},
		"the only group, deleted meanwhile":  {404, parts{"/groups/00g0/"}, users, 1, false, false, 4},
		"one group, broken":                  {500, parts{"/groups/00g0/"}, users, groups, false, false, 5},
		"two groups, broken":                 {502, parts{"/groups/00g0/", "/groups/00g1/"}, users, groups, false, false, 6},
		"all groups, broken":                 {500, parts{"/groups/00g"}, users, groups, false, true, 3 + few},
		"all groups, refused":                {403, parts{"/groups/00g"}, users, groups, false, true, 3 + few},
		"the only group, refused":            {403, parts{"/groups/00g0/"}, users, 1, false, true, 4},
		"the limit is used up, for groups":   {429, parts{"/groups/00g"}, users, groups, false, true, 4},
		"the list of groups, refused":        {403, parts{"/api/v1/groups"}, users, groups, false, true, 3},
		"the list of groups, a 404 of Okta":  {404, parts{"/api/v1/groups"}, users, groups, false, true, 3},
		"the list of users, a 404 of Okta":   {404, parts{"/assignees/"}, users, groups, true, false, 1},
		"the most that is asked for at all":  {403, parts{"/users/00u0/", "/users/00u1/", "/groups/00g"}, users, groups, false, true, MostChecked},
		"two of each, and the third answers": {400, parts{"u0/", "u1/", "g0/", "g1/"}, users, groups, false, false, MostChecked},
	} {
		t.Run(name, func(t *testing.T) {
			org := &oktasim.Org{Token: "s3cret", Roles: oktasim.Roles{Users: map[string][]string{}, Groups: map[string]oktasim.Group{}, Direct: true}}
			for i := range c.users {
				org.Roles.Users["00u"+string(rune('0'+i))] = []string{"APP_ADMIN"}
			}
			for i := range c.groups {
				org.Roles.Groups["00g"+string(rune('0'+i))] = oktasim.Group{Roles: []string{"ORG_ADMIN"}, Members: []string{"00uA"}}
			}
			org.Roles.Intercept = func(_ int, r *http.Request) http.Handler {
				for _, part := range c.paths {
					if strings.Contains(r.URL.Path, part) {
						return managementtest.Status(c.code, "E0000000")
					}
				}
				return nil
			}
			server := httptest.NewServer(org)
			defer server.Close()
			u, _, err := oktaapi.ParseOrg(server.URL)
			require.NoError(t, err)
			token, err := auth.NewSSWS("s3cret")
			require.NoError(t, err)
			ask := NewAsk(oktaapi.Config{Org: u, Auth: token}, new(oktaapi.Budgets).For)

			_, withRoles, ofGroups, ofUsers := ask.Check(t.Context())
			asked := len(org.Requests())
			require.Equal(t, c.ofUsers, ofUsers != nil, ofUsers)
			require.Equal(t, c.ofGroups, ofGroups != nil, ofGroups)
			if c.ofGroups || c.ofUsers {
				require.ErrorContains(t, map[bool]error{true: ofUsers, false: ofGroups}[c.ofUsers], "E0000000")
			} else {
				require.Equal(t, c.groups, withRoles)
			}
			if c.asked > 0 {
				require.Equal(t, c.asked, asked)
			}
			require.LessOrEqual(t, asked, MostChecked)
		})
	}
}
