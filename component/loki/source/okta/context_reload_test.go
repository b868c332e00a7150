// option: context, orgs, clustering, backfill, redact

package okta

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/poller"
)

// refuses answers as Okta does.
func refuses(code int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Okta-Request-Id", "req-7")
		w.WriteHeader(code)
		fmt.Fprint(w, `{"errorCode":"E0000006"}`)
	})
}

// Of whom Okta told nothing, it is asked again with other credentials, and not with the same.
func TestOtherCredentialsAskAgainAboutWhoIsNotKnown(t *testing.T) {
	org := staffed()
	org.Roles.Clients["0oaApp"] = []string{"APP_ADMIN"}
	org.Roles.Intercept = func(_ int, r *http.Request) http.Handler { // what the token's owner may not see
		switch {
		case strings.HasSuffix(r.URL.Path, "/users/00uMember"):
			return refuses(http.StatusForbidden)
		case strings.HasSuffix(r.URL.Path, "/clients/0oaApp/roles"):
			return refuses(http.StatusNotFound)
		}
		return nil
	}
	on := func(token, refresh string) string {
		return fmt.Sprintf("api_token = %q\npoll_interval = \"100ms\"\ncontext {\n roles = true\n profile = [\"department\"]\n refresh = %q\n}\n",
			token, refresh)
	}
	host := serving(t, org)
	url := fmt.Sprintf("url = \"http://%s\"\n", host)
	s := runs(t, url+on("right", "1h"))
	s.known(t)
	n := 0
	next := func(kind, id string) map[string]string {
		n++
		org.Append(fmt.Appendf(nil, `{"uuid":"%d","published":%q,"eventType":"user.session.start","actor":{"type":%q,"id":%q}}`,
			n, time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), kind, id))
		return actorOf(s.take(t))
	}
	member, app := map[string]string{"actor_roles": "ORG_ADMIN"}, map[string]string{}
	asked := func(path string) (n int) {
		for _, r := range org.Requests() {
			if strings.HasSuffix(r.URL, path) {
				n++
			}
		}
		return n
	}
	until(t, "both are asked about", func() bool {
		require.Equal(t, member, next("User", "00uMember"))
		require.Equal(t, app, next("PublicClientApp", "0oaApp"))
		return asked("/users/00uMember") > 0 && asked("/clients/0oaApp/roles") > 0 && s.actorsKnown().Waiting == 0
	})
	org.Set(func(o *oktasim.Org) { o.Roles.Intercept = nil })

	before := asked("/users/00uMember") + asked("/clients/0oaApp/roles")
	require.NoError(t, s.reload(t, url+on("right", "2h")))
	require.Equal(t, member, next("User", "00uMember"))
	require.Equal(t, app, next("PublicClientApp", "0oaApp"))
	require.Equal(t, before, asked("/users/00uMember")+asked("/clients/0oaApp/roles"))

	org.Set(func(o *oktasim.Org) { o.Token = "new" })
	require.NoError(t, s.reload(t, url+on("new", "2h")))
	member["actor_department"], app["actor_roles"] = "Finance", "APP_ADMIN"
	until(t, "both are known", func() bool {
		return fmt.Sprint(next("User", "00uMember"), next("PublicClientApp", "0oaApp")) == fmt.Sprint(member, app)
	})
}

// A trouble with what is not wanted any more, or is wanted otherwise, is over, and nothing says that it is known again.
func TestAReloadEndsATroubleSilently(t *testing.T) {
	for name, c := range map[string]struct{ body, then, trouble, never string }{
		"roles, none": {"context {\n roles = true\n}\n", "", "roles cannot be refreshed", "roles are known again"},
		"profiles, none": {
			"context {\n profile = [\"department\"]\n}\n", "", "profiles cannot be read", "profiles and named groups are known again",
		},
		"profiles, others": {
			"context {\n profile = [\"department\"]\n}\n", "context {\n profile = [\"title\"]\n}\n", "profiles cannot be read",
			"profiles and named groups are known again",
		},
	} {
		t.Run(name, func(t *testing.T) {
			org := staffed()
			org.Roles.Intercept = func(int, *http.Request) http.Handler { return refuses(http.StatusForbidden) }
			s := watch(t, org, c.body)
			org.Append(signsIn("1", "00uSuper", time.Now()))
			s.take(t)
			until(t, "it says so", func() bool { return strings.Contains(s.logs.String(), c.trouble) })
			on := fmt.Sprintf("url = %q\napi_token = \"right\"\npoll_interval = \"100ms\"\n", s.only().plan.Load().org)
			require.NoError(t, s.reload(t, on+c.then))
			until(t, "it is over", func() bool {
				wrong := s.only().live.snapshot().Wrong
				return !wrong[poller.Roles].Lasts() && !wrong[poller.Actors].Lasts()
			})
			org.Append(signsIn("2", "00uSuper", time.Now()))
			s.take(t)
			require.NotContains(t, s.logs.String(), c.never)
		})
	}
}

// A node that reads an org again knows of no trouble that it had with the org before.
func TestATroubleEndsWhenAnOrgLeaves(t *testing.T) {
	org := staffed()
	org.Roles.Intercept = func(int, *http.Request) http.Handler { return refuses(http.StatusForbidden) }
	shared := newSharedCluster(true)
	body := fmt.Sprintf(`
		url           = "http://%s"
		api_token     = "right"
		poll_interval = "100ms"
		context {
			roles   = true
			groups  = ["VIP"]
		}
		`+inCluster, serving(t, org))
	a := runsAs(t, shared, "node-a", body)
	runsAs(t, shared, "node-b", body)
	wrong := func() int {
		n := 0
		for _, part := range []poller.Part{poller.Roles, poller.Actors} {
			if a.only().live.snapshot().Wrong[part].Lasts() {
				n++
			}
		}
		return n
	}
	move := func(to string, troubles int) {
		shared.set(func() { shared.owner = to })
		a.NotifyClusterChange()
		until(t, to, func() bool { return wrong() == troubles })
	}
	move("node-a", 2)
	move("node-b", 0)
	require.NotContains(t, a.logs.String(), "known again")
}
