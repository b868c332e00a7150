package roles

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi/management"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

const (
	bound, unbound      = "iam.resourceset.bindings.add", "iam.resourceset.bindings.delete"
	userGrant, revoked  = "user.account.privilege.grant", "user.account.privilege.revoke"
	groupGrant          = "group.privilege.grant"
	joins, leaves       = "group.user_membership.add", "group.user_membership.remove"
	userGone, groupGone = "user.lifecycle.delete.completed", "group.lifecycle.delete"
	everyone            = "UserGroup 00gEveryone"
)

// is is an event of now, by the root user.
func (o *office) is(kind, granted string, parties ...string) event.Event {
	return eventAt(o, time.Now(), kind, granted, append([]string{"User 00uRoot"}, parties...)...)
}

// happens changes the org, and delivers nothing.
func (o *office) happens(kind, granted string, parties ...string) {
	o.Org.Append(o.is(kind, granted, parties...).Raw)
}

// passes delivers an event, which changes the org as well.
func (o *office) passes(kind, granted string, parties ...string) {
	ev := o.is(kind, granted, parties...)
	o.Org.Append(ev.Raw)
	o.see(ev)
}

// ofTarget is what an event has whose target is that.
func (o *office) ofTarget(party string) string {
	return o.see(eventOf(o, "user.session.start", "User 00uRoot", party)).TargetRoles
}

// Who is deleted while Okta is asked about them keeps nothing of the late answer.
func TestWhoIsDeletedWhileOktaIsAsked(t *testing.T) {
	for party, kind := range map[string]string{"User 00uSuper": userGone, "UserGroup 00gAdmins": groupGone} {
		t.Run(kind, func(t *testing.T) {
			org := smallOrg()
			work(t, org, func(o *office) {
				o.Pass(time.Minute)
				_, id, _ := strings.Cut(party, " ")
				o.Org.Set(func(org *oktasim.Org) {
					org.Roles.Intercept = func(_ int, r *http.Request) http.Handler {
						if !strings.HasSuffix(r.URL.Path, id+"/roles") {
							return nil
						}
						return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { // the answer is of before
							time.Sleep(2 * time.Second)
							fmt.Fprint(w, `[{"id":"r","type":"SUPER_ADMIN","label":"Super Administrator","assignmentType":"USER","status":"ACTIVE"}]`)
						})
					}
				})
				o.see(o.is(bound, "", party))
				o.Pass(time.Second)
				o.see(o.is(kind, "", party))
				require.Empty(o, o.ofTarget(party))
				o.Pass(2 * management.CertainAfter)
				require.Empty(o, o.ofTarget(party))
			})
		})
	}
}

// Memberships of a group that come again and again keep no role of the group's from its members.
func TestMembershipsDoNotDelayAGroupsRoles(t *testing.T) {
	org := smallOrg()
	org.Roles.Direct = true
	work(t, org, func(o *office) {
		o.Pass(time.Minute)
		grants := o.is(groupGrant, "", everyone)
		o.Org.Append(grants.Raw)
		o.happens(groupGrant, "Night shift", everyone) // before the keeper, which runs beside, sees the first
		o.see(grants)
		for i := range 60 {
			o.passes(joins, "", fmt.Sprintf("User 00uJoins%04d", i), everyone)
			if i == 10 {
				o.happens(groupGrant, "Super administrator", everyone) // is not delivered
			}
			o.Pass(30 * time.Second)
			if i == 0 {
				require.Equal(o, "CUSTOM_NIGHT_SHIFT", o.actor("00uNobody"), "at once")
			}
		}
		require.Equal(o, "SUPER_ADMIN", o.actor("00uNobody"), "after a refresh")
		require.Equal(o, "SUPER_ADMIN", o.actor("00uJoins0050"))
	})
}

