package doctor

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/actors"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

func TestTheCheckOfProfiles(t *testing.T) {
	all := []string{"department", "title"}
	some := map[string]map[string]any{
		"00uA1": {"department": "Finance", "costCenter": "CC-1", "hire_date": nil}, "00uA2": {"title": "Accountant", "address": map[string]any{"a": 1}},
		"00uB1": {"badge": 7},
	}
	for name, c := range map[string]struct {
		profile, groups []string
		forbidden       string // a part of paths
		users           map[string]map[string]any
		noLoki          bool
		want            Status
		says            []string
	}{
		"off":                    {forbidden: "/", want: Pass, says: []string{"neither"}},
		"granted":                {profile: all, groups: []string{"Finance"}, want: Pass, says: []string{"2 attributes", "of the first ", "1 groups"}},
		"the list forbidden":     {profile: all, forbidden: "/api/v1/users", want: Fail, says: []string{"users: ", "403"}},
		"a profile forbidden":    {profile: all, forbidden: "/api/v1/users/", want: Fail, says: []string{"a user's profile: ", "403"}},
		"groups alone":           {groups: []string{"Finance"}, forbidden: "/api/v1/users", want: Pass},
		"groups forbidden":       {profile: all, groups: []string{"Finance"}, forbidden: "/api/v1/groups", want: Warn, says: []string{`group "Finance"`}},
		"the first ones hidden":  {profile: all, forbidden: "/users/00uA", users: some, want: Pass, says: []string{"first 3 users"}},
		"no users":               {profile: all, users: map[string]map[string]any{}, want: Warn, says: []string{"Okta lists no users"}},
		"one user has it":        {profile: []string{"badge"}, users: some, want: Pass},
		"nobody has it":          {profile: append(all, "shoeSize"), users: some, want: Warn, says: []string{`first 3 users that Okta lists, none has "shoeSize"`}},
		"another case":           {profile: []string{"costcenter"}, users: some, want: Warn, says: []string{`none has "costcenter" (there is "costCenter")`}},
		"capitals":               {profile: []string{"DEPARTMENT"}, users: some, want: Warn, says: []string{`"DEPARTMENT" (there is "department")`}},
		"with underscores":       {profile: []string{"cost_center"}, users: some, want: Warn, says: []string{`"cost_center" (there is "costCenter")`}},
		"without underscores":    {profile: []string{"hireDate"}, users: some, want: Warn, says: []string{`"hireDate" (there is "hire_date")`}},
		"nothing like it":        {profile: []string{"cost"}, users: some, want: Warn, says: []string{`none has "cost"`}},
		"of the user itself":     {profile: []string{"status", "lastLogin"}, users: some, want: Warn, says: []string{`none has "status", "lastLogin"`}},
		"without a value":        {profile: []string{"mobilePhone"}, users: some, want: Warn, says: []string{`none has "mobilePhone"`}},
		"an object":              {profile: []string{"address"}, users: some, want: Warn, says: []string{`none has "address"`}},
		"and a group":            {profile: []string{"Title"}, groups: []string{"VIP"}, want: Warn, says: []string{`none has "Title" (`, `called "VIP"`}},
		"a group's case":         {groups: []string{"finance"}, want: Warn, says: []string{`no group is called "finance" (there is "Finance")`}},
		"members forbidden":      {groups: []string{"Finance"}, forbidden: "/api/v1/groups/", want: Warn, says: []string{`members of group "Finance"`}},
		"a group that is not":    {groups: []string{"Finance", "Board", "VIP"}, want: Warn, says: []string{`no group is called "Board", "VIP"`}},
		"without reconcile":      {profile: all, noLoki: true, want: Warn, says: []string{"double in Loki"}},
		"and neither attribute":  {profile: []string{"shoeSize"}, noLoki: true, want: Warn, says: []string{`none has "shoeSize"`, "double in Loki"}},
		"the most that is asked": {profile: all, groups: strings.Split("abcdefghij", ""), want: Warn, says: []string{`"j"`}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.sim.Set(func(o *oktasim.Org) {
				o.Roles.Profiles = c.users
				o.Roles.Intercept = func(_ int, r *http.Request) http.Handler {
					if c.forbidden == "" || !strings.Contains(r.URL.Path, strings.TrimSuffix(c.forbidden, " ")) {
						return nil
					}
					return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
						w.WriteHeader(http.StatusForbidden)
						_, _ = w.Write([]byte(`{"errorCode":"E0000006","errorSummary":"You do not have permission"}`))
					})
				}
			})
			if c.profile != nil || c.groups != nil {
				s.org.Actors = &Actors{Profile: c.profile, Groups: c.groups, Remedy: func(error) string { return "grant it" }, Ask: actors.NewAsk(
					oktaapi.Config{Org: s.org.URL, Auth: s.org.Auth, HTTP: s.org.HTTP}, func(string) *oktaapi.Budget { return nil })}
			}
			if c.noLoki {
				s.org.Loki = nil
			}
			r := Run(t.Context(), []Org{s.org}, Options{})[0]
			i := slices.IndexFunc(r.Checks, func(c Check) bool { return c.Name == "profiles" })
			require.Equal(t, c.want, r.Checks[i].Status, r.Checks[i])
			require.Equal(t, c.want == Fail, r.Failed(), "all else is as it was")
			for _, words := range c.says {
				require.Contains(t, r.Checks[i].Seen, words)
			}
			require.Equal(t, c.want != Pass, r.Checks[i].Remedy != "")
			asked := 0
			for _, r := range s.sim.Requests() {
				if !strings.Contains(r.URL, "/logs") {
					asked++
				}
			}
			require.LessOrEqual(t, asked, actors.MostChecked)
		})
	}
}
