package roles

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktaapi/management"
	"github.com/grafana/alloy/okta/internal/oktaapi/management/managementtest"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

func smallOrg() *oktasim.Org {
	return &oktasim.Org{Token: "s3cret", Roles: oktasim.Roles{
		Users: map[string][]string{"00uSuper": {"SUPER_ADMIN"}, "00uTwo": {"Night shift", "HELP_DESK_ADMIN"}},
		Groups: map[string]oktasim.Group{
			"00gAdmins": {Roles: []string{"ORG_ADMIN"}, Members: []string{"00uMember", "00uTwo"}}, "00gEveryone": {Members: []string{"00uNobody"}},
		},
		Clients: map[string][]string{"0oaTerraform": {"APP_ADMIN"}},
	}}
}

func TestWhoHoldsRolesIsKnown(t *testing.T) {
	for name, direct := range map[string]bool{"the list has those of groups": false, "the list has not": true} {
		t.Run(name, func(t *testing.T) {
			org := smallOrg()
			org.Roles.Direct = direct
			work(t, org, func(o *office) {
				for id, want := range map[string]string{
					"00uSuper": "SUPER_ADMIN", "00uTwo": "CUSTOM_NIGHT_SHIFT,HELP_DESK_ADMIN,ORG_ADMIN", "00uMember": "ORG_ADMIN", "00uNobody": "",
				} {
					require.Equal(o, want, o.actor(id), id)
				}
				c := o.see(eventOf(o, "group.user_membership.add", "User 00uNobody", "User 00uSuper", "UserGroup 00gAdmins", "User 00uNew"))
				require.Equal(o, event.Context{TargetRoles: "ORG_ADMIN,SUPER_ADMIN"}, c)
				require.Equal(o, Status{Users: 3 + 1, Groups: 1, Refreshed: o.table.Status().Refreshed, Until: o.table.Status().Until},
					o.table.Status(), "the one that joined included")
				require.NoError(o, o.wrong())
			})
		})
	}
}

// A client app is asked about once an event shows it, and not again for each of its events.
func TestClientAppsAreAskedAboutWhenTheyAreSeen(t *testing.T) {
	work(t, smallOrg(), func(o *office) {
		client := func(id string) string {
			return o.see(eventOf(o, "app.oauth2.token.grant", clientType+" "+id)).ActorRoles
		}
		require.Empty(o, client("0oaTerraform"))
		require.Empty(o, client("0oaHarmless"))
		o.Pass(time.Second)
		require.Equal(o, "APP_ADMIN", client("0oaTerraform"))
		before := len(o.Org.Requests())
		for range 100 {
			require.Empty(o, client("0oaHarmless"))
		}
		o.Pass(time.Second)
		require.Len(o, o.Org.Requests(), before)
	})
}

// 200,000 users, of whom 300 are administrators, in 3,000 groups.
func TestALargeOrgIsAskedLittle(t *testing.T) {
	org := &oktasim.Org{Token: "s3cret", Roles: oktasim.Roles{Users: holdersOf(300, "APP_ADMIN"), Groups: map[string]oktasim.Group{}}}
	for i := range 3000 {
		org.Roles.Groups[fmt.Sprintf("00gGroup%04d", i)] = oktasim.Group{}
	}
	org.Roles.Groups["00gGroup2999"] = oktasim.Group{Roles: []string{"REPORT_ADMIN"}, Members: []string{"00uAdministrator0001"}}
	work(t, org, func(o *office) {
		require.LessOrEqual(o, o.requests(time.Minute), MaxRequests)
		require.Equal(o, Unresolved, o.actor("00uAdministrator0299"), "it is known at once that somebody holds a role")
		o.Pass(2 * time.Second)
		require.Equal(o, Unresolved, o.actor("00uAdministrator0299"), "the round is over")
		o.Pass(time.Minute)
		require.Equal(o, "APP_ADMIN", o.actor("00uAdministrator0299"), "who is seen comes first")
		o.Pass(8 * time.Minute)
		require.Zero(o, o.table.Status().Pending)
		require.Equal(o, "APP_ADMIN,REPORT_ADMIN", o.actor("00uAdministrator0001"))
		perMinute := map[int64]int{}
		for _, r := range o.Org.Requests() {
			perMinute[r.Time.Unix()/60]++
			require.NotContains(o, r.URL, "/api/v1/logs")
		}
		for minute, n := range perMinute {
			require.LessOrEqual(o, n, MaxRequests, minute)
		}
		o.Pass(5 * time.Minute)
		for range 10 { // from then on, by refresh; in ten everybody was asked about again
			before := len(o.Org.Requests())
			o.Pass(DefaultRefresh)
			n := len(o.Org.Requests()) - before
			require.Positive(o, n)
			require.Less(o, n, 40)
		}
	})
}

