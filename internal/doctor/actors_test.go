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
	for name, c := range map[string]struct {
		profile, groups []string
		forbidden       string // a part of paths
		noLoki          bool
		want            Status
		says            []string
	}{
		"off":                    {forbidden: "/", want: Pass, says: []string{"neither"}},
		"granted":                {profile: all, groups: []string{"Finance"}, want: Pass, says: []string{"of 2 attributes", "has 2", "1 groups"}},
		"none has it":            {profile: []string{"shoeSize"}, want: Pass, says: []string{"of 1 attributes", "has 0"}},
		"the list forbidden":     {profile: all, forbidden: "/api/v1/users", want: Fail, says: []string{"users: ", "403"}},
		"a profile forbidden":    {profile: all, forbidden: "/api/v1/users/", want: Fail, says: []string{"a user's profile: ", "403"}},
		"groups alone":           {groups: []string{"Finance"}, forbidden: "/api/v1/users", want: Pass},
		"groups forbidden":       {profile: all, groups: []string{"Finance"}, forbidden: "/api/v1/groups", want: Warn, says: []string{`group "Finance"`}},
		"members forbidden":      {groups: []string{"Finance"}, forbidden: "/api/v1/groups/", want: Warn, says: []string{`members of group "Finance"`}},
		"a group that is not":    {groups: []string{"Finance", "Board", "VIP"}, want: Warn, says: []string{`no group is called "Board", "VIP"`}},
		"without reconcile":      {profile: all, noLoki: true, want: Warn, says: []string{"double in Loki"}},
		"the most that is asked": {profile: all, groups: strings.Split("abcdefghij", ""), want: Warn, says: []string{`"j"`}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.sim.Set(func(o *oktasim.Org) {
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
