package roles

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi/management"
)

// Each row is an event, and what somebody's next event has. Okta's answers trail: here they do not change at all before a minute has
// passed.
func TestTheNextEventHasWhatAnEventChanged(t *testing.T) {
	for name, c := range map[string]struct {
		kind, granted string
		parties       []string
		want          map[string]string
		target        string // target_roles of the event itself
	}{
		"a user gets a role": {
			"user.account.privilege.grant", "Super administrator", []string{"User 00uNobody"}, map[string]string{"00uNobody": "SUPER_ADMIN"}, "",
		},
		"a user gets one more": {
			"user.account.privilege.grant", "Super administrator, Report administrator", []string{"User 00uSuper"},
			map[string]string{"00uSuper": "REPORT_ADMIN,SUPER_ADMIN"}, "SUPER_ADMIN",
		},
		"a user loses one of two": {
			"user.account.privilege.grant", "Night shift, Organization administrator", []string{"User 00uTwo"},
			map[string]string{"00uTwo": "CUSTOM_NIGHT_SHIFT,ORG_ADMIN"}, "CUSTOM_NIGHT_SHIFT,HELP_DESK_ADMIN,ORG_ADMIN",
		},
		"a user loses all": {
			"user.account.privilege.revoke", "", []string{"User 00uSuper"}, map[string]string{"00uSuper": ""}, "SUPER_ADMIN",
		},
		"a user loses all, of groups too": {
			"user.account.privilege.revoke", "", []string{"User 00uTwo"}, map[string]string{"00uTwo": "", "00uMember": "ORG_ADMIN"},
			"CUSTOM_NIGHT_SHIFT,HELP_DESK_ADMIN,ORG_ADMIN",
		},
		"a user is deleted": {
			"user.lifecycle.delete.initiated", "", []string{"User 00uSuper"}, map[string]string{"00uSuper": ""}, "SUPER_ADMIN",
		},
		"a user joins a group with a role": {
			"group.user_membership.add", "", []string{"User 00uNobody", "UserGroup 00gAdmins"},
			map[string]string{"00uNobody": "ORG_ADMIN"}, "ORG_ADMIN",
		},
		"a user joins another group": {
			"group.user_membership.add", "", []string{"User 00uNobody", "UserGroup 00gEveryone"}, map[string]string{"00uNobody": ""}, "",
		},
		"a user leaves a group with a role": {
			"group.user_membership.remove", "", []string{"User 00uMember", "UserGroup 00gAdmins"}, map[string]string{"00uMember": ""}, "ORG_ADMIN",
		},
		"a user leaves it and has others": {
			"group.user_membership.remove", "", []string{"User 00uTwo", "UserGroup 00gAdmins"},
			map[string]string{"00uTwo": "CUSTOM_NIGHT_SHIFT,HELP_DESK_ADMIN"}, "CUSTOM_NIGHT_SHIFT,HELP_DESK_ADMIN,ORG_ADMIN",
		},
		"a group gets another role": {
			"group.privilege.grant", "Report administrator", []string{"UserGroup 00gAdmins"},
			map[string]string{"00uMember": "REPORT_ADMIN"}, "ORG_ADMIN",
		},
		"a group loses all": {
			"group.privilege.revoke", "", []string{"UserGroup 00gAdmins"},
			map[string]string{"00uMember": "", "00uTwo": "CUSTOM_NIGHT_SHIFT,HELP_DESK_ADMIN"}, "ORG_ADMIN",
		},
		"a group is deleted": {
			"group.lifecycle.delete", "", []string{"UserGroup 00gAdmins"}, map[string]string{"00uMember": ""}, "ORG_ADMIN",
		},
		"a client app gets a role": {
			"app.oauth2.client.privilege.grant", "Super administrator", []string{"PublicClientApp 0oaHarmless"},
			map[string]string{"0oaHarmless": "SUPER_ADMIN"}, "",
		},
		"a binding is added": {
			"iam.resourceset.bindings.add", "", []string{"User 00uNobody", "ResourceSet iam1"}, map[string]string{"00uNobody": "ADMIN"}, "",
		},
		"a binding goes": {
			"iam.resourceset.bindings.delete", "", []string{"User 00uTwo", "ResourceSet iam1"},
			map[string]string{"00uTwo": "HELP_DESK_ADMIN,ORG_ADMIN"}, "CUSTOM_NIGHT_SHIFT,HELP_DESK_ADMIN,ORG_ADMIN",
		},
	} {
		t.Run(name, func(t *testing.T) {
			work(t, smallOrg(), func(o *office) {
				o.Pass(time.Minute)
				asksAtOnce := strings.HasPrefix(c.kind, "iam.")
				if asksAtOnce { // which is another test's
					o.Stop()
				}
				ev := eventAt(o, time.Now(), c.kind, c.granted, append([]string{"User 00uRoot"}, c.parties...)...)
				require.Equal(o, c.target, o.see(ev).TargetRoles, "what was held when it happened")
				for id, want := range c.want {
					require.Equal(o, want, o.actor(id), id)
				}
				if asksAtOnce {
					return
				}
				o.Pass(management.CertainAfter - time.Second)
				for id, want := range c.want {
					require.Equal(o, want, o.actor(id), "answers that trail undo nothing: %s", id)
				}
			})
		})
	}
}

