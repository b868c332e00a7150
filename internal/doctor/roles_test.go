package doctor

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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
	answers := func(status int, what string) func(int, *http.Request) http.Handler {
		return func(_ int, r *http.Request) http.Handler {
			if !strings.Contains(r.URL.Path, what) {
				return nil
			}
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(status)
				_, _ = w.Write([]byte(`{"errorCode":"E0000006","errorSummary":"You do not have permission"}`))
			})
		}
	}
	forbidden := func(what string) func(int, *http.Request) http.Handler { return answers(http.StatusForbidden, what) }
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
		"group members broken":    {answers(http.StatusInternalServerError, "/groups/"), false, Warn},
		"group deleted meanwhile": {answers(http.StatusNotFound, "/groups/"), false, Pass},
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

// Roles that Okta does not tell in time, or only as the limit resets, do not take the turn of the next org, and are no fault of a grant.
func TestTheCheckOfRolesEnds(t *testing.T) {
	for name, c := range map[string]struct {
		delay time.Duration // of each answer
		used  bool          // each answer says that the limit is used up, for a minute
		fails string        // part of the paths that fail
		want  Status
	}{
		"it never answers":                 {24 * time.Hour, false, "none", Fail},
		"the third answer is too late":     {70 * time.Second, false, "none", Warn},
		"each request waits for the limit": {0, true, "none", Pass},
		"users wait for the limit":         {0, true, "/users/", Fail},
		"members wait for the limit":       {0, true, "/groups/", Warn},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.loki.config = strings.NewReplacer("2020-", "1990-", "2024-", "1991-").Replace(goodConfig) // the clock begins in 2000
			s.sim.Roles = oktasim.Roles{Users: map[string][]string{}, Groups: map[string]oktasim.Group{}, Direct: true}
			for i := range 4 {
				s.sim.Roles.Users["00u"+strconv.Itoa(i)] = []string{"APP_ADMIN"}
				s.sim.Roles.Groups["00g"+strconv.Itoa(i)] = oktasim.Group{Roles: []string{"ORG_ADMIN"}}
			}
			synctest.Test(t, func(t *testing.T) {
				s.org.HTTP = &http.Client{Transport: within(s.sim, 0)}
				s.org.Loki.HTTP = &http.Client{Transport: within(s.loki, 0)}
				s.org.Push[0].HTTP = s.org.Loki.HTTP
				answers := within(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if !strings.Contains(r.URL.Path, c.fails) {
						s.sim.ServeHTTP(w, r)
						return
					}
					w.WriteHeader(http.StatusInternalServerError)
					_, _ = w.Write([]byte(`{"errorCode":"E0000009","errorSummary":"Internal Server Error"}`))
				}), c.delay)
				slow := roundTrip(func(r *http.Request) (*http.Response, error) {
					answer, err := answers.RoundTrip(r)
					if err == nil && c.used {
						answer.Header.Set("X-Rate-Limit-Limit", "100")
						answer.Header.Set("X-Rate-Limit-Remaining", "0")
						answer.Header.Set("X-Rate-Limit-Reset", strconv.FormatInt(time.Now().Add(time.Minute).Unix(), 10))
					}
					return answer, err
				})
				var budgets oktaapi.Budgets
				s.org.Roles = &Roles{Remedy: func(error) string { return "grant it" }, Ask: roles.NewAsk(oktaapi.Config{
					Org: s.org.URL, Auth: s.org.Auth, HTTP: &http.Client{Transport: slow}, Timeout: 24 * time.Hour}, budgets.For)}
				begin := time.Now()
				r := Run(t.Context(), []Org{s.org}, Options{})[0]
				require.LessOrEqual(t, time.Since(begin), 2*longest)
				i := slices.IndexFunc(r.Checks, func(c Check) bool { return c.Name == "roles" })
				require.Equal(t, c.want, r.Checks[i].Status, r.Checks[i])
				if c.want != Pass {
					require.Contains(t, r.Checks[i].Remedy, "Rate Limits", r.Checks[i])
				}
				require.Contains(t, seen(&r, "loki push"), "are right", "what is not Okta's is looked at")
			})
		})
	}
}
