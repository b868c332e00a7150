package actors

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi/management"
	"github.com/grafana/alloy/okta/internal/oktaapi/management/managementtest"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

// when answers requests whose address has a part otherwise; nil: as ever.
func when(part string, answer func() http.Handler) func(int, *http.Request) http.Handler {
	return func(_ int, r *http.Request) http.Handler {
		if at, err := url.QueryUnescape(r.URL.String()); err == nil && strings.Contains(at, part) {
			return answer()
		}
		return nil
	}
}

// A group that is made is found within two minutes, whatever Okta was asked and told meanwhile: its search trails by 50 seconds here.
func TestAGroupIsFoundWheneverItIsMade(t *testing.T) {
	for name, c := range map[string]struct {
		made  time.Duration // after the last time that groups were read by themselves
		other time.Duration // when another group changes; 0: never
		slow  time.Duration // for how long a search is on its way
	}{
		"alone":                        {made: 5 * time.Minute},
		"a moment before a refresh":    {made: refresh - 5*time.Second},
		"half a minute before it":      {made: refresh - 30*time.Second},
		"while groups are read":        {made: refresh + 5*time.Second, slow: 10 * time.Second},
		"after another change":         {made: 5 * time.Minute, other: 5*time.Minute - 30*time.Second},
		"when the other one is due":    {made: 5 * time.Minute, other: 4*time.Minute + time.Second},
		"before another change":        {made: 5 * time.Minute, other: 5*time.Minute + 10*time.Second},
		"while groups are read for it": {made: 5 * time.Minute, other: 4*time.Minute - time.Second, slow: 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // of every bubble
			made := begin.Add(c.made)
			org := smallOrg()
			org.Roles.Groups["00gBoard"] = oktasim.Group{Name: "Board", Members: []string{"00uMara"}}
			org.Roles.Intercept = when(`eq "Board"`, func() http.Handler {
				found := time.Now().After(made.Add(50 * time.Second))
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					time.Sleep(c.slow)
					body(map[bool]string{true: `[{"id":"00gBoard","profile":{"name":"Board"}}]`, false: `[]`}[found]).ServeHTTP(w, r)
				})
			})
			work(t, org, []string{"Board", "VIP"}, func(o *office) {
				o.Pass(time.Minute)
				require.Equal(o, "VIP", o.groups("00uMara"))
				happens := func(at time.Time, kind, group string) {
					o.Pass(time.Until(at))
					o.see(eventAt(o, time.Now(), kind, "System root", group))
				}
				if c.other != 0 && c.other < c.made {
					happens(begin.Add(c.other), groupChange, "UserGroup 00gVIP VIP")
				}
				happens(made, groupMade, "UserGroup 00gBoard Board")
				if c.other > c.made {
					happens(begin.Add(c.other), groupChange, "UserGroup 00gVIP VIP")
				}
				o.Pass(time.Until(made.Add(2*time.Minute + c.slow)))
				require.Equal(o, "Board,VIP", o.groups("00uMara"))
			})
		})
	}
}

// A search that trails finds a deleted group once more, for a minute.
func TestADeletedGroupThatIsFound(t *testing.T) {
	work(t, smallOrg(), []string{"VIP"}, func(o *office) {
		o.Pass(refresh - 10*time.Second)
		deleted := eventAt(o, time.Now(), groupGone, "System root", "UserGroup 00gVIP VIP")
		o.see(deleted)
		require.Empty(o, o.groups("00uMara"))
		o.Pass(20 * time.Second)
		o.Org.Append(deleted.Raw)
		o.Pass(management.CertainAfter)
		require.Empty(o, o.groups("00uMara"))
		_, err := o.Told.Last()
		require.ErrorContains(o, err, `"VIP"`)
	})
}

// Memberships that pass by before the groups are found count, too: after a minute at the latest.
func TestAMembershipBeforeGroupsAreFound(t *testing.T) {
	work(t, smallOrg(), []string{"VIP", "Staff"}, func(o *office) {
		o.Stop()
		o.known.Forget()
		left := eventAt(o, time.Now(), leaves, "System root", "User 00uMara", "UserGroup 00gVIP VIP")
		o.see(left)
		o.Start()
		o.Pass(30 * time.Second) // Okta's list trails
		o.Org.Append(left.Raw)
		asked := o.count("/groups")
		o.Pass(management.CertainAfter)
		require.Equal(o, "Staff", o.groups("00uMara"))
		require.Equal(o, asked+4, o.count("/groups"), "once")
		for range 10 {
			o.see(eventAt(o, time.Now(), joins, "System root", "User 00uMara", "UserGroup 00gOther VIP"))
			o.Pass(management.CertainAfter)
		}
		require.Equal(o, asked+4, o.count("/groups"), "which groups there are is known")
	})
}

