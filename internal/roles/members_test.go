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
		o.pass(3 * time.Minute)
		require.Equal(o, "ORG_ADMIN", o.actor("00uMember"))
		require.Equal(o, ScopeGroups, o.scope())
		require.ErrorContains(o, o.wrong(), "00gAAAAll")
		require.True(o, o.table.Status().Full)
		const pages = maxHolders/1000 + 1
		require.LessOrEqual(o, o.count("/groups/00gAAAAll/users"), pages)
		o.pass(5 * time.Hour)
		require.LessOrEqual(o, o.count("/groups/00gAAAAll/users"), pages)
		require.Equal(o, ScopeGroups, o.scope())
		require.True(o, o.table.Status().Full)
		before := o.requests(time.Hour)
		require.Less(o, before, 60)
		revoke := eventAt(o, time.Now(), "group.privilege.revoke", "", "User 00uRoot", "UserGroup 00gAAAAll")
		org.Append(revoke.Raw)
		o.see(revoke)
		o.pass(DefaultRefresh + time.Minute)
		require.NoError(o, o.wrong(), "it has no roles any more")
	})
}

// 200,000 users hold a role through a group, and 300 a role of their own. No more is read, and kept, than a table has room for, and it is
// told; whether Okta's list of role holders has only the 300, or all, which are fewer here as oktasim would be slow.
func TestEverybodyHoldsARole(t *testing.T) {
	for name, c := range map[string]struct {
		direct  bool
		members int
		known   time.Duration // after which so much is
		says    string
	}{
		"the list has the 300": {true, 200_000, 18 * time.Minute, "00gEveryone"},
		"the list has all":     {false, maxHolders + 1_000, 6 * time.Minute, "more than 20000 hold roles"},
	} {
		t.Run(name, func(t *testing.T) {
			org := &oktasim.Org{Token: "s3cret", Roles: oktasim.Roles{Users: holdersOf(300, "APP_ADMIN"), Direct: c.direct,
				Groups: map[string]oktasim.Group{"00gEveryone": {Roles: []string{"REPORT_ADMIN"}, Members: crowd(c.members)}}}}
			work(t, org, func(o *office) {
				o.pass(c.known)
				require.Equal(o, "APP_ADMIN", o.actor("00uAdministrator0007"))
				require.ErrorContains(o, o.wrong(), c.says)
				require.Equal(o, ScopeGroups, o.scope())
				status := o.table.Status()
				require.True(o, status.Full)
				require.LessOrEqual(o, status.Users, maxHolders)
				perMinute := map[int64]int{}
				for _, r := range o.org.Requests() {
					perMinute[r.Time.Unix()/60]++
				}
				for minute, n := range perMinute {
					require.LessOrEqual(o, n, MaxRequests, minute)
				}
				require.LessOrEqual(o, o.count("/assignees/users"), maxHolders/200+1)
				require.LessOrEqual(o, o.count("/00gEveryone/users"), maxHolders/1000+1)
			})
		})
	}
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
		o.pass(5 * time.Minute)
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
			org.Roles.Intercept = failsAt(code, "E0000006", "/groups/00gA/users")
			work(t, org, func(o *office) {
				o.pass(time.Second)
				require.Equal(o, "ORG_ADMIN", o.actor("00uMember"))
				require.Equal(o, code == 401 || code == 403, o.wrong() != nil)
				org.Append(eventOf(o, "group.user_membership.add", "User 00uRoot", "User 00uNew", "UserGroup 00gAdmins").Raw)
				o.pass(time.Hour)
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
				o.pass(DefaultRefresh + time.Minute)
				require.NoError(o, o.wrong())
			})
		})
	}
}
