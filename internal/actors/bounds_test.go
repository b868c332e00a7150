//go:build !race

package actors

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/testbed"
)

// 200,000 users pass by: what is kept, who waits and what Okta is asked are bounded, and who acts often is known.
func TestEverybodyActs(t *testing.T) {
	org := &oktasim.Org{Token: "s3cret", Roles: oktasim.Roles{Users: map[string][]string{}}}
	work(t, org, nil, func(o *office) {
		const hours = 1
		for i := range 200_000 {
			id := fmt.Sprintf("00uActs%09d", i)
			if i%100 == 0 {
				id = fmt.Sprintf("00uOften%09d", i/100%100)
			}
			events, err := event.Scan(fmt.Appendf(nil, `[{"uuid":"u","actor":{"type":"User","id":%q}}]`, id))
			require.NoError(o, err)
			o.known.Add(&event.Context{}, &events[0], time.Now())
			if i%100 == 0 {
				o.Pass(hours * time.Hour / 2000)
			}
		}
		status := o.known.Status()
		require.LessOrEqual(o, status.Waiting, maxQueue+1)
		require.LessOrEqual(o, status.Profiles, hours*60*perMinute+burst)
		perMinuteSeen := map[int64]int{}
		for _, r := range o.Org.Requests() {
			perMinuteSeen[r.Time.Unix()/60]++
		}
		total := 0
		for minute, n := range perMinuteSeen {
			require.LessOrEqual(o, n, perMinute+burst, minute)
			total += n
		}
		require.LessOrEqual(o, total, hours*60*perMinute+burst)
		_, err := o.Told.Last()
		require.NoError(o, err, "that not all are known is nothing wrong")
	})
}

// fill has as many users known as they are, with values of a length each.
func fill(k *Known, users, length int) {
	now := time.Now()
	for i := range users {
		k.mu.Lock()
		k.want(fmt.Sprintf("00uKnown%012d", i))
		k.mu.Unlock()
		k.next(now)
		k.answered([]string{strings.Repeat("d", length), fmt.Sprintf("%0*d", length, i)}, now)
	}
}

// The cache is bounded by users and by bytes; who did not act for the longest time goes.
func TestTheCacheIsBounded(t *testing.T) {
	for name, c := range map[string]struct{ length, least int }{
		"by users": {16, maxUsers}, "by bytes": {maxValue, maxBytes / (costOfUser + 2*(16+maxValue))},
	} {
		t.Run(name, func(t *testing.T) {
			k := New(attributes, nil)
			fill(k, 2*maxUsers, c.length)
			require.Equal(t, c.least, k.users.Len())
			require.LessOrEqual(t, k.bytes, maxBytes)
			_, first := k.users.Peek(fmt.Sprintf("00uKnown%012d", 0))
			_, last := k.users.Peek(fmt.Sprintf("00uKnown%012d", 2*maxUsers-1))
			require.False(t, first)
			require.True(t, last)
			sum := 0
			for _, u := range k.users.Values() {
				sum += u.cost()
			}
			require.Equal(t, sum, k.bytes, "what goes is subtracted")
		})
	}
}

func TestMemoryIsBounded(t *testing.T) {
	nothing := testbed.HeapOf(func() any { return many(500, 0) })
	require.Less(t, nothing, uint64(1<<20), "500 orgs of which nothing is known")
	usual := testbed.HeapOf(func() any { return many(500, 300) })
	require.Less(t, usual, uint64(60<<20), "500 orgs of 300 users")
	full := testbed.HeapOf(func() any { return many(1, maxUsers) })
	require.Less(t, full, uint64(maxBytes), "one org of as many as are kept")
	long := testbed.HeapOf(func() any {
		k := New(attributes, nil)
		fill(k, 2*maxUsers, maxValue)
		return k
	})
	require.Less(t, long, uint64(maxBytes)*5/4, "as many bytes as are kept")
	members := testbed.HeapOf(func() any {
		k, ids := New(nil, []string{"VIP"}), map[string]struct{}{}
		for i := range maxMembers {
			ids[fmt.Sprintf("00uMember%011d", i)] = struct{}{}
		}
		k.found(map[string]string{"00gVIP": "VIP"})
		k.listed("00gVIP", ids, time.Now(), time.Now())
		return k
	})
	require.Less(t, members, uint64(3<<20), "as many members as are kept")
	t.Logf("500 orgs with nothing: %d KB; of 300 users: %d KB; %d users: %d KB; with long values: %d KB; %d members: %d KB",
		nothing>>10, usual>>10, maxUsers, full>>10, long>>10, maxMembers, members>>10)
}

func many(orgs, users int) (all []*Known) {
	for range orgs {
		k := New(attributes, nil)
		fill(k, users, 16)
		all = append(all, k)
	}
	return all
}

// A group with more members than there is room for has none, is told, and is read no further; others go on.
func TestANamedGroupThatIsTooLarge(t *testing.T) {
	org := smallOrg()
	var crowd []string
	for i := range 2 * maxMembers {
		crowd = append(crowd, fmt.Sprintf("00u%09d", i))
	}
	org.Roles.Groups["00gEverybody"] = oktasim.Group{Name: "Everybody", Members: crowd}
	work(t, org, []string{"VIP", "Everybody"}, func(o *office) {
		o.Pass(5 * time.Minute)
		_, err := o.Told.Last()
		require.ErrorContains(o, err, `members of group "Everybody"`)
		require.ErrorContains(o, err, "20000 are kept of all groups together")
		require.Equal(o, "VIP", o.groups("00uMara"))
		require.Empty(o, o.groups("00u000000001"))
		o.see(eventAt(o, time.Now(), joins, "System root", "User 00uNew", "UserGroup 00gEverybody"))
		require.Empty(o, o.groups("00uNew"), "one of so many would mislead")
		require.LessOrEqual(o, o.count("00gEverybody"), maxMembers/200+1)
	})
}

// BenchmarkAdd is what an event costs whose actor is known.
func BenchmarkAdd(b *testing.B) {
	k := New(attributes, []string{"VIP"})
	fill(k, maxUsers, 16)
	ev, now := eventAt(b, time.Now(), "user.session.start", fmt.Sprintf("User 00uKnown%012d", 7)), time.Now()
	b.ReportAllocs()
	for b.Loop() {
		var c event.Context
		k.Add(&c, &ev, now)
	}
}
