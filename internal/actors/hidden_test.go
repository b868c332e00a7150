package actors

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktaapi/management/managementtest"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

// hides answers requests about these users by a status.
func hides(code int, ids ...string) func(int, *http.Request) http.Handler {
	return func(_ int, r *http.Request) http.Handler {
		for _, id := range ids {
			if strings.HasSuffix(r.URL.Path, "/users/"+id) {
				return managementtest.Status(code, "E0000006")
			}
		}
		return nil
	}
}

// However many users in a row Okta does not tell of, as a role may hide them, that is no trouble while it tells of others.
func TestUsersThatARoleHides(t *testing.T) {
	many := []string{"00uA", "00uB", "00uC", "00uD", "00uE", "00uF", "00uG", "00uH"}
	for name, c := range map[string]struct {
		before []string // who are told of first
		hidden []string
		act    []string // from then on
		most   int      // requests in an hour
	}{
		"nobody was told of yet":            {nil, many, many, 8 * 10},
		"the first that is listed, too":     {nil, append([]string{"00uMara"}, many...), many, 8 * 12},
		"others were told of":               {[]string{"00uMara"}, many, many, 8 * 8},
		"one of them was told of before":    {[]string{"00uMara", "00uSue"}, append([]string{"00uSue"}, many...), append(many, "00uSue"), 9 * 9},
		"the only one who was told of":      {[]string{"00uSue"}, []string{"00uSue"}, []string{"00uSue"}, 30},
		"the last who was told of, and one": {[]string{"00uMara", "00uSue"}, []string{"00uSue", "00uA"}, []string{"00uA"}, 30},
	} {
		for _, code := range []int{400, 403, 404, 500} {
			t.Run(fmt.Sprint(name, " ", code), func(t *testing.T) {
				org := smallOrg()
				org.Roles.Profiles["00uSue"] = map[string]any{"department": "Sales"}
				work(t, org, nil, func(o *office) {
					for _, id := range c.before {
						o.profile(id)
						o.Pass(time.Second)
						require.NotEmpty(o, o.profile(id))
					}
					o.Pass(fresh) // and Okta is asked about them once more
					before := o.count("/")
					o.Org.Set(func(org *oktasim.Org) { org.Roles.Intercept = hides(code, c.hidden...) })
					for range 12 {
						for _, id := range c.act {
							o.profile(id)
						}
						o.Pass(5 * time.Minute)
					}
					require.Zero(o, o.Told.Times())
					if code != 500 {
						require.LessOrEqual(o, o.count("/")-before, c.most)
					}
				})
			})
		}
	}
}

// A trouble is told when it is one of all users: Okta tells neither of those of whom it told before nor of any that it lists.
func TestUsersOfWhomOktaTellsNothing(t *testing.T) {
	for name, c := range map[string]struct {
		before    bool // somebody was told of
		intercept func(int, *http.Request) http.Handler
	}{
		"all":                          {false, failsAt(403, "/users")},
		"all that are asked about":     {false, failsAt(403, "/users/")},
		"no more":                      {true, failsAt(403, "/users")},
		"no more of who is asked for":  {true, failsAt(403, "/users/")},
		"no user is listed":            {false, nothingListed},
		"nor any more":                 {true, nothingListed},
		"what is no user is listed":    {false, listing(`[{"id":"../logs"}]`)},
		"all, by a 400":                {false, failsAt(400, "/users/")},
		"all, and it is broken":        {false, failsAt(500, "/users")},
		"no more, as it is broken now": {true, failsAt(500, "/users")},
	} {
		t.Run(name, func(t *testing.T) {
			work(t, smallOrg(), nil, func(o *office) {
				if c.before {
					o.profile("00uMara")
					o.Pass(time.Second)
				}
				o.Org.Set(func(org *oktasim.Org) { org.Roles.Intercept = c.intercept })
				o.profile("00uNone")
				o.Pass(10 * time.Second)
				scope, err := o.Told.Last()
				require.Error(o, err)
				require.Equal(o, ScopeUsers, scope)
				before := o.count("/")
				for range 60 {
					o.profile("00uNone")
					o.Pass(time.Minute)
				}
				require.LessOrEqual(o, o.count("/")-before, 60*5, "each minute: the user, the other who was told of, the list and two of it")
				o.works()
				o.profile("00uNone")
				o.Pass(2 * retryAfter)
				_, err = o.Told.Last()
				require.NoError(o, err)
			})
		})
	}
}

// nothingListed refuses to tell of any user, and lists none, as a role may that has no user.
func nothingListed(n int, r *http.Request) http.Handler { return listing(`[]`)(n, r) }

// listing refuses to tell of any user, and lists that.
func listing(text string) func(int, *http.Request) http.Handler {
	return func(_ int, r *http.Request) http.Handler {
		if strings.HasSuffix(r.URL.Path, "/users") {
			return body(text)
		}
		return managementtest.Status(403, "E0000006")
	}
}
