// option: orgs

package okta

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/syntax/encoding/alloyjson"

	"github.com/grafana/alloy/okta/internal/oktasim"
)

// list is the body of a block with a list of orgs as a YAML file gives it.
func list(entries ...string) string {
	return "poll_interval = \"100ms\"\norgs = [" + strings.Join(entries, ", ") + "]\n"
}

func entry(name, host string) string {
	return fmt.Sprintf(`{name = %q, okta_domain = "http://%s", okta_api_key = "right"}`, name, host)
}

func (s *site) rows() []orgInfo { return s.DebugInfo().(orgsInfo).Orgs }

func TestOneOrgIsNamedByUrlAndSeveralOtherwise(t *testing.T) {
	url, orgs, token := `url = "https://acme.okta.com"`+"\n", "orgs = []\n", `api_token = "00hunter2token"`+"\n"
	for body, want := range map[string]string{
		token:              `neither url nor org or orgs is set: url names one org, such as "https://acme.okta.com"`,
		url + orgs + token: "url is set beside org or orgs",
		orgs + token:       "api_token or private_key_jwt is set beside org or orgs",
	} {
		_, err := evaluate(t, "forward_to = [receiver]\n"+body)
		require.ErrorContains(t, err, want)
	}
}

func TestABadOrgCostsOnlyItself(t *testing.T) {
	a, b := orgOf(t, 3), orgOf(t, 3)
	down := "127.0.0.1:1"
	refusing := serving(t, &oktasim.Org{Token: "another"})
	bad := []string{
		`{okta_api_key = "hunter2secret"}`,
		fmt.Sprintf(`{okta_domain = "http://%s"}`, orgOf(t, 1)),
		`{name = "odd", okta_domain = "odd.okta.com", okta_api_key = "hunter2secret", shade = "red"}`,
		`"hunter2secret"`, `null`, `{name = "number", url = "n.okta.com", api_token = 12345678}`,
		fmt.Sprintf(`{name = "again", url = "http://%s", api_token = "hunter2secret", poll_interval = "1m"}`, a),
		fmt.Sprintf(`{name = "a", url = "http://%s", api_token = "hunter2secret"}`, orgOf(t, 1)),
		`{name = "both", url = "https://x.okta.com", okta_domain = "x.okta.com", api_token = "hunter2secret"}`,
		`{name = "slow", url = "https://slow.okta.com", api_token = "hunter2secret", poll_interval = "1ms"}`,
		entry("refusing", refusing), entry("down", down),
	}
	body := list(append([]string{entry("a", a)}, append(bad, entry("b", b))...)...)
	check := func(s *site) {
		until(t, "the token is refused", func() bool { return s.rows()[11].State[:7] == "refused" })
		h := s.CurrentHealth()
		require.Equal(t, component.HealthTypeUnhealthy, h.Health)
		require.Contains(t, h.Message, "11 of 14 orgs are not collected: number 2: url: the org URL is empty")
		require.Contains(t, h.Message, "; and 6 more")
		rows := s.rows()
		require.Len(t, rows, 14)
		for i, want := range []string{
			"polling", "the org URL is empty", "neither api_token nor private_key_jwt", `"shade"`, "should be object, got string",
			"the org URL is empty", "api_token should be string, got number", `is collected as "a" already`, `the name "a" is that of an org before it`,
			"url and okta_domain are both set", "poll_interval is 1ms: it must be at least 100ms", "Okta refused the API token",
		} {
			require.Contains(t, rows[i].Health, want, "row %d, %s", i, rows[i].Name)
		}
		require.Equal(t, []string{"odd", "number 5"}, []string{rows[3].Name, rows[4].Name})
		for _, name := range []string{"odd", "again", "number 5", refusing} {
			require.Equal(t, 1.0, gauge(t, s.registry, "refused", name), "the alert names %s", name)
		}
		require.Zero(t, gauge(t, s.registry, "refused", b))
		require.NotContains(t, s.everything(t), "hunter2secret")
	}
	t.Run("at start", func(t *testing.T) {
		s := runs(t, body)
		s.takeFrom(t, 3, a, b)
		check(s)
	})
	t.Run("at reload", func(t *testing.T) {
		s := runs(t, list(entry("a", a)))
		s.takeFrom(t, 3, a)
		require.NoError(t, s.reload(t, body))
		s.takeFrom(t, 3, b)
		check(s)
	})
}