// What no event told is seen by a refresh: who is listed no more at the next, other roles within ten of 300 administrators.
func TestChangesThatNoEventToldAreSeen(t *testing.T) {
	org := smallOrg()
	work(t, org, func(o *office) {
		org.Append(raw(o, "user.account.privilege.grant", "Report administrator", "User 00uTwo"))
		org.Append(raw(o, "user.account.privilege.revoke", "", "User 00uSuper"))
		o.Pass(DefaultRefresh)
		require.Empty(o, o.actor("00uSuper"))
		require.Equal(o, "ORG_ADMIN,REPORT_ADMIN", o.actor("00uTwo"))
	})
}

func raw(t require.TestingT, kind, granted string, target string) []byte {
	return eventAt(t, time.Now(), kind, granted, "User 00uRoot", target).Raw
}

// A table is no reason to wait or fail: it is empty until it is known, old while it is not confirmed, and empty again after an hour.
func TestATableThatCannotBeRefreshed(t *testing.T) {
	refusals := map[string]struct {
		answer http.Handler
		class  oktaapi.Class
	}{
		"forbidden":   {managementtest.Status(403, "E0000006"), oktaapi.Refused},
		"wrong":       {http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }), oktaapi.Transient},
		"wrong JSON":  {http.HandlerFunc(odd), oktaapi.Transient},
		"broken":      {managementtest.Status(500, "E0000009"), oktaapi.Transient},
		"an old link": {managementtest.Status(400, "E0000001"), oktaapi.Refused},
	}
	for name, c := range refusals {
		t.Run(name, func(t *testing.T) {
			org := smallOrg()
			work(t, org, func(o *office) {
				require.Equal(o, "SUPER_ADMIN", o.actor("00uSuper"))
				org.Set(func(org *oktasim.Org) {
					org.Roles.Intercept = func(int, *http.Request) http.Handler { return c.answer }
				})
				o.Pass(DefaultRefresh)
				require.Error(o, o.wrong())
				require.Equal(o, c.class, oktaapi.ClassOf(o.wrong()))
				require.Equal(o, ScopeRoles, o.scope())
				require.Equal(o, "SUPER_ADMIN", o.actor("00uSuper"), "the last that was known")
				o.Pass(46 * time.Minute)
				require.Empty(o, o.actor("00uSuper"), "nobody vouches for it any more")
				require.Less(o, o.requests(time.Minute), 4)
				org.Set(func(org *oktasim.Org) { org.Roles.Intercept = nil })
				o.Pass(DefaultRefresh)
				require.Equal(o, "SUPER_ADMIN", o.actor("00uSuper"))
				require.NoError(o, o.wrong())
			})
		})
	}
}

func odd(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("X-Okta-Request-Id", "req")
	_, _ = w.Write([]byte(`{"value":[{"id":7}],"_links":{"next":{"href":"://"}}}`))
}

func TestATableThatIsForbiddenFromTheStart(t *testing.T) {
	org := smallOrg()
	org.Roles.Intercept = func(int, *http.Request) http.Handler { return managementtest.Status(403, "E0000006") }
	work(t, org, func(o *office) {
		require.Equal(o, ScopeRoles, o.scope())
		require.Empty(o, o.actor("00uSuper"))
		o.see(eventAt(o, time.Now(), "user.account.privilege.grant", "Super administrator", "User 00uRoot", "User 00uNew"))
		require.Empty(o, o.actor("00uNew"), "a part is no table")
		o.Pass(time.Hour)
		require.LessOrEqual(o, len(o.Org.Requests()), 5, "it is asked at each refresh, no more")
	})
}

