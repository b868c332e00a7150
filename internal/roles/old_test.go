package roles

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktaapi/management/managementtest"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

// A list that is not read to its end for two refreshes is told, whatever the reason, and no sooner.
func TestAListThatIsOldIsTold(t *testing.T) {
	hang := func() http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	}
	spent := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { // others use the bucket up, hour after hour
		w.Header().Set("X-Rate-Limit-Limit", "100")
		w.Header().Set("X-Rate-Limit-Remaining", "0")
		w.Header().Set("X-Rate-Limit-Reset", "4102444800")
		managementtest.Status(429, "E0000047").ServeHTTP(w, nil)
	})
	for name, c := range map[string]struct {
		answer http.Handler
		soon   bool // it is told for its own reason
	}{
		"429 for hours": {managementtest.Status(429, "E0000047"), false}, "a bucket that others use up": {spent, false}, "slow": {hang(), true},
	} {
		for _, known := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				org := smallOrg()
				fails := func(org *oktasim.Org) {
					org.Roles.Intercept = func(_ int, r *http.Request) http.Handler {
						if strings.Contains(r.URL.Path, "assignees") {
							return c.answer
						}
						return nil
					}
				}
				if !known {
					fails(org)
				}
				work(t, org, func(o *office) {
					o.Pass(time.Minute)
					o.Org.Set(fails)
					o.Pass(2*DefaultRefresh - 2*time.Minute)
					_, err := o.Told.Last()
					require.True(o, c.soon || err == nil, err)
					o.Pass(DefaultRefresh)
					scope, err := o.Told.Last()
					require.Error(o, err)
					require.Equal(o, ScopeRoles, scope)
					if !c.soon {
						require.ErrorContains(o, err, "not read to its end since")
					}
					o.Pass(4 * time.Hour)
					_, err = o.Told.Last()
					require.Error(o, err)
				})
			})
		}
	}
}