// A group that Okta does not know when its members are asked for has none, whatever the search says.
func TestAGroupWhoseMembersAreNotFound(t *testing.T) {
	work(t, smallOrg(), []string{"VIP", "Staff"}, func(o *office) {
		o.Pass(time.Second)
		o.answers(404, "00gVIP/users")
		o.Pass(refresh)
		require.Equal(o, "Staff", o.groups("00uMara"))
		require.Equal(o, 1, o.known.Status().Groups)
		require.WithinDuration(o, time.Now(), o.known.Status().Refreshed, time.Minute)
	})
}

// A name whose search fails costs the others nothing, and what was known of it stays for as long as any.
func TestASearchThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		code int
		most int // requests in the refresh after the first failure
	}{
		"refused": {400, 3}, "forbidden": {403, 3}, "broken": {500, 12},
	} {
		t.Run(name, func(t *testing.T) {
			work(t, smallOrg(), []string{"Staff", "VIP"}, func(o *office) {
				o.Pass(time.Second)
				o.Org.Set(func(org *oktasim.Org) {
					org.Roles.Intercept = when(`eq "Staff"`, func() http.Handler { return managementtest.Status(c.code, "E0000006") })
				})
				o.Pass(refresh - 2*time.Second)
				before := o.count("/groups")
				o.Pass(refresh)
				require.LessOrEqual(o, o.count("/groups")-before, 4*c.most)
				require.Equal(o, "Staff,VIP", o.groups("00uMara"))
				o.see(eventAt(o, time.Now(), leaves, "System root", "User 00uMara", "UserGroup 00gStaff Staff"))
				require.Equal(o, "VIP", o.groups("00uMara"))
				scope, err := o.Told.Last()
				require.Equal(o, ScopeGroups, scope)
				require.ErrorContains(o, err, `group "Staff"`)

				o.Stop()
				o.known.Forget()
				o.Start()
				o.Pass(time.Second)
				require.Equal(o, "VIP", o.groups("00uMara"))
			})
		})
	}
}

// While groups cannot be read, events about them have Okta asked once a minute at most.
func TestEventsAboutGroupsThatFail(t *testing.T) {
	for _, code := range []int{401, 403, 500} {
		work(t, smallOrg(), []string{"VIP", "Staff"}, func(o *office) {
			o.Pass(time.Second)
			o.answers(code, "/groups")
			before := o.count("/groups")
			for range 60 {
				o.see(eventAt(o, time.Now(), groupChange, "System root", "UserGroup 00gVIP VIP"))
				o.Pass(10 * time.Second)
			}
			require.LessOrEqual(o, o.count("/groups")-before, 2*11, code)
		})
	}
}

// Pages that lead to one another have no end: that is told, and nothing is asked for until the next refresh.
func TestAListOfMembersWithoutEnd(t *testing.T) {
	org := smallOrg()
	org.Roles.Intercept = when("00gVIP/users", func() http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next := map[string]string{"": "a", "a": "b", "b": "a"}[r.URL.Query().Get("after")]
			w.Header().Set("Link", "<http://"+r.Host+r.URL.Path+"?after="+next+`>; rel="next"`)
			body(`[{"id":"00uMara"}]`).ServeHTTP(w, r)
		})
	})
	work(t, org, []string{"VIP", "Staff"}, func(o *office) {
		o.Pass(time.Hour)
		require.LessOrEqual(o, o.count("00gVIP/users"), 4*maxPages)
		require.Equal(o, "Staff", o.groups("00uMara"))
		o.profile("00uMara")
		o.Pass(10 * time.Minute)
		require.Equal(o, "Finance,Accountant", o.profile("00uMara"))
		_, err := o.Told.Last()
		require.ErrorContains(o, err, `members of group "VIP"`)
		require.ErrorContains(o, err, "did not end after 200 pages")
	})
}

