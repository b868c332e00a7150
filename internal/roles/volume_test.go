//go:build !race

package roles

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktaapi/auth"
	"github.com/grafana/alloy/okta/internal/oktaapi/management/managementtest"
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
				o.Pass(c.known)
				require.Equal(o, "APP_ADMIN", o.actor("00uAdministrator0007"))
				require.ErrorContains(o, o.wrong(), c.says)
				require.Equal(o, ScopeGroups, o.scope())
				status := o.table.Status()
				require.True(o, status.Full)
				require.LessOrEqual(o, status.Users, maxHolders)
				perMinute := map[int64]int{}
				for _, r := range o.Org.Requests() {
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

// 500 orgs with keepers at the defaults, which start together: what they ask is spread over 100 seconds, at the start and at each refresh.
func TestRefreshesOfManyOrgsAreSpread(t *testing.T) {
	const orgs, users = 500, 4
	synctest.Test(t, func(t *testing.T) {
		token, err := auth.NewSSWS("s3cret")
		require.NoError(t, err)
		var budgets oktaapi.Budgets
		var keepers sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		var all []*oktasim.Org
		var tables []*Table
		for i := range orgs {
			org := &oktasim.Org{Token: "s3cret", Roles: oktasim.Roles{Users: holdersOf(users, "APP_ADMIN"), Groups: map[string]oktasim.Group{}}}
			pipe := org.Pipe()
			defer pipe.Close()
			u, _, err := oktaapi.ParseOrg(pipe.URL)
			require.NoError(t, err)
			table := NewTable()
			keeper := New(Config{Org: fmt.Sprintf("https://org-%d.okta.com", i), Table: table, Trouble: &managementtest.Told{}, Refresh: DefaultRefresh,
				Orgs: orgs, Ask: NewAsk(oktaapi.Config{Org: u, Auth: token, HTTP: pipe.Client(), UserAgent: "test"},
					func(bucket string) *oktaapi.Budget { return budgets.For(fmt.Sprint(i, bucket)) })})
			keepers.Go(func() { keeper.Run(ctx) })
			all, tables = append(all, org), append(tables, table)
		}
		defer keepers.Wait()
		defer cancel()
		began := time.Now()
		time.Sleep(DefaultRefresh + 2*time.Minute)
		synctest.Wait()
		perTen, total := map[time.Duration]int{}, 0
		for i, org := range all {
			require.Equal(t, users, tables[i].Status().Users)
			for _, r := range org.Requests() {
				perTen[r.Time.Sub(began)/(10*time.Second)]++
				total++
			}
		}
		most := slices.Max(slices.Collect(maps.Values(perTen)))
		require.Less(t, most, 75*(users+2), "50 orgs on average")
		require.Len(t, perTen, 2*10, "of the start and a refresh")
		t.Logf("%d requests of %d orgs at the start and at a refresh, %d at most in ten seconds", total, orgs, most)
	})
}
