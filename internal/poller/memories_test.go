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

func TestMemoriesOfAReloadAreKept(t *testing.T) {
	var all Memories
	owner := func(i int) Owner { return Owner{"a", fmt.Sprint(i), ""} }
	var used []*Memory
	for i := range maxUnused {
		used = append(used, all.Take(owner(i)))
	}
	for _, m := range used {
		all.Release(m)
	}
	for i, m := range used {
		require.Same(t, m, all.Take(owner(i)))
	}
}

func TestMemoriesThatNobodyUsesAreBounded(t *testing.T) {
	var all Memories
	owner := func(i int) Owner { return Owner{"a", fmt.Sprint(i), ""} }
	kept := all.Take(owner(0))
	for i := range maxUnused + 100 {
		all.Release(all.Take(owner(1 + i)))
	}
	require.Len(t, all.all, 1+maxUnused)
	all.Release(kept)
	require.Same(t, kept, all.Take(owner(0)), "what was given back last stays")
}
