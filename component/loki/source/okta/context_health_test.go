// option: context, orgs, clustering, backfill, redact

package okta

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/component"

	"github.com/grafana/alloy/okta/internal/oktasim"
)

// Members of groups may be unknown for days: that must not hide what begins to go wrong with the log.
func TestRolesOfGroupsHideNothingOfTheLog(t *testing.T) {
	const groups = "members of groups with roles are not known since"
	org := administered()
	org.Roles.Intercept = func(_ int, r *http.Request) http.Handler {
		if !strings.HasPrefix(r.URL.Path, "/api/v1/groups") {
			return nil
		}
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	}
	s := watch(t, org, "context {\n roles = true\n}\n")
	says := func(after time.Duration, text string) {
		t.Helper()
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			h := s.only().verdict(time.Now().Add(after)).health()
			require.Contains(c, h.Message, text)
			require.Equal(c, component.HealthTypeHealthy, h.Health)
		}, 20*time.Second, 5*time.Millisecond)
	}
	says(0, groups)

	org.Append(happened("1", "user.session.start", "", "00uSuper", "00uNobody", time.Now())) // which nobody takes
	says(2*blockedAfter, "receiver blocked since")
	s.take(t)
	says(2*blockedAfter, groups)

	org.Set(func(o *oktasim.Org) { o.Intercept = oktasim.Always(o.UnavailableFor(0)) })
	says(0, "retrying, no page from Okta since")
	org.Set(func(o *oktasim.Org) { o.Intercept = nil })
	says(0, groups)
}
