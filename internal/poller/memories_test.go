package poller

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMemoriesFollowOrgAndDestination(t *testing.T) {
	var all Memories
	home := Owner{"a", "acme", "loki"}
	first := all.Take(home)
	require.NotSame(t, first, all.Take(Owner{"b", "acme", "loki"}), "it is in use")
	all.Release(first)
	other := all.Take(Owner{"a", "other", "loki"})
	require.NotSame(t, first, other, "another org in the same folder")
	all.Release(other)
	require.NotSame(t, first, all.Take(Owner{"c", "acme", "file"}), "another destination")
	renamed := all.Take(Owner{"d", "acme", "loki"})
	require.Same(t, first, renamed)
	all.Release(renamed)
	require.Same(t, first, all.Take(home), "renamed back")
	require.Same(t, other, all.Take(Owner{"a", "other", "x"}), "it knows its own folder")
}

func TestMemoriesInUseAreKept(t *testing.T) {
	var all Memories
	owner := func(i int) Owner { return Owner{fmt.Sprint(i), fmt.Sprint(i), ""} }
	var used []*Memory
	for i := range 2 * maxMemories {
		used = append(used, all.Take(owner(i)))
	}
	for i, m := range used { // a reload of each
		all.Release(m)
		require.Same(t, m, all.Take(owner(i)))
	}
	for _, m := range used {
		all.Release(m)
	}
	for i := range 2 * maxMemories {
		all.Release(all.Take(owner(1000 + i)))
	}
	require.LessOrEqual(t, len(all.all), 2*maxMemories)
}
