package actors

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktaapi/management"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

// Entries name the groups that are asked for, sorted, and no others.
func TestOnlyNamedGroupsAreSaid(t *testing.T) {
	work(t, smallOrg(), []string{"VIP", "Staff"}, func(o *office) {
		o.Pass(time.Second)
		require.Equal(o, "Staff,VIP", o.groups("00uMara"))
		require.Equal(o, "Staff", o.groups("00uNone"))
		require.Empty(o, o.groups("00uNobody"))
		require.Zero(o, o.count("00gOther"))
		scope, err := o.Told.Last()
		require.NoError(o, err, scope)
		before := o.count("/groups")
		o.Pass(refresh)
		require.Equal(o, 2*before, o.count("/groups"), "at each refresh")
	})
}

// What encoders of JSON escape, Okta's search need not know.
func TestSearchesHaveNamesAsTheyAre(t *testing.T) {
	for name, search := range map[string]string{
		"VIP":     `profile.name eq "VIP"`,
		"R&D <é>": `profile.name eq "R&D <é>"`,
		`"Q\`:     `profile.name eq "\"Q\\"`,
		"a\u2028": "profile.name eq \"a\u2028\"",
	} {
		t.Run(name, func(t *testing.T) {
			org := smallOrg()
			org.Roles.Groups["00gOdd"] = oktasim.Group{Name: name, Members: []string{"00uOdd"}}
			var asked []string
			org.Roles.Intercept = func(_ int, r *http.Request) http.Handler {
				asked = append(asked, r.URL.Query().Get("search"))
				return nil
			}
			work(t, org, []string{name}, func(o *office) {
				o.Pass(time.Second)
				require.Equal(o, name, o.groups("00uOdd"))
				require.Equal(o, search, asked[0])
			})
		})
	}
}

// A membership counts from the next event on, whatever Okta's list says in the next minute; an older one undoes nothing newer.
func TestMembershipsThatPassBy(t *testing.T) {
	work(t, smallOrg(), []string{"VIP"}, func(o *office) {
		o.Pass(refresh - 10*time.Second)
		in := func(id string) bool { return o.groups(id) == "VIP" }
		add := eventAt(o, time.Now(), joins, "System root", "User 00uNone", "UserGroup 00gVIP")
		o.see(add) // of which Okta's list has nothing yet
		require.True(o, in("00uNone"))
		o.see(eventAt(o, time.Now(), leaves, "System root", "User 00uMara", "UserGroup 00gVIP"))
		require.False(o, in("00uMara"))
		o.Pass(20 * time.Second)
		require.True(o, in("00uNone"), "after a refresh that trails")
		require.False(o, in("00uMara"))

		o.see(eventAt(o, time.Now(), leaves, "System root", "User 00uNone", "UserGroup 00gVIP"))
		o.see(add) // once more
		require.False(o, in("00uNone"))

		o.Pass(refresh)
		require.True(o, in("00uMara"), "Okta does not confirm it")
		o.see(eventAt(o, time.Now().Add(-time.Hour), leaves, "System root", "User 00uMara", "UserGroup 00gVIP"))
		require.True(o, in("00uMara"), "the list is newer")
		o.see(eventAt(o, time.Now(), leaves, "System root", "User 00uMara", "UserGroup 00gOther"))
		require.True(o, in("00uMara"), "of another group")
	})
}

// A group that does not exist is told by its name, and costs the others nothing; when it is made, it is found within a minute or two.
func TestAGroupThatIsNotThere(t *testing.T) {
	work(t, smallOrg(), []string{"VIP", "Board", `"Q\`}, func(o *office) {
		o.Pass(time.Second)
		scope, err := o.Told.Last()
		require.ErrorContains(o, err, `Okta has none called "\"Q\\", "Board"`)
		require.Equal(o, ScopeGroups, scope)
		require.Equal(o, "VIP", o.groups("00uMara"))
		asked := o.count("/groups")
		o.Pass(10 * time.Minute)
		require.Equal(o, asked, o.count("/groups"), "not before a refresh")

		o.Stop()
		o.Org.Set(func(org *oktasim.Org) { org.Roles.Intercept = madeLater() })
		o.Start()
		o.Pass(time.Second)
		o.see(eventAt(o, time.Now(), groupMade, "System root", "UserGroup 00gBoard Board"))
		o.Pass(2 * management.CertainAfter)
		require.Equal(o, "Board,VIP", o.groups("00uMara"))
	})
}

// A name that differs in case is that of another group, which is named.
func TestAGroupWhoseNameDiffersInCase(t *testing.T) {
	work(t, smallOrg(), []string{"vip", "Staff"}, func(o *office) {
		o.Pass(time.Second)
		require.Equal(o, "Staff", o.groups("00uMara"))
		_, err := o.Told.Last()
		require.ErrorContains(o, err, `Okta has none called "vip" (there is "VIP")`)
	})
}

