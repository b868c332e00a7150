package poller

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// takes takes at once what nobody else has.
func takes(t *testing.T, all *Memories, o Owner) *Memory {
	t.Helper()
	m, err := all.Take(t.Context(), o)
	require.NoError(t, err)
	return m
}

func TestMemoriesFollowOrgAndDestination(t *testing.T) {
	var all Memories
	home := Owner{"a", "acme", "loki"}
	first := takes(t, &all, home)
	all.Release(first)
	other := takes(t, &all, Owner{"a", "other", "loki"})
	require.NotSame(t, first, other, "another org in the same folder")
	all.Release(other)
	require.NotSame(t, first, takes(t, &all, Owner{"c", "acme", "file"}), "another destination")
	renamed := takes(t, &all, Owner{"d", "acme", "loki"})
	require.Same(t, first, renamed)
	all.Release(renamed)
	require.Same(t, first, takes(t, &all, home), "renamed back")
	require.Same(t, other, takes(t, &all, Owner{"a", "other", "x"}), "it knows its own folder")
}

func TestMemoriesOfAReloadAreKept(t *testing.T) {
	var all Memories
	owner := func(i int) Owner { return Owner{"a", fmt.Sprint(i), ""} }
	var used []*Memory
	for i := range maxUnused {
		used = append(used, takes(t, &all, owner(i)))
	}
	for _, m := range used {
		all.Release(m)
	}
	for i, m := range used {
		require.Same(t, m, takes(t, &all, owner(i)))
	}
}

func TestMemoriesThatNobodyUsesAreBounded(t *testing.T) {
	var all Memories
	owner := func(i int) Owner { return Owner{"a", fmt.Sprint(i), ""} }
	kept := takes(t, &all, owner(0))
	for i := range maxUnused + 100 {
		all.Release(takes(t, &all, owner(1+i)))
	}
	require.Len(t, all.all, 1+maxUnused)
	all.Release(kept)
	require.Same(t, kept, takes(t, &all, owner(0)), "what was given back last stays")
}

// In one reload an org comes to a component before it is taken from another.
func TestAMemoryIsWaitedForThatAnotherComponentStillHas(t *testing.T) {
	for name, c := range map[string]struct {
		releases time.Duration // 0: never
		next     Owner
		waits    time.Duration
		same     bool
	}{
		"one that goes":               {releases: time.Second, next: Owner{"b", "acme", "loki"}, waits: time.Second, same: true},
		"one that stays beside it":    {next: Owner{"b", "acme", "loki"}, waits: ownerEnds},
		"the component's own":         {releases: time.Second, next: Owner{"a", "acme", "loki"}, waits: time.Second, same: true},
		"another destination":         {next: Owner{"b", "acme", "file"}},
		"another org of its folder":   {next: Owner{"a", "other", "loki"}},
		"one that goes, but too late": {releases: time.Minute, next: Owner{"b", "acme", "loki"}, waits: ownerEnds},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var all Memories
				first := takes(t, &all, Owner{"a", "acme", "loki"})
				if c.releases > 0 {
					time.AfterFunc(c.releases, func() { all.Release(first) })
				}
				begin := time.Now()
				got := takes(t, &all, c.next)
				require.Equal(t, c.waits, time.Since(begin))
				require.Equal(t, c.same, got == first)
				time.Sleep(time.Hour)
			})
		})
	}
}

// Two components swap their names: each waits for the other's.
func TestMemoriesAreSwapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all Memories
		x, y := takes(t, &all, Owner{"a", "x", "loki"}), takes(t, &all, Owner{"b", "y", "loki"})
		got := make(chan *Memory)
		all.Release(x)
		go func() { got <- takes(t, &all, Owner{"a", "y", "loki"}) }()
		time.Sleep(time.Second)
		all.Release(y)
		require.Same(t, y, <-got)
		require.Same(t, x, takes(t, &all, Owner{"b", "x", "loki"}))
	})
}

func TestAWaitForAMemoryEndsWithItsContext(t *testing.T) {
	var all Memories
	takes(t, &all, Owner{"a", "acme", "loki"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := all.Take(ctx, Owner{"b", "acme", "loki"})
	require.ErrorIs(t, err, context.Canceled)
}

func TestAMemoryIsFoundWhereItDeliversNow(t *testing.T) {
	var all Memories
	m := takes(t, &all, Owner{"a", "acme", "loki"})
	all.Readdress(m, "file")
	all.Release(m)
	require.NotSame(t, m, takes(t, &all, Owner{"b", "acme", "loki"}))
	require.Same(t, m, takes(t, &all, Owner{"c", "acme", "file"}))
}