// A list of members that trails leaves recent memberships as they are.
func TestAListOfMembersThatTrails(t *testing.T) {
	table, now := NewTable(), time.Now()
	table.assigned(map[string]struct{}{}, now, now)
	table.foundGroups(map[string]struct{}{"00gA": {}}, now, now)
	w, answer := turn{group, "00gA"}, held{own: []string{"ORG_ADMIN"}, date: now}
	table.answered(w, answer, now)
	table.hasMembers("00gA", map[string]struct{}{"00uOld": {}, "00uLeaves": {}}, now)
	for kind, id := range map[string]string{joins: "00uJoins", leaves: "00uLeaves"} {
		ev := eventAt(t, now.Add(time.Second), kind, "", "User 00uRoot", "User "+id, "UserGroup 00gA")
		table.Pass(&ev, now.Add(time.Second))
	}
	later := now.Add(30 * time.Second)
	table.hasMembers("00gA", map[string]struct{}{"00uOld": {}, "00uLeaves": {}, "00uOther": {}}, later)
	require.Equal(t, map[string]struct{}{"00uOld": {}, "00uJoins": {}, "00uOther": {}}, table.holders[group]["00gA"].members)
}

// An event that is delivered again does not undo what an early answer said.
func TestAnEventAgainAfterAnEarlyAnswer(t *testing.T) {
	work(t, smallOrg(), func(o *office) {
		o.Pass(time.Minute)
		revoke := o.is(revoked, "", "User 00uSuper")
		o.Org.Append(revoke.Raw)
		o.see(revoke)
		o.Pass(time.Second)
		o.happens(userGrant, "Night shift", "User 00uSuper")
		o.see(o.is(bound, "", "User 00uSuper"))
		o.Pass(5 * time.Second)
		require.Equal(o, "CUSTOM_NIGHT_SHIFT", o.actor("00uSuper"))
		o.see(revoke)
		require.Equal(o, "CUSTOM_NIGHT_SHIFT", o.actor("00uSuper"))
	})
}

// A second loss within a minute is asked about at once, as the first one was.
func TestTwoLossesAreAskedAtOnce(t *testing.T) {
	org := smallOrg()
	org.Roles.Users["00uThree"] = []string{"Night shift", "Day shift", "Noon"}
	work(t, org, func(o *office) {
		o.Pass(time.Minute)
		for _, left := range []string{"Day shift, Noon", "Noon"} {
			o.happens(userGrant, left, "User 00uThree")
			o.see(o.is(unbound, "", "User 00uThree"))
			o.Pass(5 * time.Second)
			require.Contains(o, o.actor("00uThree"), "CUSTOM_NOON")
		}
		o.Pass(management.CertainAfter)
		require.Equal(o, "CUSTOM_NOON", o.actor("00uThree"))
	})
}

// What a group lost, its members lose that have it by their own answers.
func TestWhatAGroupLostItsMembersLose(t *testing.T) {
	for name, c := range map[string]struct{ kind, granted string }{
		"an event names the others": {groupGrant, "Report administrator"},
		"a binding goes":            {unbound, ""},
		"Okta's answer":             {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			table, now := NewTable(), time.Now()
			table.assigned(map[string]struct{}{"00uA": {}}, now, now)
			table.foundGroups(map[string]struct{}{"00gA": {}}, now, now)
			both := []string{"CUSTOM_NIGHT_SHIFT", "REPORT_ADMIN"}
			table.answered(turn{group, "00gA"}, held{own: both, date: now}, now)
			table.answered(turn{user, "00uA"}, held{via: []via{{"00gA", both[0]}, {"00gA", both[1]}}, date: now}, now)
			now = now.Add(time.Second)
			if c.kind == "" {
				table.answered(turn{group, "00gA"}, held{own: both[1:], date: now}, now)
			} else {
				ev := eventAt(t, now, c.kind, c.granted, "User 00uRoot", "UserGroup 00gA")
				table.Pass(&ev, now)
			}
			roles, _ := table.shown.Load().of("00uA")
			require.Equal(t, "REPORT_ADMIN", roles)
		})
	}
}

