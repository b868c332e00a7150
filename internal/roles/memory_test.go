//go:build !race

package roles

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/testbed"
)

// filled is a table as after its first refreshes: users with two roles each, and a group with members.
func filled(users, members int) *Table {
	t, now := NewTable(), time.Now()
	ids, inside := map[string]struct{}{}, map[string]struct{}{}
	for i := range users {
		ids[fmt.Sprintf("00uAdministrator%04d", i)] = struct{}{}
	}
	for i := range members {
		inside[fmt.Sprintf("00uMemberOf%09d", i)] = struct{}{}
	}
	t.assigned(ids, now, now)
	for id := range ids {
		if len(ids) < 1000 {
			t.answered(turn{user, id}, held{own: []string{"APP_ADMIN", "CUSTOM_NIGHT_SHIFT"}, date: now}, now)
		}
	}
	t.foundGroups(map[string]struct{}{"00gOperations0000001": {}}, now, now)
	t.answered(turn{group, "00gOperations0000001"}, held{own: []string{"ORG_ADMIN"}, date: now}, now)
	t.hasMembers("00gOperations0000001", inside, now)
	return t
}

// everybody is a table of an org that lists more role holders than are kept, each by a group.
func everybody() *Table {
	t, now, ids := NewTable(), time.Now(), map[string]struct{}{}
	for i := range maxHolders + 1 {
		ids[fmt.Sprintf("00uMemberOf%09d", i)] = struct{}{}
	}
	t.assigned(ids, now, now)
	for id := range ids {
		t.answered(turn{user, id}, held{via: []via{{"00gOperations0000001", "ORG_ADMIN"}}, date: now}, now)
	}
	return t
}

func TestTablesAreSmall(t *testing.T) {
	one := testbed.HeapOf(func() any { return filled(300, 0) })
	require.Less(t, one, uint64(5<<20)/20, "300 administrators")
	most := testbed.HeapOf(func() any { return filled(300, maxHolders-300) })
	require.Less(t, most, uint64(5<<20), "as many as a table keeps")
	many := testbed.HeapOf(func() any {
		var all []*Table
		for range 500 {
			all = append(all, filled(300, 0))
		}
		return all
	})
	require.Less(t, many, uint64(100<<20), "500 orgs of 300 administrators")
	listed := testbed.HeapOf(func() any { return everybody() })
	require.Less(t, listed, uint64(9<<20), "as many, each with a role through a group")
	t.Logf("300 administrators: %d KB; with %d members: %d KB; %d of a list: %d KB; 500 orgs: %d MB", one>>10, maxHolders-300, most>>10,
		maxHolders, listed>>10, many>>20)
}

// More than a table keeps are not kept, and it says so.
func TestATableIsBounded(t *testing.T) {
	full := filled(300, maxHolders)
	require.True(t, full.Status().Full)
	require.Equal(t, 300, full.Status().Users)
	require.True(t, filled(maxHolders+1, 0).Status().Full)
	now := time.Now().Add(time.Second)
	for i := range 2 * maxHolders {
		for _, kind := range []string{"add", "remove"} { // those that leave are remembered, too
			if member := fmt.Sprintf("00uMoves%09d", i); kind == "add" || i%2 == 0 {
				ev := eventAt(t, now.Add(time.Duration(i)*time.Millisecond), "group.user_membership."+kind, "", "User 00uRoot", "User "+member,
					"UserGroup 00gOperations0000001")
				full.Pass(&ev, now)
			}
		}
	}
	g := full.holders[group]["00gOperations0000001"]
	require.LessOrEqual(t, len(g.members), maxHolders-300)
	require.LessOrEqual(t, len(g.moved), maxHolders)
	for i := range 2 * maxClients {
		ev := eventOf(t, "app.oauth2.token.grant", fmt.Sprintf("%s 0oaClient%d", clientType, i))
		full.Of(&ev, now)
	}
	require.Len(t, full.holders[client], maxClients)
}

// BenchmarkOf is what an event costs whose parties hold roles, and one whose do not.
func BenchmarkOf(b *testing.B) {
	table := filled(300, 0)
	for name, ev := range map[string][]string{
		"administrator": {"User 00uAdministrator0007", "User 00uAdministrator0008", "UserGroup 00gOther"},
		"other":         {"User 00uX", "User 00uY", "AppInstance 0oaX"},
	} {
		b.Run(name, func(b *testing.B) {
			event, now := eventOf(b, "user.session.start", ev...), time.Now()
			b.ReportAllocs()
			for b.Loop() {
				table.Of(&event, now)
			}
		})
	}
}

// BenchmarkPass is what an event costs that changes the roles of one in a full table.
func BenchmarkPass(b *testing.B) {
	table, now := filled(300, maxHolders-300), time.Now()
	ev := eventAt(b, now.Add(time.Second), "group.user_membership.add", "", "User 00uX", "User 00uY", "UserGroup 00gOperations0000001")
	for b.Loop() {
		table.Pass(&ev, now)
	}
}
