// option: orgs

package okta

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// As the README of Logz.io's shipper has it: an org with two keys. It is one org, and its second key is tried when the first is refused.
func TestAnOrgThatIsListedTwiceIsCollectedOnce(t *testing.T) {
	for name, c := range map[string]struct {
		tokens []string
		polls  bool
	}{
		"both are good":           {[]string{"right", "right"}, true},
		"the first is good":       {[]string{"right", "hunter2"}, true},
		"the second is good":      {[]string{"hunter2", "right"}, true},
		"neither is":              {[]string{"hunter2", "hunter3"}, false},
		"the second is no token":  {[]string{"right", `\"hunter2\"`}, true},
		"the first is no token":   {[]string{`\"hunter2\"`, "right"}, true},
		"the same token, thrice":  {[]string{"right", "right", "right"}, true},
		"a bad one between, last": {[]string{"right", "hunter2", "right"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			host := orgOf(t, 3)
			var entries []string
			bad := 0
			for _, token := range c.tokens {
				entries = append(entries, fmt.Sprintf(`{okta_api_key = "%s", okta_domain = "http://%s"}`, token, host))
				if strings.Contains(token, `"`) {
					bad++
				}
			}
			s := runs(t, list(entries...))
			require.Len(t, s.rows(), 1+bad)
			if c.polls {
				s.takeFrom(t, 3, host)
				until(t, "it polls", func() bool { return s.rows()[len(s.rows())-1].State == polling || s.rows()[0].State == polling })
			} else {
				until(t, "both are refused", func() bool { return strings.HasPrefix(s.rows()[0].State, "refused") })
				require.Contains(t, s.CurrentHealth().Message, "Okta refused the API token")
			}
			told := s.everything(t)
			want := 1
			if len(c.tokens)-bad == 1 {
				want = 0
			}
			require.Equal(t, want, strings.Count(told, "an org is listed more than once"))
			require.NotContains(t, told, "give each a name of its own")
			require.NotContains(t, told, "is collected as")
			require.NotContains(t, told, "hunter")
		})
	}
}

// A list that was cut off is still a list.
func TestOrgsThatGoAreNamed(t *testing.T) {
	a, b, d := orgOf(t, 3), orgOf(t, 3), orgOf(t, 3)
	text := "tenants_credentials:\n"
	for _, host := range []string{a, b, d} {
		text += fmt.Sprintf("- okta_domain: http://%s\n  okta_api_key: right\n", host)
	}
	body := func(text string) string { return fmt.Sprintf("poll_interval = \"100ms\"\norgs = %q\n", text) }
	s := runs(t, body(text))
	s.takeFrom(t, 3, a, b, d)
	count := func() float64 {
		families, err := s.registry.Gather()
		require.NoError(t, err)
		for _, f := range families {
			if f.GetName() == "loki_source_okta_orgs" {
				return f.GetMetric()[0].GetGauge().GetValue()
			}
		}
		return -1
	}
	require.Equal(t, 3.0, count())

	cut := text[:strings.Index(text, b)+len(b)] + "\n" // the second without its key, no third
	require.NoError(t, s.reload(t, body(cut)))
	gone := []string{b, d}
	slices.Sort(gone)
	told := s.everything(t)
	require.Contains(t, told, `level=WARN msg="orgs are no longer collected" orgs="`+strings.Join(gone, ", ")+`" left=2`)
	require.Contains(t, told, "neither api_token nor private_key_jwt")
	require.Equal(t, 2.0, count())
	for _, host := range gone {
		require.FileExists(t, filepath.Join(s.dir, strings.ReplaceAll(host, ":", "_")+".json"))
	}

	require.NoError(t, s.reload(t, body(text)))
	require.Equal(t, 3.0, count())
	require.Equal(t, 1, strings.Count(s.everything(t), "orgs are no longer collected"))
	until(t, "all poll again", func() bool {
		return !slices.ContainsFunc(s.rows(), func(row orgInfo) bool { return row.State != polling })
	})
	select {
	case e := <-s.receiver.Chan():
		require.FailNow(t, "delivered twice", "%v %s", e.Labels, e.Line)
	case <-time.After(300 * time.Millisecond):
	}
}