// That members of a group cannot be read is told after a reload, too.
func TestAReloadForgetsNoTrouble(t *testing.T) {
	org := &oktasim.Org{Token: "s3cret", Roles: oktasim.Roles{Users: holdersOf(300, "APP_ADMIN"), Direct: true, Groups: map[string]oktasim.Group{
		"00gA": {Roles: []string{"SUPER_ADMIN"}, Members: []string{"00uOdd"}}}}}
	org.Roles.Intercept = failsAt(403, "/groups/00gA/users")
	work(t, org, func(o *office) {
		o.Pass(20 * time.Minute)
		require.ErrorContains(o, o.wrong(), "00gA")
		o.Stop()
		o.Told.Clear()
		o.Start()
		o.Pass(time.Second)
		require.ErrorContains(o, o.wrong(), "00gA")
	})
}

// When the scope for groups is granted, members are read of groups that were answered without it.
func TestTheScopeForGroupsIsGrantedLater(t *testing.T) {
	org := &oktasim.Org{Token: "s3cret", Roles: oktasim.Roles{Users: holdersOf(300, "APP_ADMIN"), Direct: true, Groups: map[string]oktasim.Group{
		"00gA": {Roles: []string{"SUPER_ADMIN"}, Members: []string{"00uOdd"}}}}}
	org.Roles.Intercept = failsAt(403, "/api/v1/groups", "/groups/00gA/users")
	work(t, org, func(o *office) {
		o.passes(groupGrant, "Super administrator", "UserGroup 00gA")
		o.Pass(time.Hour)
		require.Equal(o, ScopeGroups, o.scope())
		o.Org.Set(func(org *oktasim.Org) { org.Roles.Intercept = nil })
		o.Pass(DefaultRefresh + time.Second)
		require.NoError(o, o.wrong())
		require.Equal(o, "SUPER_ADMIN", o.actor("00uOdd"))
	})
}

// A request that is refused after an event is made once more when Okta is certain to know.
func TestARefusalAfterAnEventIsNotTheLastWord(t *testing.T) {
	work(t, smallOrg(), func(o *office) {
		o.Pass(time.Minute)
		o.Org.Set(func(org *oktasim.Org) { org.Roles.Intercept = failsAt(403, "00uSuper/roles") })
		o.happens(userGrant, "Night shift, Super administrator", "User 00uSuper")
		o.see(o.is(bound, "", "User 00uSuper"))
		o.Pass(5 * time.Second)
		o.Org.Set(func(org *oktasim.Org) { org.Roles.Intercept = nil })
		o.Pass(management.CertainAfter)
		require.Equal(o, "CUSTOM_NIGHT_SHIFT,SUPER_ADMIN", o.actor("00uSuper"))
	})
}

// A group's first role is seen at its members within seconds, also when the event names it.
func TestAGroupsFirstRoleIsSeenAtOnce(t *testing.T) {
	org := smallOrg()
	org.Roles.Direct = true
	work(t, org, func(o *office) {
		o.Pass(time.Minute)
		o.passes(groupGrant, "Super administrator", everyone)
		o.Pass(5 * time.Second)
		require.Equal(o, "SUPER_ADMIN", o.actor("00uNobody"))
	})
}

// An early answer has the roles through groups, too.
func TestAnEarlyAnswerHasRolesThroughGroups(t *testing.T) {
	table, now := NewTable(), time.Now()
	table.assigned(map[string]struct{}{"00uA": {}}, now, now)
	ev := eventAt(t, now, bound, "", "User 00uRoot", "User 00uA")
	table.Pass(&ev, now)
	table.tries(turn{user, "00uA"}, now)
	table.answered(turn{user, "00uA"}, held{via: []via{{"00gA", "ORG_ADMIN"}}, date: now}, now.Add(time.Second))
	roles, _ := table.shown.Load().of("00uA")
	require.True(t, slices.Equal([]string{"ORG_ADMIN"}, strings.Split(roles, ",")), roles)
	require.NotNil(t, table.holders[group]["00gA"])
}
