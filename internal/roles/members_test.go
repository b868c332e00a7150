package roles

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktasim"
)

// crowd are as many members.
func crowd(n int) (ids []string) {
	for i := range n {
		ids = append(ids, fmt.Sprintf("00uMember%06d", i))
	}
	return ids
}

// A group with more members than are kept is asked about once a day, and costs others nothing. It is told.
func TestAGroupThatIsTooLarge(t *testing.T) {
	org := smallOrg()
	// else these are asked about one by one
	org.Roles.Direct = true
	org.Roles.Groups["00gAAAAll"] = oktasim.Group{Roles: []string{"REPORT_ADMIN"}, Members: crowd(36_000)} // asked first
	work(t, org, func(o *office) {
		o.Pass(3 * time.Minute)
		require.Equal(o, "ORG_ADMIN", o.actor("00uMember"))
		require.Equal(o, ScopeGroups, o.scope())
		require.ErrorContains(o, o.wrong(), "00gAAAAll")
		require.True(o, o.table.Status().Full)
		const pages = maxHolders/1000 + 1
		require.LessOrEqual(o, o.count("/groups/00gAAAAll/users"), pages)
		o.Pass(5 * time.Hour)
		require.LessOrEqual(o, o.count("/groups/00gAAAAll/users"), pages)
		require.Equal(o, ScopeGroups, o.scope())
		require.True(o, o.table.Status().Full)
		before := o.requests(time.Hour)
		require.Less(o, before, 60)
		revoke := eventAt(o, time.Now(), "group.privilege.revoke", "", "User 00uRoot", "UserGroup 00gAAAAll")
		org.Append(revoke.Raw)
		o.see(revoke)
		o.Pass(DefaultRefresh + time.Minute)
		require.NoError(o, o.wrong(), "it has no roles any more")
	})
}

// A list that is longer than a round goes on in the next one, from where it is.
func TestAListOfMembersGoesOnInTheNextRound(t *testing.T) {
	org := smallOrg()
	for i := range 4 {
		org.Roles.Groups[fmt.Sprintf("00gLarge%d", i)] = oktasim.Group{Roles: []string{"REPORT_ADMIN"}, Members: crowd(4_900)}
	}
	org.Roles.Direct = true
	org.Roles.Page = 400 // 13 pages each, 36 requests a minute
	first := 0
	org.Roles.Intercept = func(_ int, r *http.Request) http.Handler {
		if strings.HasSuffix(r.URL.Path, "/users") && strings.Contains(r.URL.Path, "Large") && r.URL.Query().Get("after") == "" {
			first++
		}
		return nil
	}
	work(t, org, func(o *office) {
		o.Pass(5 * time.Minute)
		require.Equal(o, "REPORT_ADMIN", o.actor("00uMember000007"))
		require.NoError(o, o.wrong())
		require.Equal(o, 4, first, "each list began once")
	})
}

// One group whose members cannot be read costs the other groups nothing.
func TestOneGroupWhoseMembersFailStopsNoOther(t *testing.T) {
	for code, c := range map[int]struct {
		told  bool // in the first hour
		roles bool // of the group stay
		most  int
	}{
		403: {true, true, 5}, 401: {true, true, 5}, 404: {false, false, 5}, 500: {true, true, 61}, 400: {true, true, 61},
	} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			org := smallOrg()
			org.Roles.Groups["00gA"] = oktasim.Group{Roles: []string{"APP_ADMIN"}, Members: []string{"00uOdd"}}
			org.Roles.Intercept = failsAt(code, "/groups/00gA/users")
			work(t, org, func(o *office) {
				o.Pass(time.Second)
				require.Equal(o, "ORG_ADMIN", o.actor("00uMember"))
				require.Equal(o, code == 401 || code == 403, o.wrong() != nil)
				org.Append(eventOf(o, "group.user_membership.add", "User 00uRoot", "User 00uNew", "UserGroup 00gAdmins").Raw)
				o.Pass(time.Hour)
				require.Equal(o, "ORG_ADMIN", o.actor("00uNew"), "members of the other are refreshed")
				require.LessOrEqual(o, o.count("/groups/00gA/users"), c.most)
				if c.told {
					require.Equal(o, ScopeGroups, o.scope())
					require.ErrorContains(o, o.wrong(), "00gA")
				} else {
					require.NoError(o, o.wrong())
				}
				require.Equal(o, c.roles, o.table.wantsMembers("00gA", time.Now()))
				org.Set(func(org *oktasim.Org) { org.Roles.Intercept = nil })
				o.Pass(DefaultRefresh + time.Minute)
				require.NoError(o, o.wrong())
			})
		})
	}
}
