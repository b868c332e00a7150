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
)

// Of whom Okta told nothing, it is asked again with other credentials, and not with the same.
func TestOtherCredentialsAskAgainAboutWhoIsNotKnown(t *testing.T) {
	org := staffed()
	org.Roles.Clients["0oaApp"] = []string{"APP_ADMIN"}
	org.Roles.Intercept = func(_ int, r *http.Request) http.Handler { // what the token's owner may not see
		for path, code := range map[string]int{"/users/00uMember": 403, "/clients/0oaApp/roles": 404} {
			if strings.HasSuffix(r.URL.Path, path) {
				return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("X-Okta-Request-Id", "req-7")
					w.WriteHeader(code)
					fmt.Fprint(w, `{"errorCode":"E0000006"}`)
				})
			}
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
