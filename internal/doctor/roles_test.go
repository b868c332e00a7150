package doctor

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/roles"
)

// Without reconcile, roles make doubles in Loki.
func TestRolesWithoutReconcileAreWarnedOf(t *testing.T) {
	s := newScene(t)
	s.org.Roles = &Roles{Remedy: func(error) string { return "" }, Ask: roles.NewAsk(
		oktaapi.Config{Org: s.org.URL, Auth: s.org.Auth, HTTP: s.org.HTTP}, func(string) *oktaapi.Budget { return nil })}
	s.org.Loki = nil
	r := Run(t.Context(), []Org{s.org}, Options{})[0]
	i := slices.IndexFunc(r.Checks, func(c Check) bool { return c.Name == "roles" })
	require.Equal(t, Warn, r.Checks[i].Status, r.Checks[i])
	require.Contains(t, r.Checks[i].Remedy, "reconcile")
	require.False(t, r.Failed())
}

func TestTheCheckOfRoles(t *testing.T) {
	forbidden := func(what string) func(int, *http.Request) http.Handler {
		return func(_ int, r *http.Request) http.Handler {
			if !strings.Contains(r.URL.Path, what) {
				return nil
			}
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusForbidden)
				_, _ = w.Write([]byte(`{"errorCode":"E0000006","errorSummary":"You do not have permission"}`))
			})
		}
	}
	for name, c := range map[string]struct {
		intercept func(int, *http.Request) http.Handler
		off       bool
		want      Status
	}{
		"off":              {forbidden("/"), true, Pass},
		"granted":          {nil, false, Pass},
		"forbidden":        {forbidden("/"), false, Fail},
		"groups forbidden": {forbidden("/groups"), false, Warn},
		"one holder forbidden": {func(n int, r *http.Request) http.Handler {
			if n > 2 {
				return nil
			}
			return forbidden("/users/")(n, r)
		}, false, Pass},
		"their roles forbidden":   {forbidden("/users/"), false, Fail},
		"group members forbidden": {forbidden("/groups/"), false, Warn},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.sim.Set(func(o *oktasim.Org) { o.Roles.Intercept = c.intercept })
			if !c.off {
				s.org.Roles = &Roles{Remedy: func(error) string { return "grant it" }, Ask: roles.NewAsk(
					oktaapi.Config{Org: s.org.URL, Auth: s.org.Auth, HTTP: s.org.HTTP}, func(string) *oktaapi.Budget { return nil })}
			}
			r := Run(t.Context(), []Org{s.org}, Options{})[0]
			i := slices.IndexFunc(r.Checks, func(c Check) bool { return c.Name == "roles" })
			require.Equal(t, c.want, r.Checks[i].Status, r.Checks[i])
			require.Equal(t, c.want == Fail, r.Failed(), "all else is as it was")
			require.Equal(t, c.want == Fail || c.want == Warn, r.Checks[i].Remedy == "grant it")
			asked := 0
			for _, r := range s.sim.Requests() {
				if !strings.Contains(r.URL, "/logs") {
					asked++
				}
			}
			require.LessOrEqual(t, asked, roles.MostChecked)
			require.LessOrEqual(t, r.Requests, MostRequests)
			if c.want == Fail || c.want == Warn {
				require.Contains(t, r.Checks[i].Seen, "E0000006")
			}
		})
	}
}