// Each reload has another keeper: what Okta is asked in a minute stays bounded.
func TestReloadsAreNoMoreRequests(t *testing.T) {
	work(t, smallOrg(), []string{"VIP", "Staff"}, func(o *office) {
		for i := range 60 * 2 {
			if i%20 == 0 {
				o.profile("00u" + time.Now().Format("150405"))
			}
			o.Stop()
			o.Start()
			o.Pass(time.Second)
		}
		require.LessOrEqual(o, o.count("/"), 2*perMinute+burst)
	})
}

// The answer of the minute after a change may be older than that, whether the user was known, waited, was asked about, or was never seen.
func TestAChangeOfAnyUser(t *testing.T) {
	for name, before := range map[string]func(o *office){
		"never seen": func(*office) {},
		"known":      func(o *office) { o.profile("00uMara"); o.Pass(time.Second) },
		"unknown to Okta": func(o *office) {
			o.answers(404, "/users/")
			o.profile("00uMara")
			o.Pass(time.Second)
			o.works()
		},
		"refused": func(o *office) {
			o.answers(403, "/users/")
			o.profile("00uMara")
			o.Pass(time.Second)
			o.works()
		},
		"waits": func(o *office) {
			for i := range 2 * burst {
				o.profile("00uOther" + string(rune('a'+i)))
			}
			o.profile("00uMara")
		},
	} {
		t.Run(name, func(t *testing.T) {
			work(t, smallOrg(), nil, func(o *office) {
				before(o)
				o.see(eventAt(o, time.Now(), "user.account.update_profile", "System root", "User 00uMara"))
				o.profile("00uMara")
				o.Pass(management.CertainAfter - time.Second) // Okta's answer trails
				o.setDepartment("Sales")
				o.Pass(time.Second)
				o.profile("00uMara")
				o.Pass(30 * time.Second)
				require.Equal(o, "Sales,", o.profile("00uMara"))
				asked := o.count("00uMara")
				o.Pass(time.Hour)
				o.profile("00uMara")
				o.Pass(time.Second)
				require.Equal(o, asked, o.count("00uMara"))
			})
		})
	}
}

// An answer that takes longer than a minute may be older than an event of when it was asked for.
func TestAChangeWhileOktaIsSlow(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		event   time.Duration // after Okta was asked
		waiting int           // at the user's next event after the answer
	}{
		"before": {-2 * management.CertainAfter, 0}, "a moment before": {-time.Second, 1}, "meanwhile": {time.Second, 1},
	} {
		t.Run(name, func(t *testing.T) {
			k := New(attributes, nil)
			acts, changes := eventAt(t, now, "user.session.start", "User 00uMara"), eventAt(t, now, ofUsers[0], "System root", "User 00uMara")
			k.Add(&event.Context{}, &acts, now)
			if c.event < 0 {
				k.Pass(&changes, now.Add(c.event))
			}
			require.Equal(t, "00uMara", k.next(now))
			if c.event > 0 {
				k.Pass(&changes, now.Add(c.event))
			}
			k.answered([]string{"Finance", ""}, now.Add(2*management.CertainAfter))
			k.Add(&event.Context{}, &acts, now.Add(2*management.CertainAfter))
			require.Equal(t, c.waiting, k.Status().Waiting)
		})
	}
}

// An answer that trails does not bring a deleted user back.
func TestATrailingAnswerAboutADeletedUser(t *testing.T) {
	work(t, smallOrg(), nil, func(o *office) {
		o.profile("00uMara")
		o.Pass(time.Second)
		deleted := eventAt(o, time.Now(), "user.lifecycle.delete.completed", "System root", "User 00uMara")
		o.see(deleted)
		for range 10 {
			require.Empty(o, o.profile("00uMara"))
			o.Pass(time.Second)
		}
		o.Org.Append(deleted.Raw)
		o.Pass(management.CertainAfter)
		require.Empty(o, o.profile("00uMara"))
		o.Pass(time.Second)
		require.Empty(o, o.profile("00uMara"))
	})
}

// What is remembered of changes is bounded.
func TestAMassImport(t *testing.T) {
	k, now := New(attributes, nil), time.Now()
	for i := range 3 * maxChanged {
		ev := eventAt(t, now, "application.provision.user.import_profile", "System root", "User 00uImported"+strconv.Itoa(i))
		k.Pass(&ev, now)
	}
	require.Equal(t, maxChanged, k.changed.Len())
	require.Equal(t, Status{}, k.Status())
}