// Without okta.groups.read all is known but the members of groups that Okta does not list.
func TestGroupsMayBeForbidden(t *testing.T) {
	org := smallOrg()
	org.Roles.Direct = true
	forbidden := func(_ int, r *http.Request) http.Handler {
		if r.URL.Path == "/api/v1/groups" || strings.HasSuffix(r.URL.Path, "/users") && strings.Contains(r.URL.Path, "groups") {
			return managementtest.Status(403, "E0000006")
		}
		return nil
	}
	org.Roles.Intercept = forbidden
	work(t, org, func(o *office) {
		require.Equal(o, ScopeGroups, o.scope())
		require.Equal(o, "SUPER_ADMIN", o.actor("00uSuper"))
		require.Equal(o, "CUSTOM_NIGHT_SHIFT,HELP_DESK_ADMIN,ORG_ADMIN", o.actor("00uTwo"), "its own list names the group")
		require.Empty(o, o.actor("00uMember"))
		o.Pass(DefaultRefresh)
		require.Equal(o, ScopeGroups, o.scope(), "it goes on")
		org.Set(func(org *oktasim.Org) { org.Roles.Intercept = nil })
		o.Pass(2 * DefaultRefresh)
		require.NoError(o, o.wrong())
		require.Equal(o, "ORG_ADMIN", o.actor("00uMember"))
	})
}

// Okta that asks to slow down is waited for, which is no trouble, and takes nothing from others.
func TestARateLimitIsWaitedOut(t *testing.T) {
	org := &oktasim.Org{Token: "s3cret", Roles: oktasim.Roles{Users: holdersOf(30, "APP_ADMIN"), Limit: 20}}
	work(t, org, func(o *office) {
		o.Pass(20 * time.Minute)
		require.Zero(o, o.table.Status().Pending)
		require.Zero(o, o.Told.Times())
		require.Zero(o, o.Org.Responses()[429], "its share keeps below")
	})
	org = &oktasim.Org{Token: "s3cret", Roles: oktasim.Roles{Users: holdersOf(3, "APP_ADMIN")}}
	org.Roles.Intercept = func(n int, _ *http.Request) http.Handler {
		if n < 3 {
			return managementtest.Status(429, "E0000047")
		}
		return nil
	}
	work(t, org, func(o *office) {
		require.Empty(o, o.actor("00uAdministrator0001"))
		o.Pass(5 * time.Minute)
		require.Equal(o, "APP_ADMIN", o.actor("00uAdministrator0001"))
		require.Zero(o, o.Told.Times())
	})
}

// A link to elsewhere is followed on the org.
func TestNoRequestGoesElsewhere(t *testing.T) {
	org := smallOrg()
	org.Roles.Page = 1
	org.PublicURL = "https://evil.example"
	work(t, org, func(o *office) {
		require.Equal(o, "SUPER_ADMIN", o.actor("00uSuper"))
		for _, r := range o.Org.Requests() {
			require.Equal(o, "localhost", r.Host)
		}
	})
}

// 500 orgs that start together do not ask at once: each has a moment of its own, which stays.
func TestOrgsAskAtMomentsOfTheirOwn(t *testing.T) {
	all := Config{Refresh: DefaultRefresh, Orgs: 500}
	require.Equal(t, 499*management.Apart, all.spread())
	require.Zero(t, (&Config{Refresh: DefaultRefresh, Orgs: 1}).spread())
	require.Equal(t, MinRefresh, (&Config{Refresh: MinRefresh, Orgs: 500}).spread())
	perTen := map[time.Duration]int{}
	for i := range 500 {
		moment := func() time.Duration { return oktaapi.Moment(fmt.Sprintf("https://org-%d.okta.com", i), all.spread()) }
		require.Equal(t, moment(), moment())
		require.Less(t, moment(), all.spread())
		perTen[moment()/(10*time.Second)]++
	}
	for ten, n := range perTen {
		require.Less(t, n, 75, ten) // 50 on average
	}
}