// madeLater answers for a group "Board" that the org did not have at first.
func madeLater() func(int, *http.Request) http.Handler {
	began := time.Now()
	return func(_ int, r *http.Request) http.Handler {
		switch {
		case time.Since(began) > 30*time.Second && strings.Contains(r.URL.RawQuery, "Board"):
			return body(`[{"id":"00gBoard","profile":{"name":"Board"}}]`)
		case strings.Contains(r.URL.Path, "00gBoard"):
			return body(`[{"id":"00uMara"}]`)
		case strings.Contains(r.URL.RawQuery, "Board"):
			return body(`[{"id":"00gBoardroom","profile":{"name":"Boardroom"}},{"id":"00gBoards","profile":{"name":"board"}}]`)
		}
		return nil
	}
}

func body(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
		w.Header().Set("X-Okta-Request-Id", "req")
		fmt.Fprint(w, text)
	})
}

// Several groups may have one name, one of Okta's and one of a directory's.
func TestGroupsOfOneName(t *testing.T) {
	org := smallOrg()
	org.Roles.Groups["00gDirectory"] = oktasim.Group{Name: "VIP", Members: []string{"00uNone", "00uMara"}}
	work(t, org, []string{"VIP"}, func(o *office) {
		o.Pass(time.Second)
		require.Equal(o, "VIP", o.groups("00uMara"))
		require.Equal(o, "VIP", o.groups("00uNone"))
	})
}

// A deleted group has no members from the next event on, and is told at the next refresh.
func TestADeletedGroup(t *testing.T) {
	work(t, smallOrg(), []string{"VIP", "Staff"}, func(o *office) {
		o.Pass(time.Second)
		o.happens(groupGone, "UserGroup 00gVIP")
		require.Equal(o, "Staff", o.groups("00uMara"))
		o.Pass(refresh)
		_, err := o.Told.Last()
		require.ErrorContains(o, err, `"VIP"`)
	})
}

// A group that fails does not affect the others, and keeps its members for an hour; what all groups need is told.
func TestGroupsThatFail(t *testing.T) {
	for name, c := range map[string]struct {
		code  int
		part  string
		says  []string
		staff bool // is known in the end
	}{
		"one, forbidden": {403, "00gVIP/users", []string{"403", `members of group "VIP"`}, true},
		"one, broken":    {500, "00gVIP/users", []string{"500", `members of group "VIP"`}, true},
		"all, forbidden": {403, "/groups", []string{"403", `group "Staff"`}, false},
		"all, no token":  {401, "/groups", []string{"401"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			work(t, smallOrg(), []string{"VIP", "Staff"}, func(o *office) {
				o.Pass(time.Second)
				o.answers(c.code, c.part)
				o.Pass(refresh + time.Minute)
				scope, err := o.Told.Last()
				require.Equal(o, ScopeGroups, scope)
				for _, words := range c.says {
					require.ErrorContains(o, err, words)
				}
				require.Equal(o, "Staff,VIP", o.groups("00uMara"))
				o.Pass(time.Hour)
				require.Equal(o, map[bool]string{true: "Staff", false: ""}[c.staff], o.groups("00uMara"))
				require.Less(o, o.count("/groups"), 60)
				o.works()
				o.Pass(refresh)
				require.Equal(o, "Staff,VIP", o.groups("00uMara"))
				_, err = o.Told.Last()
				require.NoError(o, err)
			})
		})
	}
}

// A profile that cannot be read does not hide the groups, nor the other way round, and groups are read although users wait.
func TestProfilesAndGroupsFailApart(t *testing.T) {
	work(t, smallOrg(), []string{"VIP"}, func(o *office) {
		o.answers(403, "/users/00u")
		for i := range 4 * maxQueue {
			o.profile(fmt.Sprintf("00u%d", i))
		}
		o.Pass(refresh)
		require.Equal(o, "VIP", o.groups("00uMara"))
		scope, _ := o.Told.Last()
		require.Equal(o, ScopeUsers, scope)
		o.answers(403, "/groups")
		o.Pass(2 * refresh)
		scope, _ = o.Told.Last()
		require.Equal(o, ScopeGroups, scope)
		o.profile("00uMara")
		o.Pass(10 * time.Minute)
		require.Equal(o, "Finance,Accountant", o.profile("00uMara"))
	})
}

func TestNamesOfGroups(t *testing.T) {
	long := strings.Repeat("é", 256)
	for name, c := range map[string]struct {
		names []string
		says  string
	}{
		"none":       {nil, ""},
		"plain":      {[]string{"VIP", "vip", "Ünder \"quotes\" & more", long[:2*255]}, ""},
		"empty":      {[]string{"VIP", ""}, `"" is no name`},
		"spaces":     {[]string{"VIP "}, `"VIP " is no name`},
		"a new line": {[]string{"V\nIP"}, `"V\nIP" is no name`},
		"a comma":    {[]string{"A, B"}, `"A, B" has a comma`},
		"too long":   {[]string{long}, "has 256 characters: Okta allows at most 255"},
		"twice":      {[]string{"VIP", "VIP"}, `"VIP" is named twice`},
		"eleven":     {strings.Split("abcdefghijk", ""), "groups has 11 names: at most 10"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := CheckNames(c.names); c.says == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.says)
			}
		})
	}
}