// What an event does not tell is asked for at once, and again a minute later. An answer that trails takes nothing away that an event told.
func TestWhatAnEventDoesNotTellIsAskedForTwice(t *testing.T) {
	const night = "CUSTOM_NIGHT_SHIFT"
	type says struct{ kind, granted, party string }
	for name, c := range map[string]struct {
		passes, atOnce, trails []says // events that pass; what Okta knows at once, and half a minute later
		who, soon, last        string // whose roles, and those after seconds and after a minute
	}{
		"a new holder": {
			passes: []says{{bound, "", "User 00uNobody"}}, atOnce: []says{{userGrant, "Night shift", "User 00uNobody"}},
			who: "00uNobody", soon: night, last: night,
		},
		"a new holder, and Okta trails": {
			passes: []says{{bound, "", "User 00uNobody"}}, trails: []says{{userGrant, "Night shift", "User 00uNobody"}},
			who: "00uNobody", soon: Unresolved, last: night,
		},
		"a grant that names no role, and Okta trails": {
			passes: []says{{userGrant, "", "User 00uNobody"}}, trails: []says{{userGrant, "Night shift", "User 00uNobody"}},
			who: "00uNobody", soon: Unresolved, last: night,
		},
		"one role more, and Okta trails": {
			passes: []says{{bound, "", "User 00uSuper"}}, trails: []says{{userGrant, "Night shift, Super administrator", "User 00uSuper"}},
			who: "00uSuper", soon: "SUPER_ADMIN", last: night + ",SUPER_ADMIN",
		},
		"a group": {
			passes: []says{{bound, "", everyone}}, atOnce: []says{{groupGrant, "Night shift", everyone}},
			who: "00uNobody", soon: night, last: night,
		},
		"a group, and Okta trails": {
			passes: []says{{bound, "", everyone}}, trails: []says{{groupGrant, "Night shift", everyone}},
			who: "00uNobody", soon: "", last: night,
		},
		"another event told, and Okta trails": {
			passes: []says{{userGrant, "Report administrator", "User 00uSuper"}, {bound, "", "User 00uSuper"}},
			trails: []says{{userGrant, "Report administrator, Night shift", "User 00uSuper"}},
			who:    "00uSuper", soon: "REPORT_ADMIN,SUPER_ADMIN", last: night + ",REPORT_ADMIN",
		},
		"one of two is lost": {
			passes: []says{{unbound, "", "User 00uTwo"}}, atOnce: []says{{userGrant, "Day shift, Organization administrator", "User 00uTwo"}},
			who: "00uTwo", soon: "CUSTOM_DAY_SHIFT,HELP_DESK_ADMIN,ORG_ADMIN", last: "CUSTOM_DAY_SHIFT,ORG_ADMIN",
		},
		"the last is lost, as another event told, and Okta trails": {
			passes: []says{{revoked, "", "User 00uSuper"}, {unbound, "", "User 00uSuper"}}, trails: []says{{revoked, "", "User 00uSuper"}},
			who: "00uSuper", soon: "", last: "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			work(t, smallOrg(), func(o *office) {
				o.Pass(time.Minute)
				for _, s := range c.atOnce {
					o.happens(s.kind, s.granted, s.party)
				}
				for _, s := range c.passes {
					o.see(o.is(s.kind, s.granted, s.party))
				}
				o.Pass(5 * time.Second)
				require.Equal(o, c.soon, o.actor(c.who))
				o.Pass(management.CertainAfter / 2)
				for _, s := range c.trails {
					o.happens(s.kind, s.granted, s.party)
				}
				require.Equal(o, c.soon, o.actor(c.who))
				o.Pass(management.CertainAfter)
				require.Equal(o, c.last, o.actor(c.who))
			})
		})
	}
}

