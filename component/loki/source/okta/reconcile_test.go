// option: reconcile, orgs

package okta

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/component"
)

func TestHealthSaysHowManyOrgsWaitForLoki(t *testing.T) {
	release := make(chan struct{})
	silent := serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else the server does not see the client go
		select {
		case <-release:
			_, _ = io.WriteString(w, `{"data":{"resultType":"streams","result":[]}}`)
		case <-r.Context().Done():
		}
	}))
	var orgs []string
	for i := range 7 {
		orgs = append(orgs, entry(fmt.Sprint("org", i), orgOf(t, 1)))
	}
	s := runs(t, list(orgs...)+fmt.Sprintf("reconcile {\n url = \"http://%s\"\n}\n", silent))
	until(t, "all ask", func() bool {
		for _, m := range s.current() {
			if m.live.status.Snapshot().Asking.IsZero() {
				return false
			}
		}
		return true
	})
	require.Equal(t, component.HealthTypeHealthy, s.CurrentHealth().Health)
	later := healthOfAll(s.current(), time.Now().Add(2*askingGrace))
	require.Equal(t, component.HealthTypeUnhealthy, later.Health)
	require.Regexp(t, `^7 of 7 orgs are not read before Loki says what it has, since 20[-0-9T:]+Z: org0: waiting since .*; and 2 more$`,
		later.Message)
	close(release)
	s.takeFrom(t, 1, hostsOf(s)...)
	until(t, "none asks", func() bool {
		return healthOfAll(s.current(), time.Now().Add(2*askingGrace)).Health == component.HealthTypeHealthy
	})
}

func TestASecretThatATokenEndpointEchoesIsShownNowhere(t *testing.T) {
	tokens := serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, secret, _ := r.BasicAuth()
		http.Error(w, fmt.Sprint("wrong: ", r.FormValue("client_secret"), secret, r.Header), http.StatusBadRequest)
	}))
	s := runs(t, fmt.Sprintf("url = \"http://%s\"\napi_token = \"right\"\n", orgOf(t, 1))+fmt.Sprintf(`reconcile {
 url = "http://%s"
 oauth2 {
  client_id     = "id"
  client_secret = "hunter2secret"
  token_url     = "http://%s/token"
 }
}`, serving(t, nothing), tokens))
	until(t, "the query failed", func() bool { return s.only().live.status.Snapshot().Unconfirmable().Lasts() })
	require.Contains(t, healthOfAll(s.current(), time.Now().Add(2*askingGrace)).Message, "getting a token from "+tokens+": it answered 400")
	shown := s.everything(t)
	require.Contains(t, shown, "it answered 400")
	require.NotContains(t, shown, "hunter2")
	require.NotContains(t, shown, base64.StdEncoding.EncodeToString([]byte("id:hunter2secret")))
}

func hostsOf(s *site) (hosts []string) {
	for _, m := range s.current() {
		hosts = append(hosts, m.plan.Load().org.Host)
	}
	return hosts
}

// All that reach a Loki in the same way query it together, over reloads and in all components; others do not.
func TestALokiIsSharedByThoseWhoReachItInTheSameWay(t *testing.T) {
	of := func(body string) any {
		args, err := evaluate(t, "forward_to = [receiver]\nurl = \"https://acme.okta.com\"\napi_token = \"right\"\nreconcile {\n"+body+"\n}\n")
		require.NoError(t, err)
		c, err := args.connections()
		require.NoError(t, err)
		return c.of.loki
	}
	one := of(`url = "http://loki:3100"`)
	require.Same(t, one, of(`url = "http://loki:3100/loki/api/v1/push"`))
	require.Same(t, one, of("url = \"http://loki:3100\"\n selector = \"{job=\\\"x\\\"}\"\n margin = \"1m\""))
	for _, other := range []string{
		`url = "http://loki:3101"`,
		"url = \"http://loki:3100\"\n tenant_id = \"b\"",
		"url = \"http://loki:3100\"\n bearer_token = \"b\"",
		"url = \"http://loki:3100\"\n basic_auth {\n username = \"a\"\n password = \"b\"\n}",
		"url = \"http://loki:3100\"\n basic_auth {\n username = \"a\"\n password = \"c\"\n}",
		"url = \"http://loki:3100\"\n tls_config {\n insecure_skip_verify = true\n}",
		"url = \"http://loki:3100\"\n http_headers = {\"X-Key\" = [\"a\"]}",
		"url = \"http://loki:3100\"\n proxy_url = \"http://proxy:1\"",
	} {
		require.NotSame(t, one, of(other), other)
		require.Same(t, of(other), of(other), other)
	}
}
