package roles

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktasim"
)

// A reload that changes an org asks about it anew, and what was known stays meanwhile. However often that is, no more than a quarter of a
// bucket is asked for: here of the smallest, with 100 requests a minute.
func TestAReloadAsksAnew(t *testing.T) {
	org := &oktasim.Org{Token: "s3cret", Roles: oktasim.Roles{Users: holdersOf(300, "APP_ADMIN"), Limit: 100}}
	work(t, org, func(o *office) {
		o.Pass(time.Hour)
		require.Zero(o, o.table.Status().Pending)
		for range 10 {
			before := len(o.Org.Requests())
			o.Stop()
			require.Equal(o, "APP_ADMIN", o.actor("00uAdministrator0299"))
			o.Start()
			require.LessOrEqual(o, len(o.Org.Requests())-before, MaxRequests)
			o.Pass(5 * time.Second)
			require.Equal(o, "APP_ADMIN", o.actor("00uAdministrator0299"))
			require.LessOrEqual(o, o.requests(time.Minute), 2*100/4, "of two buckets")
		}
		require.Zero(o, o.Org.Responses()[429])
		require.NoError(o, o.wrong())
	})
	work(t, smallOrg(), func(o *office) { // what is asked about a small one
		before := len(o.Org.Requests())
		o.Stop()
		o.Start()
		require.Equal(o, before, len(o.Org.Requests())-before, "as at the start")
	})
}

// Members that were being read when a reload came, or waited for the next round, are asked for at once after it.
func TestAReloadWhileMembersAreRead(t *testing.T) {
	for name, c := range map[string]struct {
		users   int // which are asked about before a group that was
		members []string
		hangs   bool
	}{
		"a request":   {100, []string{"00uMember000000"}, true},
		"a long list": {30, crowd(5_000), false},
	} {
		t.Run(name, func(t *testing.T) {
			org := &oktasim.Org{Token: "s3cret", Roles: oktasim.Roles{Users: holdersOf(c.users, "APP_ADMIN"), Direct: true, Page: 200,
				Groups: map[string]oktasim.Group{"00gAdmins": {Roles: []string{"ORG_ADMIN"}, Members: c.members}}}}
			org.Roles.Intercept = func(_ int, r *http.Request) http.Handler {
				if !c.hangs || !strings.HasSuffix(r.URL.Path, "/00gAdmins/users") {
					return nil
				}
				return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
			}
			work(t, org, func(o *office) {
				for range 600 {
					if o.count("/00gAdmins/users") > 0 {
						break
					}
					o.Pass(time.Second)
				}
				require.NotZero(o, o.count("/00gAdmins/users"))
				require.Empty(o, o.actor("00uMember000000"))
				o.Stop()
				org.Set(func(o *oktasim.Org) { o.Roles.Intercept = nil })
				o.Start()
				require.Equal(o, "ORG_ADMIN", o.actor("00uMember000000"))
			})
		})
	}
}

// A table that is forgotten knows nothing, whatever passes by, until Okta is asked.
func TestATableThatIsForgotten(t *testing.T) {
	work(t, smallOrg(), func(o *office) {
		require.Equal(o, "SUPER_ADMIN", o.actor("00uSuper"))
		o.Stop()
		o.table.Forget()
		require.Zero(o, o.table.Status())
		o.see(eventAt(o, time.Now(), "user.account.privilege.grant", "Report administrator", "User 00uRoot", "User 00uNew"))
		require.Empty(o, o.actor("00uSuper"))
		require.Empty(o, o.actor("00uNew"))
		o.Start()
		require.Equal(o, "SUPER_ADMIN", o.actor("00uSuper"))
		require.Equal(o, "ORG_ADMIN", o.actor("00uMember"), "groups are looked through again")
	})
}