// Okta has the last word: what an event said and Okta does not confirm after a minute is undone, and what it confirms stays.
func TestOktaIsAskedWhetherItIsSo(t *testing.T) {
	org := smallOrg()
	work(t, org, func(o *office) {
		o.see(eventAt(o, time.Now(), "user.account.privilege.grant", "Super administrator", "User 00uRoot", "User 00uLiar"))
		confirmed := eventAt(o, time.Now(), "user.account.privilege.grant", "Report administrator", "User 00uRoot", "User 00uNew")
		org.Append(confirmed.Raw)
		o.see(confirmed)
		o.Pass(management.CertainAfter + time.Second)
		require.Empty(o, o.actor("00uLiar"))
		require.Equal(o, "REPORT_ADMIN", o.actor("00uNew"))
		o.Pass(2 * DefaultRefresh)
		require.Empty(o, o.actor("00uLiar"))
		require.Equal(o, "REPORT_ADMIN", o.actor("00uNew"))
	})
}

// Who was deleted is not asked about, also when that was due.
func TestWhoWasDeletedIsLeftAlone(t *testing.T) {
	work(t, smallOrg(), func(o *office) {
		o.Pass(time.Minute)
		before := len(o.Org.Requests())
		for _, kind := range []string{"user.account.privilege.grant", "user.lifecycle.delete.initiated"} {
			o.see(eventAt(o, time.Now(), kind, "Super administrator", "User 00uRoot", "User 00uShort"))
		}
		o.Pass(5 * time.Minute)
		require.Empty(o, o.actor("00uShort"))
		require.Len(o, o.Org.Requests(), before)
	})
}

// A group that gets its first role has its members asked for.
func TestMembersOfAGroupThatGetsARole(t *testing.T) {
	org := smallOrg()
	work(t, org, func(o *office) {
		grant := eventAt(o, time.Now(), "group.privilege.grant", "Report administrator", "User 00uRoot", "UserGroup 00gEveryone")
		org.Append(grant.Raw)
		o.see(grant)
		o.Pass(management.CertainAfter + time.Second)
		require.Equal(o, "REPORT_ADMIN", o.actor("00uNobody"))
	})
}

// An event that is older than what is known, or comes again, changes nothing; nor does one that failed, or is of another type.
func TestEventsThatChangeNothing(t *testing.T) {
	org := smallOrg()
	work(t, org, func(o *office) {
		hour := time.Now().Add(-time.Hour)
		o.see(eventAt(o, hour, "user.account.privilege.revoke", "", "User 00uRoot", "User 00uSuper"))
		o.see(eventAt(o, hour, "user.account.privilege.grant", "Super administrator", "User 00uRoot", "User 00uNobody"))
		o.see(eventAt(o, hour, "group.user_membership.remove", "", "User 00uRoot", "User 00uMember", "UserGroup 00gAdmins"))
		require.Equal(o, "SUPER_ADMIN", o.actor("00uSuper"))
		require.Empty(o, o.actor("00uNobody"))
		require.Equal(o, "ORG_ADMIN", o.actor("00uMember"))

		o.Pass(time.Second)
		grant := eventAt(o, time.Now(), "user.account.privilege.grant", "Super administrator", "User 00uRoot", "User 00uNobody")
		o.see(grant)
		o.Pass(time.Second)
		o.see(eventAt(o, time.Now(), "user.account.privilege.revoke", "", "User 00uRoot", "User 00uNobody"))
		o.see(grant) // delivered again
		require.Empty(o, o.actor("00uNobody"))

		failed := eventAt(o, time.Now(), "user.account.privilege.revoke", "", "User 00uRoot", "User 00uSuper")
		failed.Raw = []byte(strings.Replace(string(failed.Raw), "SUCCESS", "FAILURE", 1))
		o.see(failed)
		o.see(eventOf(o, "user.mfa.factor.deactivate", "User 00uRoot", "User 00uSuper"))
		require.Equal(o, "SUPER_ADMIN", o.actor("00uSuper"))
		for _, id := range []string{"", "../../logs", strings.Repeat("x", 200)} { // what is no id is asked for nowhere
			o.see(eventAt(o, time.Now(), "user.account.privilege.grant", "Super administrator", "User 00uRoot", "User "+id))
		}
		o.Pass(5 * time.Minute)
		for _, r := range o.Org.Requests() {
			require.NotContains(o, r.URL, "..")
			require.Less(o, len(r.URL), 100)
		}
	})
}