// A label that is no UTF-8 would fail the whole scrape.
func TestANameThatIsNoTextIsCollected(t *testing.T) {
	s := runs(t, list(`{name = "\xff", url = "", api_token = "right"}`))
	require.Equal(t, 1.0, gauge(t, s.registry, "refused", "\uFFFD"))
}

func TestOtherOrgsNoticeNothingOfAReload(t *testing.T) {
	var hosts []string
	for range 4 {
		hosts = append(hosts, orgOf(t, 3))
	}
	s := runs(t, list(entry("a", hosts[0]), entry("b", hosts[1]), entry("c", hosts[2])))
	s.takeFrom(t, 3, hosts[:3]...)
	before := s.current()
	poller := before[0].plan.Load()

	// One is removed, one is renamed, one has a new token, one is new, and the order is another.
	require.NoError(t, s.reload(t, list(entry("new", hosts[3]), strings.ReplaceAll(entry("b", hosts[1]), "right", "wrong"), entry("A", hosts[0]))))
	s.takeFrom(t, 3, hosts[3])
	after := s.current()
	require.Same(t, before[0].collector, after[2].collector)
	require.Same(t, poller, after[2].plan.Load(), "a renamed org goes on as it was")
	require.Equal(t, "A", after[2].name)
	until(t, "the new token is used", func() bool { return strings.HasPrefix(s.rows()[1].State, "refused") })
	require.NoError(t, s.reload(t, list(entry("a", hosts[0]), entry("b", hosts[1]), entry("c", hosts[2]))))
	until(t, "all poll again", func() bool {
		for _, row := range s.rows() {
			if row.State != polling {
				return false
			}
		}
		return true
	})
	files, err := filepath.Glob(filepath.Join(s.dir, "*.json"))
	require.NoError(t, err)
	require.Len(t, files, 4, "each org has a cursor of its own")
	select {
	case e := <-s.receiver.Chan():
		require.FailNow(t, "delivered twice", "%v %s", e.Labels, e.Line)
	case <-time.After(300 * time.Millisecond):
	}
}

func TestAListCutOffKeepsTheOneBefore(t *testing.T) {
	s := runs(t, list())
	require.Equal(t, "no orgs", s.CurrentHealth().Message)
	require.Equal(t, component.HealthTypeHealthy, s.CurrentHealth().Health)
	a := orgOf(t, 3)
	require.NoError(t, s.reload(t, list(entry("a", a))))
	s.takeFrom(t, 3, a)
	require.ErrorContains(t, s.reload(t, list()), "orgs became empty")
	require.Len(t, s.current(), 1)
	until(t, "it goes on", func() bool { return s.rows()[0].State == polling })
	require.Equal(t, "polling 1 org", s.CurrentHealth().Message)
}

func TestOrgBlocksOverrideTheComponent(t *testing.T) {
	args, err := evaluate(t, `forward_to = [receiver]
labels = {team = "idm", env = "prod"}
filter = "eventType eq \"x\""
org "acme" {
	url = "acme.okta.com"
	api_token = "00one"
	labels = {env = "test"}
	rate_limit_share = 0.2
	poll_interval = "1m"
	initial_lookback = "24h"
}
org "beta" {
	url = "beta.okta.com"
	query = "risk"
	private_key_jwt {
		client_id = "0oa"
		private_key_file = "/key.pem"
	}
}
orgs = [{url = "gamma.okta.com", private_key_jwt = {client_id = "0ob", private_key_file = "/key.pem"}}]
`)
	require.NoError(t, err)
	all := args.orgs()
	require.Len(t, all, 3)
	for _, w := range all {
		require.NoError(t, w.err)
		require.Equal(t, `eventType eq "x"`, w.args.Filter)
	}
	acme, beta, gamma := all[0].args, all[1].args, all[2]
	require.Equal(t, map[string]string{"team": "idm", "env": "test"}, acme.Labels)
	require.Equal(t, 0.2, acme.RateLimitShare)
	require.Equal(t, time.Minute, acme.PollInterval)
	require.Equal(t, 24*time.Hour, acme.InitialLookback)
	require.Equal(t, map[string]string{"team": "idm", "env": "prod"}, beta.Labels)
	require.Equal(t, "risk", beta.Query)
	require.Equal(t, 0.5, beta.RateLimitShare)
	require.Equal(t, "0oa", beta.PrivateKeyJWT.ClientID)
	require.Equal(t, "gamma.okta.com", gamma.name)
	require.Equal(t, DefaultArguments.PollInterval, gamma.args.PollInterval)
	require.Equal(t, []string{"okta.logs.read"}, gamma.args.PrivateKeyJWT.Scopes)
}

