//go:build !race

package roles

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// That somebody was left out is told until there is room again, and not only until the next list of users.
func TestAFullTableIsFullUntilThereIsRoom(t *testing.T) {
	table, now := filled(300, maxHolders-300), time.Now().Add(time.Second)
	users, members := map[string]struct{}{}, map[string]struct{}{"00uX": {}}
	for id := range table.holders[user] {
		users[id] = struct{}{}
	}
	ev := eventAt(t, now, "group.user_membership.add", "", "User 00uRoot", "User 00uX", "UserGroup 00gOperations0000001")
	table.Pass(&ev, now)
	for range 3 {
		require.True(t, table.Status().Full)
		require.True(t, table.overflows())
		now = now.Add(DefaultRefresh)
		table.assigned(users, now, now)
	}
	table.hasMembers("00gOperations0000001", members, now)
	table.assigned(users, now, now)
	require.False(t, table.Status().Full)
}