// A membership that is older than the newest of that group and member, because it is delivered again, undoes nothing.
func TestAnOlderMembershipUndoesNothing(t *testing.T) {
	work(t, smallOrg(), func(o *office) {
		o.Pass(time.Minute)
		at := func(after time.Duration, kind, id string) event.Event {
			return eventAt(o, time.Now().Add(after), "group.user_membership."+kind, "", "User 00uRoot", "User "+id, "UserGroup 00gAdmins")
		}
		joins, leaves, other := at(0, "add", "00uNobody"), at(time.Second, "remove", "00uNobody"), at(0, "add", "00uOther")
		left, back := at(0, "remove", "00uMember"), at(time.Second, "add", "00uMember")
		for _, ev := range []event.Event{joins, leaves, left, back, joins, left, other} {
			o.see(ev)
		}
		require.Empty(o, o.actor("00uNobody"))
		require.Equal(o, "ORG_ADMIN", o.actor("00uMember"))
		require.Equal(o, "ORG_ADMIN", o.actor("00uOther"), "another member's is none of it")
		o.Pass(2 * DefaultRefresh)
		require.Empty(o, o.table.holders[group]["00gAdmins"].moved, "Okta's answer is newer")
		require.NotContains(o, o.table.holders[group]["00gAdmins"].members, "00uOther", "Okta has the last word")
	})
}

// An event while the first list is on its way is not undone by it.
func TestAnEventWhileTheListIsOnItsWay(t *testing.T) {
	org := smallOrg()
	slow := func(n int, _ *http.Request) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n == 1 { // the answer is of before the event
				time.Sleep(10 * time.Second)
			}
			org.NormalRoles().ServeHTTP(w, r)
		})
	}
	org.Roles.Intercept = slow
	work(t, org, func(o *office) {
		o.see(eventAt(o, time.Now().Add(time.Second), "user.account.privilege.revoke", "", "User 00uRoot", "User 00uSuper"))
		o.see(eventAt(o, time.Now().Add(time.Second), "user.account.privilege.grant", "Report administrator", "User 00uRoot", "User 00uNew"))
		o.Pass(11 * time.Second)
		require.Empty(o, o.actor("00uSuper"))
		require.Equal(o, "REPORT_ADMIN", o.actor("00uNew"))
	})
}

// The entry of an event that is older than the table by minutes says of when the roles are.
func TestRolesOfLaterAreSaidToBe(t *testing.T) {
	work(t, smallOrg(), func(o *office) {
		for age, told := range map[time.Duration]bool{0: false, 4 * time.Minute: false, 6 * time.Minute: true, 1000 * time.Hour: true} {
			c := o.see(eventAt(o, time.Now().Add(-age), "user.session.start", "", "User 00uSuper"))
			require.Equal(o, "SUPER_ADMIN", c.ActorRoles)
			require.Equal(o, told, c.Time.Equal(time.Now()), age)
			c = o.see(eventAt(o, time.Now().Add(-age), "user.session.start", "", "User 00uNobody"))
			require.True(o, c.Time.IsZero(), "there is nothing to say it of")
		}
	})
}