// What the UI, its API and the support bundle show of arguments is this.
func TestTokensOfOrgsAreNotShown(t *testing.T) {
	args, err := evaluate(t, `forward_to = [receiver]
org "acme" {
	url = "acme.okta.com"
	api_token = "00hunter2token"
}
orgs = [{okta_domain = "beta.okta.com", okta_api_key = "00hunter2token"}, {okta_api_key = "00hunter2token"}]
`)
	require.NoError(t, err)
	shown, err := alloyjson.MarshalBody(args)
	require.NoError(t, err)
	require.NotContains(t, string(shown), "hunter2")
	require.Contains(t, string(shown), "beta.okta.com")
}

func TestAnOrgHasAtMost25Series(t *testing.T) {
	a, b := orgOf(t, 3), orgOf(t, 3)
	loki := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"status":"success","data":{"resultType":"streams","result":[]}}`))
	}))
	defer loki.Close()
	s := runs(t, list(entry("a", a), entry("b", b))+fmt.Sprintf("reconcile {\n url = %q\n}\n", loki.URL))
	s.takeFrom(t, 3, a, b)
	until(t, "a checkpoint", func() bool {
		files, _ := filepath.Glob(filepath.Join(s.dir, "*.json"))
		return len(files) == 2
	})
	series := seriesOf(t, s.registry)
	require.Equal(t, series[a], series[b])
	require.InDelta(t, 22, series[a], 3, "series of an org")
	require.NoError(t, s.reload(t, list(entry("a", a))))
	require.NotContains(t, seriesOf(t, s.registry), b, "an org that is gone has no series")
}

// gauge is the value of an org's gauge.
func gauge(t *testing.T, r *prometheus.Registry, name, org string) float64 {
	t.Helper()
	families, err := r.Gather()
	require.NoError(t, err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "loki_source_okta_"+name && m.GetLabel()[0].GetValue() == org {
				return m.GetGauge().GetValue()
			}
		}
	}
	require.Failf(t, "no series", "%s of %s", name, org)
	return 0
}

// seriesOf counts the series by org.
func seriesOf(t *testing.T, r *prometheus.Registry) map[string]int {
	t.Helper()
	families, err := r.Gather()
	require.NoError(t, err)
	series := map[string]int{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "org" {
					series[l.GetValue()]++
				}
			}
		}
	}
	return series
}

func TestOneOrgThatIsRemovedComesBackToItsCursor(t *testing.T) {
	org := &oktasim.Org{Token: "right"}
	org.Generate(3, time.Minute)
	a, b := serving(t, org), orgOf(t, 3)
	s := runs(t, list(entry("a", a), entry("b", b)))
	s.takeFrom(t, 3, a, b)
	require.NoError(t, s.reload(t, list(entry("b", b))))
	require.FileExists(t, filepath.Join(s.dir, strings.ReplaceAll(a, ":", "_")+".json"))
	org.Generate(2, time.Second)
	require.NoError(t, s.reload(t, list(entry("b", b), entry("a", a))))
	s.takeFrom(t, 2, a)
	_, err := os.Stat(s.dir)
	require.NoError(t, err)
}

// An org of a node that is alone needs a goroutine that reads, and the poller's own.
func TestAnOrgNeedsFewGoroutines(t *testing.T) {
	in := func() (n int) {
		buf := make([]byte, 8<<20)
		for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			ours := func(of string) bool { return strings.Contains(stack, "/okta/"+of+".(") }
			if ours("internal/poller") || ours("internal/takeover") || strings.Contains(stack, "okta.(*reading)") {
				n++
			}
		}
		return n
	}
	orgs := func(n int) (entries []string) {
		for i := range n {
			entries = append(entries, entry(fmt.Sprint(i), orgOf(t, 0)))
		}
		return entries
	}
	ten := orgs(10)
	s := runs(t, list(ten[:2]...))
	polled := func(n int) func() bool {
		return func() bool {
			rows := s.rows()
			return len(rows) == n && !slices.ContainsFunc(rows, func(r orgInfo) bool { return r.LastPoll.IsZero() })
		}
	}
	until(t, "both are polled", polled(2))
	before := in()
	require.NoError(t, s.reload(t, list(ten...)))
	until(t, "all are polled", polled(10))
	t.Logf("%d goroutines with 2 orgs, %d with 10", before, in())
	require.LessOrEqual(t, in()-before, 3*8)
}
