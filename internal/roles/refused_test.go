package roles

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktaapi/management/managementtest"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

// failsAt answers requests for a path with a status.
func failsAt(code int, paths ...string) func(int, *http.Request) http.Handler {
	return func(_ int, r *http.Request) http.Handler {
		for _, path := range paths {
			if strings.HasSuffix(r.URL.Path, path) {
				return managementtest.Status(code, "E0000006")
			}
		}
		return nil
	}
}

// count is how many requests for a path there were.
func (o *office) count(path string) (n int) {
	for _, r := range o.Org.Requests() {
		if at, _, _ := strings.Cut(r.URL, "?"); strings.HasSuffix(at, path) {
			n++
		}
	}
	return n
}

// One user, group or client app of which Okta does not tell stops nobody else.
func TestOneHolderThatFailsStopsNobodyElse(t *testing.T) {
	for name, c := range map[string]struct {
		code  int
		path  string
		most  int // requests about it in an hour
		event []string
	}{
		"a user, refused":            {403, "/api/v1/users/00uA/roles", 5, nil},
		"a user, refused by a 400":   {400, "/api/v1/users/00uA/roles", 5, nil},
		"a user, broken":             {500, "/api/v1/users/00uA/roles", 62, nil},
		"a group, refused":           {403, "/api/v1/groups/00gA/roles", 5, nil},
		"a client app, refused":      {403, "/oauth2/v1/clients/0oaA/roles", 6, []string{clientType + " 0oaA"}},
		"a client app, broken":       {500, "/oauth2/v1/clients/0oaA/roles", 62, []string{clientType + " 0oaA"}},
		"an event's user, refused":   {403, "/api/v1/users/00uEvent/roles", 6, []string{"User 00uRoot", "User 00uEvent"}},
		"an event's user, is broken": {500, "/api/v1/users/00uEvent/roles", 62, []string{"User 00uRoot", "User 00uEvent"}},
	} {
		t.Run(name, func(t *testing.T) {
			org := smallOrg()
			org.Roles.Users["00uA"] = []string{"SUPER_ADMIN"}
			org.Roles.Groups["00gA"] = oktasim.Group{Roles: []string{"ORG_ADMIN"}, Members: []string{"00uNobody"}}
			org.Roles.Intercept = failsAt(c.code, c.path)
			work(t, org, func(o *office) {
				if c.event != nil {
					o.see(eventOf(o, "iam.resourceset.bindings.add", c.event...))
				}
				o.Pass(5 * time.Second)
				require.Equal(o, "SUPER_ADMIN", o.actor("00uSuper"))
				require.Equal(o, "ORG_ADMIN", o.actor("00uMember"))
				org.Append(raw(o, "user.account.privilege.grant", "Report administrator", "User 00uTwo"))
				o.Pass(time.Hour)
				require.Equal(o, "ORG_ADMIN,REPORT_ADMIN", o.actor("00uTwo"))
				require.NoError(o, o.wrong())
				require.Positive(o, o.count(c.path))
				require.LessOrEqual(o, o.count(c.path), c.most)
				org.Set(func(org *oktasim.Org) { org.Roles.Intercept = nil })
				o.Pass(DefaultRefresh)
				if strings.Contains(c.path, "00uA") {
					require.Equal(o, "SUPER_ADMIN", o.actor("00uA"), "it is asked about again")
				}
			})
		})
	}
}

// Whoever may see who holds roles, but not which ones, is told so.
func TestAllHoldersThatFailAreATrouble(t *testing.T) {
	for name, n := range map[string]int{"one": 1, "many": 100} {
		for code, most := range map[int]int{403: 2 * few, 500: 25 * few} {
			t.Run(name, func(t *testing.T) {
				org := &oktasim.Org{Token: "s3cret", Roles: oktasim.Roles{Users: holdersOf(n, "APP_ADMIN")}}
				org.Roles.Intercept = func(_ int, r *http.Request) http.Handler {
					if strings.HasSuffix(r.URL.Path, "/roles") {
						return managementtest.Status(code, "E0000006")
					}
					return nil
				}
				work(t, org, func(o *office) {
					o.Pass(DefaultRefresh + time.Minute)
					require.Error(o, o.wrong())
					require.Equal(o, ScopeRoles, o.scope())
					require.LessOrEqual(o, o.count("/roles"), most)
				})
			})
		}
	}
}

// Those of whom Okta once told nothing have their turn again, also when there are more others than a round asks about.
func TestThoseRefusedHaveTheirTurnAmongMany(t *testing.T) {
	org := &oktasim.Org{Token: "s3cret", Roles: oktasim.Roles{Users: holdersOf(300, "APP_ADMIN")}}
	var refused []string
	for i := range few {
		refused = append(refused, fmt.Sprintf("/00uAdministrator%04d/roles", i))
	}
	org.Roles.Intercept = failsAt(403, refused...)
	work(t, org, func(o *office) {
		o.Pass(time.Hour)
		require.Equal(o, Unresolved, o.actor("00uAdministrator0000"))
		require.Equal(o, "APP_ADMIN", o.actor("00uAdministrator0299"))
		require.NoError(o, o.wrong(), "it is of these only")
		org.Set(func(org *oktasim.Org) { org.Roles.Intercept = nil })
		o.Pass(DefaultRefresh)
		require.Equal(o, "APP_ADMIN", o.actor("00uAdministrator0000"))
	})
}
