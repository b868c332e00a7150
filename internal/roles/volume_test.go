//go:build !race

package roles

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktasim"
)

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
