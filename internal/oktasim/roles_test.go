package oktasim

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"
)

func askAbout(org *Org, path string) (int, gjson.Result) {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Authorization", "SSWS any")
	w := httptest.NewRecorder()
	org.ServeHTTP(w, r)
	return w.Code, gjson.Parse(w.Body.String())
}

// The generated world has administrators, and what happens in it changes who they are: the intruder's hidden administrator holds a role.
func TestEventsChangeWhoHoldsRoles(t *testing.T) {
	org := &Org{}
	code, list := askAbout(org, "/api/v1/iam/assignees/users")
	require.Equal(t, 200, code)
	before := len(list.Get("value").Array())
	require.Equal(t, 8, before)
	require.NoError(t, org.Play("admin-takeover", time.Now().Add(-time.Hour)))
	_, list = askAbout(org, "/api/v1/iam/assignees/users")
	require.Len(t, list.Get("value").Array(), before+1)

	var granted string
	for _, raw := range org.Events() {
		if gjson.GetBytes(raw, "eventType").Str == "user.account.privilege.grant" {
			granted = gjson.GetBytes(raw, "target.0.id").Str
		}
	}
	_, roles := askAbout(org, "/api/v1/users/"+granted+"/roles")
	require.Equal(t, "SUPER_ADMIN", roles.Get("0.type").Str)
	org.Append([]byte(`{"eventType":"user.account.privilege.revoke","target":[{"type":"User","id":"` + granted + `"}]}`))
	_, roles = askAbout(org, "/api/v1/users/"+granted+"/roles")
	require.Empty(t, roles.Array())
}

// Each request needs its own scope, and has a bucket apart from the log's.
func TestRolesHaveScopesAndBucketsOfTheirOwn(t *testing.T) {
	org := &Org{Roles: Roles{Limit: 1, Clients: map[string][]string{"0oaX": {"APP_ADMIN"}}}}
	for _, path := range []string{"/api/v1/iam/assignees/users", "/api/v1/groups", "/oauth2/v1/clients/0oaX/roles", "/api/v1/logs"} {
		code, _ := askAbout(org, path)
		require.Equal(t, 200, code, path)
	}
	for _, path := range []string{"/api/v1/users/00uX/roles", "/api/v1/groups/00gX/users", "/oauth2/v1/clients/0oaX/roles"} {
		code, _ := askAbout(org, path)
		require.Equal(t, 429, code, path)
	}
	code, _ := askAbout(org, "/api/v1/logs")
	require.Equal(t, 200, code)

	org = serviceOrg(func(c *OAuthClient) { c.Scopes = []string{logsScope, rolesScope} })
	for path, scope := range map[string]string{"/api/v1/iam/assignees/users": rolesScope, "/api/v1/groups": groupsScope} {
		r := httptest.NewRequest(http.MethodGet, publicURL+path, nil)
		r.Header.Set("Authorization", "Bearer "+org.mint(publicURL, clientID, []string{logsScope}, "", time.Now()))
		w := httptest.NewRecorder()
		org.ServeHTTP(w, r)
		require.Equal(t, 403, w.Code)
		require.Contains(t, w.Header().Get("WWW-Authenticate"), `scope="`+scope+`"`)
	}
}

// Users have profiles, of the world's departments unless others are given, and groups are found by their names.
func TestProfilesAndGroupsByName(t *testing.T) {
	org := &Org{}
	code, list := askAbout(org, "/api/v1/users?limit=2")
	require.Equal(t, 200, code)
	require.Len(t, list.Array(), 2)
	id := list.Get("0.id").Str
	_, user := askAbout(org, "/api/v1/users/"+id)
	require.Equal(t, id, user.Get("id").Str)
	require.NotEmpty(t, user.Get("profile.department").Str)
	require.Equal(t, id+"@acme.example", user.Get("profile.login").Str)
	org.Append([]byte(`{"eventType":"user.lifecycle.delete.completed","target":[{"type":"User","id":"` + id + `"}]}`))
	code, _ = askAbout(org, "/api/v1/users/"+id)
	require.Equal(t, 404, code)

	for query, want := range map[string]int{
		`search=profile.name+eq+%22Finance%22`: 1, `search=profile.name+eq+%22finance%22`: 1, `search=profile.name+eq+%22Fin%22`: 0,
	} {
		_, found := askAbout(org, "/api/v1/groups?"+query)
		require.Len(t, found.Array(), want, query)
	}
	code, _ = askAbout(org, "/api/v1/groups?search=profile.name+eq+Finance")
	require.Equal(t, 400, code)

	org = &Org{Roles: Roles{Profiles: map[string]map[string]any{"00uMara": {"costCenter": 7}}}}
	_, user = askAbout(org, "/api/v1/users/00uMara")
	require.Equal(t, 7.0, user.Get("profile.costCenter").Num)
	code, _ = askAbout(org, "/api/v1/users/00uOther")
	require.Equal(t, 404, code)
}
